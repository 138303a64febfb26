"""MONAI's side of a bundle: ``python -m monai.bundle run``, and in a process that stays the bundle's own transforms,
inferer and postprocessing, one after the other.

The latter is leaner than the bundle's evaluator, which adds a data loader and event handlers to the same work.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from monai.bundle.config_parser import ConfigParser
from monai.data.utils import decollate_batch, list_data_collate
from monai.transforms.io.dictionary import LoadImaged, SaveImaged
from numpy.typing import NDArray
from safetensors.torch import load_file

from Testing.reference.bundle_run import RunnableBundle, assemble, reference_command
from Testing.reference.images import hippocampus_mr
from Testing.reference.zoo import ZooBundle

from ..clock import ForwardClock, timed
from ..precision import reference_precision
from ..recipes import EmbeddedModel
from ..record import WarmRun
from ..setting import Made, Setting
from ..sides import Assignment

_EMBEDDED = Path(__file__).resolve().parents[2] / "MedAISeg" / "Resources" / "Models"
_IMAGE, _LABELS = "image", "pred"


def make(recipe: ZooBundle | EmbeddedModel, data: Path, folder: Path, images: Sequence[Path]) -> Made:
    """A published bundle's config with weights that are drawn, or the embedded model as it is."""
    if isinstance(recipe, EmbeddedModel):
        shutil.copytree(_EMBEDDED / recipe.name, folder)
        for weights in (folder / "models").glob("*.safetensors"):
            torch.save({"model": load_file(weights)}, weights.with_suffix(".pt"))
            weights.unlink()
        config = folder / "configs" / "inference.json"
        return Made(folder, (), {"config": str(config)}, gpu_precision=_gpu_precision(config))
    files = [nibabel.load(path) for path in images]
    bundle = assemble(recipe, data / "monai_zoo", folder, [(np.asarray(f.dataobj), f.affine) for f in files])
    kept = {"config": str(bundle.config), "weights": recipe.weights}
    return Made(folder, bundle.changed, kept, gpu_precision=_gpu_precision(bundle.config))


def _gpu_precision(config: Path) -> str:
    """What its evaluator does on a GPU; without autocast, torch lets convolutions use TF32."""
    parser = ConfigParser()
    parser.read_config(str(config))
    return "fp16" if parser.get_parsed_content("evaluator#amp", default=False) else "tf32"


def command(setting: Setting, output: Path, device: str) -> list[str]:
    """``python -m monai.bundle run``, which takes a GPU where it sees one."""
    del device
    recipe = setting.case.model.recipe
    if isinstance(recipe, EmbeddedModel):
        recipe = ZooBundle(recipe.name, hippocampus_mr, data=("dataset_dir", lambda files: str(Path(files[0]).parent)))
    config = Path(setting.model.options["config"])
    bundle = RunnableBundle(replace(recipe, changes={}), setting.model.root, config, ())
    return reference_command(bundle, setting.images, output)


@dataclass(frozen=True)
class BundleSide:
    """See :class:`benchmarks.sides.WarmSide`.

    Attributes:
        networks: by the key of their scores.
        before: without LoadImaged.
        after: without SaveImaged.
    """

    assignment: Assignment
    networks: Mapping[str, torch.nn.Module]
    inferer: Any
    load: Any
    before: Sequence[Any]
    after: Sequence[Any]
    save: Any
    forward: ForwardClock

    def run_window(self) -> None:
        with torch.no_grad():
            size = (1, len(self.assignment.images), *self.inferer.roi_size)
            for network in self.networks.values():
                network(torch.zeros(size, device=self.assignment.device))

    @torch.no_grad()
    def run(self, precision: str) -> tuple[WarmRun, NDArray[Any]]:
        output, files = self.assignment.output, [str(path) for path in self.assignment.images]
        self.forward.take()
        data, read_s = timed(lambda: self.load({_IMAGE: files if len(files) > 1 else files[0]}))
        batch, prepare_s = timed(lambda: self._on_device(list_data_collate([_through(self.before, data)])))
        with reference_precision(self.assignment, precision):
            scores, infer_s = self.forward.timed(
                lambda: {key: self.inferer(batch[_IMAGE], network) for key, network in self.networks.items()}
            )
        done, finish_s = timed(lambda: _through(self.after, decollate_batch({**batch, **scores})[0]))
        labels = done[_LABELS][0].cpu().numpy()
        _, write_s = timed(lambda: self.save(done))
        shutil.rmtree(output)
        output.mkdir()
        forward = self.forward.take()
        return WarmRun.of(read_s, prepare_s, infer_s, finish_s, write_s, forward), labels.transpose(2, 1, 0)

    def _on_device(self, batch: dict[str, Any]) -> dict[str, Any]:
        """As the evaluator does before it calls the inferer."""
        return {**batch, _IMAGE: batch[_IMAGE].to(self.assignment.device)}


def load(assignment: Assignment) -> BundleSide:
    """Build from the bundle's config what ``monai.bundle run`` would build from it."""
    parser = ConfigParser()
    parser.read_config(assignment.options["config"])
    parser["bundle_root"], parser["output_dir"] = str(assignment.model), str(assignment.output)
    networks = _networks(parser, assignment)
    first, *before = parser.get_parsed_content("preprocessing").transforms
    *after, last = parser.get_parsed_content("postprocessing").transforms
    if not (isinstance(first, LoadImaged) and isinstance(last, SaveImaged)):
        raise TypeError("the bundle does not begin with loading the image and end with saving the labels")
    inferer = parser.get_parsed_content("inferer")
    return BundleSide(assignment, networks, inferer, first, before, after, last, ForwardClock())


def _networks(parser: ConfigParser, assignment: Assignment) -> dict[str, torch.nn.Module]:
    """The bundle's one network, or those whose mean it takes."""
    keys = parser.get_parsed_content("pred_keys", default=None)
    members = {_LABELS: ("network_def", assignment.options.get("weights", ""))}
    if keys is not None:
        members = {key: (f"network_def_{n}", f"network_{n}.pt") for n, key in enumerate(keys)}
    networks = {}
    for key, (described, weights) in members.items():
        network: torch.nn.Module = parser.get_parsed_content(described).to(assignment.device).eval()
        state = torch.load(assignment.model / "models" / weights, map_location=assignment.device, weights_only=True)
        network.load_state_dict(state["model"])
        networks[key] = network
    return networks


def _through(transforms: Sequence[Any], data: Any) -> Any:
    for transform in transforms:
        data = transform(data)
    return data
