"""MONAI's side of a bundle: ``python -m monai.bundle run``, and in a process that stays the bundle's own transforms,
inferer and postprocessing, one after the other.

The latter is leaner than the bundle's evaluator, which adds a data loader and event handlers to the same work.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
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
        weights = folder / "models" / "model.safetensors"
        torch.save({"model": load_file(weights)}, weights.with_suffix(".pt"))
        weights.unlink()
        config = folder / "configs" / "inference.json"
        return Made(folder, (), {"config": str(config), "weights": "model.pt"})
    files = [nibabel.load(path) for path in images]
    bundle = assemble(recipe, data / "monai_zoo", folder, [(np.asarray(f.dataobj), f.affine) for f in files])
    return Made(folder, bundle.changed, {"config": str(bundle.config), "weights": recipe.weights})


def command(setting: Setting, output: Path) -> list[str]:
    """``python -m monai.bundle run``."""
    recipe = setting.case.model.recipe
    if isinstance(recipe, EmbeddedModel):
        recipe = ZooBundle(recipe.name, hippocampus_mr, data=("dataset_dir", lambda files: str(Path(files[0]).parent)))
    config = Path(setting.model.options["config"])
    bundle = RunnableBundle(replace(recipe, changes={}), setting.model.root, config, ())
    return reference_command(bundle, setting.images, output)


@dataclass(frozen=True)
class BundleSide:
    """See :class:`benchmarks.sides.WarmSide`. ``before`` is without LoadImaged, ``after`` without SaveImaged."""

    assignment: Assignment
    network: torch.nn.Module
    inferer: Any
    load: Any
    before: Sequence[Any]
    after: Sequence[Any]
    save: Any
    forward: ForwardClock

    def run_window(self) -> None:
        with torch.no_grad(), self.forward.counting():
            self.network(torch.zeros(1, len(self.assignment.images), *self.inferer.roi_size))

    @torch.no_grad()
    def run(self) -> tuple[WarmRun, NDArray[Any]]:
        output, files = self.assignment.output, [str(path) for path in self.assignment.images]
        self.forward.take()
        data, read_s = timed(lambda: self.load({_IMAGE: files if len(files) > 1 else files[0]}))
        batch, prepare_s = timed(lambda: list_data_collate([_through(self.before, data)]))
        scores, infer_s = timed(lambda: self.inferer(batch[_IMAGE], self.network))
        done, finish_s = timed(lambda: _through(self.after, decollate_batch({**batch, _LABELS: scores})[0]))
        labels = done[_LABELS][0].cpu().numpy()
        _, write_s = timed(lambda: self.save(done))
        shutil.rmtree(output)
        output.mkdir()
        forward = self.forward.take()
        return WarmRun.of(read_s, prepare_s, infer_s, finish_s, write_s, forward), labels.transpose(2, 1, 0)


def load(assignment: Assignment) -> BundleSide:
    """Build from the bundle's config what ``monai.bundle run`` would build from it."""
    parser = ConfigParser()
    parser.read_config(assignment.options["config"])
    parser["bundle_root"], parser["output_dir"] = str(assignment.model), str(assignment.output)
    network: torch.nn.Module = parser.get_parsed_content("network_def").eval()
    weights = assignment.model / "models" / assignment.options["weights"]
    network.load_state_dict(torch.load(weights, weights_only=True)["model"])
    first, *before = parser.get_parsed_content("preprocessing").transforms
    *after, last = parser.get_parsed_content("postprocessing").transforms
    if not (isinstance(first, LoadImaged) and isinstance(last, SaveImaged)):
        raise TypeError("the bundle does not begin with loading the image and end with saving the labels")
    inferer = parser.get_parsed_content("inferer")
    return BundleSide(assignment, network, inferer, first, before, after, last, ForwardClock())


def _through(transforms: Sequence[Any], data: Any) -> Any:
    for transform in transforms:
        data = transform(data)
    return data
