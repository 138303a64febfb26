"""What to run on what, as JSON, so that every front end says the same thing; what came of it is in core.result."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.region import OrientedBox
from ..core.result import JobResult, Provenance, SegmentResult

__all__ = ["JobResult", "Provenance", "SegmentResult", "SegmentationJob"]


@dataclass(frozen=True)
class SegmentationJob:
    """A run to be made.

    Attributes:
        model: id of an installed model, or the path of a model's folder or file.
        device: ``auto``, ``cpu``, ``cuda:N`` or ``mps``.
        labels: names of the segments that are wanted; empty for all.
        region: limits the run: images are cropped to its voxel bounds, labels masked to the box.
        test_time_flips: average over flips along every subset of axes; None leaves it to the model.
        keep_largest_component: of each label.
        backend: ``auto`` for the fastest that was found, or ``eager``, ``onednn`` or ``openvino``.
        precision: ``auto``, ``fp32``, ``tf32``, ``fp16`` or ``bf16``; the last three change labels near ties.
        accept: go on under the assumption that would otherwise be asked about.
    """

    model: str
    device: str = "auto"
    labels: tuple[str, ...] = ()
    region: OrientedBox | None = None
    test_time_flips: bool | None = None
    keep_largest_component: bool = False
    accept: bool = False
    backend: str = "auto"
    precision: str = "auto"
