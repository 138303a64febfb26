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
from ..models.spec import InferenceStage, ModelSpec, RestoreOrder, Threshold, WindowRule, networks_apart
from ..models.window_axis import leanest_axis
from .prepared_grid import Shape, prepared_grid, source_grid

_FLOAT_BYTES = 4
_KEPT_BESIDE = 8
"""float32 values alive for each voxel in a forward pass beside those that grow with the network's width."""

_USUAL_WIDTH = 32.0
"""Features of nnU-Net's and Auto3DSeg's networks on their finest grid; for those whose format cannot tell."""

_COPIES_OF_WEIGHTS = 2
"""As they were read, and in the forms that a processor's layers want."""

_HOLES = 1.2
"""Arrays between a network's layers lie between ones that were freed and are a little too small to be taken again."""

_VOXEL_BYTES = 2
"""Of an image as it was read."""

_PARALLEL_TOLERANCE = 1e-3
"""Slices that rounding makes of none."""

_SLICES_ABOUT = 5
"""Of those that a tilted slice crosses, beside its own range."""

_WHOLE_SLAB_BYTES = 512 * 2**20

_HEAD_APART = ("meshnet",)
"""In these formats no more than a layer's input and output are held, and the last layer, which works on each voxel
alone, is applied to some slices at a time.
"""

_TILES_BYTES = 64 * 2**20
"""Boxes of scores that are decided one after the other, and their copies on the way."""

_TILES_ON_GPU_BYTES = 320 * 2**20
"""There the boxes are larger, or it is voxels' places in an oblique grid."""

_PROGRAM_BYTES = 490 * 2**20
"""Resident size of the worker with torch and MONAI imported, its readers and writers at work; it varies by 50 MB."""

_PROGRAM_WITH_GPU_BYTES = 2500 * 2**20


@dataclass(frozen=True)
class Need:
    """Bytes of the computer's memory in all, and of the device's where that is another."""

    host_bytes: int
    device_bytes: int


def need_of(
    spec: ModelSpec,
    geometry: VolumeGeometry,
    *,
    weights_bytes: int,
    on_gpu: bool,
    widths: Sequence[float] = (),
    members: Sequence[int] = (),
    batch: int | None = None,
    scores_on_gpu: bool = True,
) -> Need:
    """The most memory that a run will hold at one time.

    Args:
        spec: the model, with the job's options applied.
        geometry: of the first channel's image, cropped to the region.
        weights_bytes: size of the model's files.
        on_gpu: whether the network runs on a device with its own memory.
        widths: features for each voxel at the widest place of each stage's networks; empty for the usual ones.
        members: networks of each stage; empty for one each.
        batch: windows in one forward pass, where they are fewer than the model asks for.
        scores_on_gpu: whether they are added up where the network runs.
    """
    source_voxels, channels, stages = math.prod(geometry.shape_kji), len(spec.channels), spec.stages
    label_bytes = 1 if max(s.label_value for s in spec.segments) < 256 else 2
    labels = sum(_layers(stage) for stage in stages) * source_voxels * label_bytes
    image, stacked = (channels * source_voxels * size for size in (_VOXEL_BYTES, _FLOAT_BYTES))
    grids = [prepared_grid(stage, geometry) for stage in stages]
    values = max(channels * math.prod(grid.shape_kji) * _FLOAT_BYTES for grid in grids)
    computing = [
        (
            _scores_bytes(spec, stage, source_grid(stage, geometry), grid, count),
            int(_HOLES * _network_bytes(spec, stage, grid.shape_kji, width, batch or stage.windows.batch)),
        )
        for stage, grid, width, count in zip(
            stages, grids, widths or [_USUAL_WIDTH] * len(stages), members or [1] * len(stages), strict=True
        )
    ]
    of_all_classes = max(_classes(spec, stage) for stage in stages) * source_voxels * _FLOAT_BYTES
    tiles = min(_TILES_ON_GPU_BYTES, 4 * of_all_classes) if on_gpu else min(_TILES_BYTES, of_all_classes)
    preparing = image + stacked + 2 * values
    if on_gpu:
        scores = max(scores for scores, _ in computing) + tiles
        network = max(network for _, network in computing)
        together = max(map(sum, computing)) + tiles
        host = _PROGRAM_WITH_GPU_BYTES + weights_bytes + labels + (0 if scores_on_gpu else scores)
        return Need(host + preparing, weights_bytes + values + (together if scores_on_gpu else network))
    # What was prepared from is let go of before the network runs, and labels grow only then.
    inferring = image + values + max(map(sum, computing)) + tiles + labels
    return Need(_PROGRAM_BYTES + _COPIES_OF_WEIGHTS * weights_bytes + max(preparing, inferring), 0)


