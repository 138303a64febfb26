"""MONAI's side in a process that stays: the bundle's own transforms, inferer and postprocessing, one after the other.

Leaner than the bundle's evaluator, which adds a data loader and event handlers to the same work.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.bundle.config_parser import ConfigParser
from monai.data.utils import decollate_batch, list_data_collate
from monai.transforms.io.dictionary import LoadImaged, SaveImaged
from numpy.typing import NDArray

from .clock import ForwardClock, timed
from .record import WarmRun
from .sides import Assignment

_IMAGE, _LABELS = "image", "pred"


@dataclass(frozen=True)
class ReferenceSide:
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
        with torch.no_grad():
            self.network(torch.zeros(1, 1, *self.inferer.roi_size))

    @torch.no_grad()
    def run(self) -> tuple[WarmRun, NDArray[Any]]:
        output = self.assignment.output
        self.forward.take()
        data, read_s = timed(lambda: self.load({_IMAGE: str(self.assignment.image)}))
        batch, prepare_s = timed(lambda: list_data_collate([_through(self.before, data)]))
        scores, infer_s = timed(lambda: self.inferer(batch[_IMAGE], self.network))
        done, finish_s = timed(lambda: _through(self.after, decollate_batch({**batch, _LABELS: scores})[0]))
        labels = done[_LABELS][0].cpu().numpy()
        _, write_s = timed(lambda: self.save(done))
        shutil.rmtree(output)
        output.mkdir()
        forward_s = self.forward.take()
        measured = WarmRun(
            read_s=read_s,
            prepare_s=prepare_s,
            forward_s=forward_s,
            windows_s=infer_s - forward_s,
            finish_s=finish_s,
            write_s=write_s,
            peak_bytes=0,
            cpu_s=0.0,
        )
        return measured, labels.transpose(2, 1, 0)


def load(assignment: Assignment) -> ReferenceSide:
    """Build from the bundle's config what ``monai.bundle run`` would build from it."""
    parser = ConfigParser()
    parser.read_config(assignment.config)
    parser["bundle_root"], parser["output_dir"] = str(assignment.bundle), str(assignment.output)
    network: torch.nn.Module = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(assignment.weights, weights_only=True)["model"])
    first, *before = parser.get_parsed_content("preprocessing").transforms
    *after, last = parser.get_parsed_content("postprocessing").transforms
    if not (isinstance(first, LoadImaged) and isinstance(last, SaveImaged)):
        raise TypeError("the bundle does not begin with loading the image and end with saving the labels")
    inferer = parser.get_parsed_content("inferer")
    return ReferenceSide(assignment, network, inferer, first, before, after, last, ForwardClock(network))


def _through(transforms: Sequence[Any], data: Any) -> Any:
    for transform in transforms:
        data = transform(data)
    return data
