"""MeshNet's side: the published layers as plain torch modules, on the whole head at once.

Its publishers run it in a browser; as a command it is ``python -m benchmarks.references.meshnet MODEL IMAGE OUTPUT
DEVICE``. Conforming the head and turning labels back is ours on both sides: the network and its memory are what is
compared.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from MedAISegLib.app.study import read_case
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.resampling import Outside, resample
from MedAISegLib.formats import read_model
from MedAISegLib.models.operations import Interpolation
from MedAISegLib.models.spec import ModelSpec
from numpy.typing import NDArray
from safetensors.torch import load_file

from ..clock import ForwardClock, timed
from ..label_files import write_labels
from ..precision import reference_precision
from ..record import WarmRun
from ..setting import Made, Setting
from ..sides import Assignment

_WINDOW = 64


def make(recipe: str, data: Path, folder: Path, images: Sequence[Path]) -> Made:
    """The published folder, weights included."""
    del images
    shutil.copytree(data / "models" / "meshnet" / recipe, folder)
    folder.chmod(0o755)
    return Made(folder, gpu_precision="tf32")


def command(setting: Setting, output: Path, device: str) -> list[str]:
    """The module itself, as a program."""
    return [sys.executable, "-m", __name__, str(setting.model.root), str(setting.images[0]), str(output), device]


@dataclass(frozen=True)
class PlainSide:
    """See :class:`benchmarks.sides.WarmSide`."""

    assignment: Assignment
    spec: ModelSpec
    network: torch.nn.Module
    forward: ForwardClock

    def run_window(self) -> None:
        with torch.inference_mode():
            self.network(torch.zeros(1, 1, _WINDOW, _WINDOW, _WINDOW, device=self.assignment.device))

    @torch.inference_mode()
    def run(self, precision: str) -> tuple[WarmRun, NDArray[Any]]:
        self.forward.take()
        case, read_s = timed(lambda: read_case(self.spec, self.assignment.images[0], accept=True))
        prepared, prepare_s = timed(lambda: prepare(case, self.spec.stages[0]))
        with reference_precision(self.assignment, precision):
            scores, infer_s = self.forward.timed(
                lambda: self.network(prepared.values[None].to(self.assignment.device))[0]
            )

        def back() -> NDArray[Any]:
            found = scores.argmax(dim=0, keepdim=True).float()
            index_map = case.geometry.index_to(prepared.geometry)
            shape = case.geometry.shape_kji
            restored = resample(found, index_map, shape, Interpolation.NEAREST, Outside.ZERO, lambda: None)
            return np.asarray(restored[0].cpu().numpy().astype(np.uint8))

        labels, finish_s = timed(back)
        _, write_s = timed(lambda: write_labels(labels, self.assignment.images[0], self.assignment.output))
        return WarmRun.of(read_s, prepare_s, infer_s, finish_s, write_s, self.forward.take()), labels


def load(assignment: Assignment) -> PlainSide:
    """The layers that ``model.json`` lists, with their weights."""
    layers = json.loads((assignment.model / "model.json").read_text(encoding="utf-8"))["layers"]
    modules: list[torch.nn.Module] = []
    for layer in layers:
        given = {name: value for name, value in layer.items() if not name.endswith("channels")}
        modules += [torch.nn.Conv3d(layer["in_channels"], layer["out_channels"], **given), torch.nn.ReLU()]
    network = torch.nn.Sequential(*modules[:-1])
    weights = assignment.model / "model.pth"
    is_archive = weights.read_bytes()[:2] == b"PK"
    state = torch.load(weights, weights_only=True) if is_archive else load_file(weights)
    network.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})
    spec = read_model(assignment.model).spec
    return PlainSide(assignment, spec, network.to(assignment.device).eval(), ForwardClock())


def main(model: str, image: str, output: str, device: str) -> None:
    """Run it once, in the precision that is usual on the device."""
    precision = "fp32" if device == "cpu" else "tf32"
    load(Assignment("reference", "plain torch", Path(model), {}, (Path(image),), Path(output), device)).run(precision)


if __name__ == "__main__":
    main(*sys.argv[1:])