def work_of(spec: ModelSpec, geometry: VolumeGeometry) -> float:
    """A measure of how much a model has to compute, to compare runs of one model."""
    stage = spec.stages[0]
    images = geometry.shape_kji[0] if stage.slicewise else 1
    return float(
        images * math.prod(prepared_grid(stage, geometry).shape_kji) * (1 + len(stage.windows.test_time_flips))
    )


def _window(stage: InferenceStage, prepared: Shape) -> Shape:
    size = stage.windows.size or prepared
    a, b, c = (wanted or length for wanted, length in zip(size, prepared, strict=True))
    return a, b, c


def _scores_bytes(
    spec: ModelSpec, stage: InferenceStage, source: VolumeGeometry, grid: VolumeGeometry, members: int
) -> int:
    """The scores of all classes, one window deep along the axis that windows advance along, and what a tilt adds."""
    shape, classes = grid.shape_kji, _classes(spec, stage)
    window = _window(stage, shape)
    axis = leanest_axis(shape, window, stage.windows.rule)
    of_slice = math.prod(shape) // shape[axis]
    crossed = 0
    if stage.restore.order is RestoreOrder.SCORES_THEN_DECIDE:
        step = window[axis] * (1.0 - stage.windows.overlap[axis])
        crossed = min(_crossed(source, grid, axis, step), shape[axis]) * of_slice * classes * _FLOAT_BYTES
    if stage.windows.size is None:
        whole = classes * math.prod(shape) * _FLOAT_BYTES
        return min(whole, _WHOLE_SLAB_BYTES + crossed) if spec.format in _HEAD_APART else whole
    size = 2 if stage.windows.rule is WindowRule.NNUNET else _FLOAT_BYTES
    rings = members if networks_apart(stage.windows, stage.averaging) else 1
    return (rings * classes + 1) * of_slice * min(window[axis], shape[axis]) * size + crossed


def _crossed(source: VolumeGeometry, grid: VolumeGeometry, axis: int, step: float) -> int:
    """Slices of the network's grid that are kept for one slice of an image whose axes are not parallel to it."""
    reach = np.abs(source.index_to(grid)[axis, :3]) * (np.asarray(source.shape_kji) - 1)
    crossed = float(reach.sum() - reach.max())
    return math.ceil(crossed + step) + _SLICES_ABOUT if crossed > _PARALLEL_TOLERANCE else 0


def _classes(spec: ModelSpec, stage: InferenceStage) -> int:
    return len(stage.decision.labels) or len(spec.segments) + 1


def _layers(stage: InferenceStage) -> int:
    return len(stage.decision.labels) if isinstance(stage.decision, Threshold) else 1


def _network_bytes(spec: ModelSpec, stage: InferenceStage, prepared: Shape, width: float, batch: int) -> int:
    """What a forward pass keeps between its layers, the scores that it gives, and a cascade's channels of labels."""
    classes = _classes(spec, stage)
    kept = _kept(classes, width, in_place=spec.format in _HEAD_APART) + (0 if stage.labels_of is None else classes)
    return int(min(batch, stage.windows.batch) * math.prod(_window(stage, prepared)) * kept * _FLOAT_BYTES)


def _kept(classes: int, width: float, *, in_place: bool) -> float:
    """Values for each voxel: in the middle of a network features several times over, beside the scores of the window
    before; at its end features and scores.
    """
    if in_place:
        return 2 * width
    return _KEPT_BESIDE + max(8 * width + classes, 4 * width + 2 * classes)
