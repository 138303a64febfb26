"""Auto3DSeg's side: the steps of its segresnet template, put together from MONAI's own transforms and inferer.

The template itself is no part of MONAI's package. As a command: ``python -m benchmarks.references.auto3dseg MODEL IMAGE
OUTPUT DEVICE``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.formats import read_model
from MedAISegLib.readers import read_images
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.inferers import SlidingWindowInfererAdapt
from monai.networks.nets import SegResNetDS
from monai.transforms import Compose, Invertd
from numpy.typing import NDArray

from Testing.reference.seeded import shift_for_classes, window_of
from Testing.reference.test_auto3dseg import preparation

from ..clock import ForwardClock, timed
from ..label_files import write_labels
from ..precision import reference_precision
from ..recipes import SegResNetRecipe
from ..record import WarmRun
from ..setting import Made, Setting
from ..sides import Assignment

_CHECKPOINT = "model.pt"
_OVERLAP = 0.625


def make(recipe: SegResNetRecipe, data: Path, folder: Path, images: Sequence[Path]) -> Made:
    """A checkpoint with weights that are drawn, its scores shifted so that the image holds every class."""
    del data
    folder.mkdir()
    torch.manual_seed(20)
    arguments = recipe.network | {"out_channels": recipe.config["output_classes"]}
    state = SegResNetDS(**arguments).state_dict()
    content = {"state_dict": state, "config": recipe.config | {"network": arguments | {"_target_": "SegResNetDS"}}}
    torch.save(content, folder / _CHECKPOINT)
    source = read_model(folder)
    case = Case({source.spec.channels[0].name: read_images(images[0], accept=True)[0]})
    with torch.inference_mode():
        scores = source.build_networks()[0][0](window_of(case, source.spec.stages[0]))
    scores = (scores[0] if isinstance(scores, (list, tuple)) else scores)[0].flatten(1)
    last = next(name for name in state if name.endswith("head.bias"))
    state[last] += torch.from_numpy(shift_for_classes(scores.double().numpy())).float()
    torch.save(content, folder / _CHECKPOINT)
    return Made(folder)


def command(setting: Setting, output: Path, device: str) -> list[str]:
    """The module itself, as a program."""
    return [sys.executable, "-m", __name__, str(setting.model.root), str(setting.images[0]), str(output), device]


@dataclass(frozen=True)
class TemplateSide:
    """See :class:`benchmarks.sides.WarmSide`."""

    assignment: Assignment
    config: dict[str, Any]
    network: torch.nn.Module
    forward: ForwardClock

    def run_window(self) -> None:
        with torch.no_grad():
            self.network(torch.zeros(1, 1, *self.config["roi_size"], device=self.assignment.device))

    @torch.no_grad()
    def run(self, precision: str) -> tuple[WarmRun, NDArray[Any]]:
        self.forward.take()
        steps = preparation(self.config)
        load, prepare = steps.transforms[0], Compose(steps.transforms[1:])
        data, read_s = timed(lambda: load({"image": str(self.assignment.images[0])}))
        batch, prepare_s = timed(lambda: list_data_collate([prepare(data)]))
        infer = SlidingWindowInfererAdapt(self.config["roi_size"], sw_batch_size=1, overlap=_OVERLAP, mode="gaussian")
        with reference_precision(self.assignment, precision):
            values = batch["image"].as_tensor().to(self.assignment.device)
            scores, infer_s = self.forward.timed(lambda: infer(values, self.network))
        labels, finish_s = timed(lambda: _labels(scores, batch, prepare))
        _, write_s = timed(lambda: write_labels(labels, self.assignment.images[0], self.assignment.output))
        return WarmRun.of(read_s, prepare_s, infer_s, finish_s, write_s, self.forward.take()), labels


def load(assignment: Assignment) -> TemplateSide:
    """The checkpoint's network with its weights."""
    content = torch.load(assignment.model / _CHECKPOINT, weights_only=False)
    arguments = {name: value for name, value in content["config"]["network"].items() if name != "_target_"}
    network = SegResNetDS(**arguments)
    network.load_state_dict(content["state_dict"])
    return TemplateSide(assignment, content["config"], network.to(assignment.device).eval(), ForwardClock())


def _labels(scores: torch.Tensor, batch: dict[str, Any], prepare: Compose) -> NDArray[Any]:
    """(k, j, i): probabilities are taken back to the image's grid, and then decided."""
    found = torch.softmax(scores, dim=1, dtype=torch.double).float()
    image = batch["image"]
    batch["pred"] = MetaTensor(found, meta=image.meta, applied_operations=image.applied_operations)
    restore = Invertd("pred", transform=prepare, orig_keys="image", nearest_interp=False)
    (restored,) = (restore(item)["pred"].as_tensor() for item in decollate_batch(batch))
    return np.asarray(restored.argmax(dim=0).cpu().numpy().astype(np.uint8).transpose(2, 1, 0))


def main(model: str, image: str, output: str, device: str) -> None:
    """Run it once, in the precision that is usual on the device."""
    precision = "fp32" if device == "cpu" else "fp16"
    load(Assignment("reference", "Auto3DSeg", Path(model), {}, (Path(image),), Path(output), device)).run(precision)


if __name__ == "__main__":
    main(*sys.argv[1:])
