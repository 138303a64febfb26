"""What a run will need, from headers alone.

A sum of the arrays that the engine holds at one time, each known from the model's specification but one: what the
network keeps between its layers. For that stands a number of values for each voxel, on the safe side of what was
measured: 110 for the embedded UNet, 17 for the wider windows of MONAI's spleen_ct, 12 for a MeshNet of 5 channels that
takes the whole array at once. Resident memory on a CPU, measured and estimated: 0.38 and 0.42 GB for the UNet on
35 x 51 x 35 voxels; 0.79 and 2.0 GB for spleen_ct, four windows at once, on 512 x 512 x 41.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core.geometry import VolumeGeometry
from ..models.operations import Conform, Operation, Orient, PadToMultiple, PadToSize, Resample, ResizeTo, ReverseAxes
from ..models.spec import InferenceStage, ModelSpec, Threshold, WindowRule

_FLOAT_BYTES = 4
_KEPT_IN_WINDOW = 110
_KEPT_OF_WHOLE = 28
"""float32 values alive for each voxel in a forward pass, at its widest place."""

_WHOLE_SLAB_BYTES = 512 * 2**20
"""A last layer that works on each voxel alone is applied to some slices at a time, in these formats."""

_HEAD_APART = ("meshnet",)

_TILES_BYTES = 64 * 2**20
"""Boxes of scores that are decided one after the other, and their copies on the way."""

_PROGRAM_BYTES = 350 * 2**20
"""Resident size of the worker with torch and MONAI imported; with CUDA's libraries it is more."""

_PROGRAM_WITH_GPU_BYTES = 2500 * 2**20

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Need:
    """Bytes of the computer's memory in all, and of the device's where that is another."""

    host_bytes: int
    device_bytes: int


def need_of(spec: ModelSpec, geometry: VolumeGeometry, *, weights_bytes: int, on_gpu: bool) -> Need:
    """The most memory that a run will hold at one time.

    Args:
        spec: the model, with the job's options applied.
        geometry: of the first channel's image, cropped to the region.
        weights_bytes: size of the model's files.
        on_gpu: whether the network runs on a device with its own memory.
    """
    source_voxels = math.prod(geometry.shape_kji)
    channels = len(spec.channels)
    stacked = channels * source_voxels * _FLOAT_BYTES
    labels = _layers(spec) * source_voxels * (1 if max(s.label_value for s in spec.segments) < 256 else 2)
    grids = [prepared_shape(stage, geometry) for stage in spec.stages]
    values = max(channels * math.prod(grid) * _FLOAT_BYTES for grid in grids)
    computing = max(
        _scores_bytes(spec, stage, grid) + _network_bytes(spec, stage, grid)
        for stage, grid in zip(spec.stages, grids, strict=True)
    )
    tiles = min(_TILES_BYTES, max(_classes(spec, stage) for stage in spec.stages) * source_voxels * _FLOAT_BYTES)
    on_device = weights_bytes + values + computing + tiles
    if on_gpu:
        return Need(_PROGRAM_WITH_GPU_BYTES + weights_bytes + stacked + 2 * values + labels, on_device)
    # What was prepared from is let go of before the network runs, and labels grow only then.
    return Need(_PROGRAM_BYTES + max(stacked + 2 * values, on_device + labels), 0)


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


def _network_bytes(spec: ModelSpec, stage: InferenceStage, prepared: Shape) -> int:
    """What a forward pass keeps between its layers, and the scores that it gives."""
    kept = _KEPT_OF_WHOLE if stage.windows.size is None else _KEPT_IN_WINDOW + 2 * _classes(spec, stage)
    return stage.windows.batch * math.prod(_window(stage, prepared)) * kept * _FLOAT_BYTES
