"""What a run will need, from headers alone.

A sum of the arrays that the engine holds at one time, each known from the model's specification but one: what the
network keeps between its layers. That is taken from how wide the network is where its format can tell, else from a wide
one; numbers are on the safe side of what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.geometry import VolumeGeometry
from ..models.operations import Conform, Operation, Orient, PadToMultiple, PadToSize, Resample, ResizeTo, ReverseAxes
from ..models.spec import InferenceStage, ModelSpec, Threshold, WindowRule

_FLOAT_BYTES = 4
_KEPT_BESIDE = 8
"""float32 values alive for each voxel in a forward pass beside those that grow with the network's width."""

_USUAL_WIDTH = 32.0
"""Features of nnU-Net's and Auto3DSeg's networks on their finest grid; for those whose format cannot tell."""

_COPIES_OF_WEIGHTS = 2
"""As they were read, and in the forms that a processor's layers want."""

_HOLES = 1.2
"""Arrays of a run lie between ones that were freed and are a little too small to be taken again."""

_WHOLE_SLAB_BYTES = 512 * 2**20

_HEAD_APART = ("meshnet",)
"""In these formats no more than a layer's input and output are held, and the last layer, which works on each voxel
alone, is applied to some slices at a time.
"""

_TILES_BYTES = 64 * 2**20
"""Boxes of scores that are decided one after the other, and their copies on the way."""

_PROGRAM_BYTES = 400 * 2**20
"""Resident size of the worker with torch and MONAI imported, its readers and writers at work."""

_PROGRAM_WITH_GPU_BYTES = 2500 * 2**20

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Need:
    """Bytes of the computer's memory in all, and of the device's where that is another."""

    host_bytes: int
    device_bytes: int


def need_of(
    spec: ModelSpec, geometry: VolumeGeometry, *, weights_bytes: int, on_gpu: bool, widths: Sequence[float] = ()
) -> Need:
    """The most memory that a run will hold at one time.

    Args:
        spec: the model, with the job's options applied.
        geometry: of the first channel's image, cropped to the region.
        weights_bytes: size of the model's files.
        on_gpu: whether the network runs on a device with its own memory.
        widths: features for each voxel at the widest place of each stage's networks; empty for the usual ones.
    """
    source_voxels = math.prod(geometry.shape_kji)
    channels = len(spec.channels)
    stacked = channels * source_voxels * _FLOAT_BYTES
    labels = _layers(spec) * source_voxels * (1 if max(s.label_value for s in spec.segments) < 256 else 2)
    grids = [prepared_shape(stage, geometry) for stage in spec.stages]
    values = max(channels * math.prod(grid) * _FLOAT_BYTES for grid in grids)
    computing = max(
        _scores_bytes(spec, stage, grid) + _network_bytes(spec, stage, grid, width)
        for stage, grid, width in zip(spec.stages, grids, widths or [_USUAL_WIDTH] * len(spec.stages), strict=True)
    )
    tiles = min(_TILES_BYTES, max(_classes(spec, stage) for stage in spec.stages) * source_voxels * _FLOAT_BYTES)
    inferring = values + int(_HOLES * computing) + tiles
    if on_gpu:
        host = _PROGRAM_WITH_GPU_BYTES + weights_bytes + stacked + 2 * values + labels
        return Need(host, weights_bytes + inferring)
    # What was prepared from is let go of before the network runs, and labels grow only then.
    weights = _COPIES_OF_WEIGHTS * weights_bytes
    return Need(_PROGRAM_BYTES + weights + max(stacked + 2 * values, inferring + labels), 0)


def work_of(spec: ModelSpec, geometry: VolumeGeometry) -> float:
    """A measure of how much a model has to compute, to compare runs of one model."""
    stage = spec.stages[0]
    images = geometry.shape_kji[0] if stage.slicewise else 1
    return float(images * math.prod(prepared_shape(stage, geometry)) * (1 + len(stage.windows.test_time_flips)))


