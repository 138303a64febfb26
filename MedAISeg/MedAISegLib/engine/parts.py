"""What several stages make together: one crops to what another found, and all paint one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..core.case import Case
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.segmentation import translated
from ..models.spec import CropToLabels, InferenceStage, ModelSpec
from .pieces import Poll
from .restore import LabelLayers
from .slabs import Shape

Box = tuple[Shape, Shape]
"""Start index and shape, (k, j, i)."""

NOTHING_TO_CROP_TO = Notice(
    "nothing-to-crop-to", "The rough first step of the model did not find the body part that the others look at."
)


def box_of_labels(layers: LabelLayers, crop: CropToLabels, geometry: VolumeGeometry, poll: Poll) -> Box | None:
    """Of the labels that count and their margin, within the image; None where there are none."""
    found = [np.zeros(length, dtype=bool) for length in geometry.shape_kji]
    for layer in layers:
        for k, plane in enumerate(layer):
            counts = np.isin(plane, crop.labels) if crop.labels else plane > 0
            if counts.any():
                found[0][k] = True
                found[1] |= counts.any(axis=1)
                found[2] |= counts.any(axis=0)
            poll()
    if not found[0].any():
        return None
    margins = np.floor(crop.margin_mm / geometry.spacing_mm).astype(int)
    start, shape = [], []
    for along, margin in zip(found, margins, strict=True):
        first, last = np.flatnonzero(along)[[0, -1]]
        low, high = max(int(first) - int(margin), 0), min(int(last) + int(margin) + 1, len(along))
        start.append(low)
        shape.append(high - low)
    return (start[0], start[1], start[2]), (shape[0], shape[1], shape[2])


def slices_of(box: Box) -> tuple[slice, slice, slice]:
    """The box as an index into (k, j, i)."""
    k, j, i = (slice(first, first + length) for first, length in zip(*box, strict=True))
    return k, j, i


def cropped_to(case: Case, box: Box, *, whole_numbers: bool) -> Case:
    """The case with its first channel, on whose grid the result lies, cut to a box; the others stay as they are.

    Args:
        whole_numbers: what is behind the point of a value of it is cut off.
    """
    (name, first), *others = case.channels.items()
    inside = first.window(*box)
    if whole_numbers and inside.voxels.dtype.kind == "f":
        inside = replace(inside, voxels=np.trunc(inside.voxels))
    return Case({name: inside, **dict(others)})


def pasted(layers: LabelLayers, box: Box, shape: Shape) -> LabelLayers:
    """(layer, k, j, i) labels of a box in the whole image, nothing around it."""
    whole = np.zeros((len(layers), *shape), dtype=layers.dtype)
    whole[(slice(None), *slices_of(box))] = layers
    return whole


def merged_layers(spec: ModelSpec, results: Sequence[LabelLayers], poll: Poll) -> LabelLayers:
    """The result of the whole model: the last stage's labels, or those of several painted over each other."""
    if not spec.merged:
        return _painted(spec.stages[-1], results[-1])
    largest = max(segment.label_value for segment in spec.segments)
    merged = np.zeros((1, *results[-1].shape[1:]), dtype=np.uint8 if largest < 256 else np.uint16)
    for index in spec.merged:
        labels = _painted(spec.stages[index], results[index])[0]
        for plane, own in zip(merged[0], labels, strict=True):
            np.copyto(plane, own, where=own > 0, casting="same_kind")
            poll()
    return merged


def _painted(stage: InferenceStage, layers: LabelLayers) -> LabelLayers:
    if not stage.paints:
        return layers
    values = np.zeros(max(int(np.iinfo(layers.dtype).max) + 1, len(stage.paints)), dtype=np.uint16)
    values[: len(stage.paints)] = stage.paints
    table = values.astype(np.uint8) if max(stage.paints) < 256 else values
    return np.stack([translated(layer, table) for layer in layers])