def prepared_shape(stage: InferenceStage, geometry: VolumeGeometry) -> Shape:
    """The array that the network is moved over; what cropping to the foreground will take away is not known yet."""
    _, rows, columns = geometry.shape_kji
    grid = geometry.window((0, 0, 0), (1, rows, columns)) if stage.slicewise else geometry
    for operation in stage.preprocessing:
        grid = _after(operation, grid)
    return grid.shape_kji


def _after(operation: Operation, grid: VolumeGeometry) -> VolumeGeometry:
    if isinstance(operation, ReverseAxes):
        return grid.transposed((2, 1, 0))
    if isinstance(operation, Orient):
        return grid.transposed(grid.steps_towards(operation.axis_codes)[0])
    if isinstance(operation, Resample):
        wanted = np.where(np.asarray(operation.spacing_mm) > 0, operation.spacing_mm, grid.spacing_mm)
        return _respaced(grid, np.rint((np.asarray(grid.shape_kji) - 1) * grid.spacing_mm / wanted) + 1, wanted)
    if isinstance(operation, Conform):
        return VolumeGeometry((operation.size,) * 3, np.diag([*[operation.spacing_mm] * 3, 1.0]))
    if isinstance(operation, PadToMultiple):
        multiples = [max(m, 1) for m in operation.multiple]
        return _respaced(grid, [-(-n // m) * m for n, m in zip(grid.shape_kji, multiples, strict=True)])
    if isinstance(operation, ResizeTo):
        return _respaced(grid, np.where(np.asarray(operation.size) > 0, operation.size, grid.shape_kji))
    if isinstance(operation, PadToSize):
        return _respaced(grid, np.maximum(grid.shape_kji, operation.size))
    return grid


def _respaced(grid: VolumeGeometry, shape: object, spacing_mm: object = None) -> VolumeGeometry:
    a, b, c = (int(n) for n in np.asarray(shape))
    affine = grid.affine_lps.copy()
    if spacing_mm is not None:
        affine[:3, :3] = grid.directions_lps * np.asarray(spacing_mm)
    return VolumeGeometry((a, b, c), affine)


def _window(stage: InferenceStage, prepared: Shape) -> Shape:
    size = stage.windows.size or prepared
    a, b, c = (wanted or length for wanted, length in zip(size, prepared, strict=True))
    return a, b, c


def _scores_bytes(spec: ModelSpec, stage: InferenceStage, prepared: Shape) -> int:
    """The scores of all classes, one window deep along the axis where that is least."""
    if stage.windows.size is None:
        whole = _classes(spec, stage) * math.prod(prepared) * _FLOAT_BYTES
        return min(whole, _WHOLE_SLAB_BYTES) if spec.format in _HEAD_APART else whole
    window = _window(stage, prepared)
    share = max(length / wanted for length, wanted in zip(prepared, window, strict=True))
    voxels = math.prod(prepared) / max(share, 1.0)
    return int((_classes(spec, stage) + 1) * voxels * (2 if stage.windows.rule is WindowRule.NNUNET else _FLOAT_BYTES))


def _classes(spec: ModelSpec, stage: InferenceStage) -> int:
    return len(stage.decision.labels) or len(spec.segments) + 1


def _layers(spec: ModelSpec) -> int:
    last = spec.stages[-1].decision
    return len(last.labels) if isinstance(last, Threshold) else 1


def _network_bytes(spec: ModelSpec, stage: InferenceStage, prepared: Shape, width: float) -> int:
    """What a forward pass keeps between its layers, and the scores that it gives."""
    kept = _kept(_classes(spec, stage), width, in_place=spec.format in _HEAD_APART)
    return int(stage.windows.batch * math.prod(_window(stage, prepared)) * kept * _FLOAT_BYTES)


def _kept(classes: int, width: float, *, in_place: bool) -> float:
    """Values for each voxel: in the middle of a network features several times over, beside the scores of the window
    before; at its end features and scores.
    """
    if in_place:
        return 2 * width
    return _KEPT_BESIDE + max(8 * width + classes, 4 * width + 2 * classes)
