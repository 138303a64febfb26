"""Labels on another grid, in numpy alone; what needs speed is in the engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .geometry import VolumeGeometry
from .language import tr as _
from .notice import Notice
from .progress import Poll, never
from .segmentation import Layers, Segmentation


def resample_labels(layers: Layers, source: VolumeGeometry, target: VolumeGeometry, poll: Poll = never) -> Layers:
    """(layer, k, j, i) labels on the target grid by nearest neighbour in world space; 0 outside the source."""
    resampled = np.empty((len(layers), *target.shape_kji), dtype=layers.dtype)
    for k, planes in enumerate(resampled_planes(layers, source, target)):
        resampled[:, k] = planes
        poll()
    return resampled


def resampled_planes(layers: Layers, source: VolumeGeometry, target: VolumeGeometry) -> Iterator[Layers]:
    """(layer, j, i), the slices of the target grid in turn, as :func:`resample_labels` has them."""
    to_source = target.index_to(source)
    rows, columns = np.arange(target.shape_kji[1])[:, None], np.arange(target.shape_kji[2])[None, :]
    for k in range(target.shape_kji[0]):
        nearest = [
            np.floor(to_source[a, 0] * k + to_source[a, 1] * rows + to_source[a, 2] * columns + to_source[a, 3] + 0.5)
            for a in range(3)
        ]
        inside = np.logical_and.reduce(
            [(n >= 0) & (n < size) for n, size in zip(nearest, source.shape_kji, strict=True)]
        )
        a, b, c = (n[inside].astype(np.intp) for n in nearest)
        resampled = np.zeros((len(layers), *target.shape_kji[1:]), dtype=layers.dtype)
        resampled[:, inside] = layers[:, a, b, c]
        yield resampled


def rectilinear_segmentation(
    segmentation: Segmentation, format_name: str, poll: Poll = never
) -> tuple[Segmentation, tuple[Notice, ...]]:
    """The segmentation on a grid at right angles, for formats that hold no shear; itself where its grid is one."""
    if segmentation.geometry.is_rectilinear():
        return segmentation, ()
    target = segmentation.geometry.rectilinear()
    layers = resample_labels(segmentation.layers, segmentation.geometry, target, poll)
    return replace(segmentation, layers=layers, geometry=target), (sheared_grid_notice(format_name),)


def sheared_grid_notice(format_name: str) -> Notice:
    """What is to be said where labels were resampled because a format holds no shear."""
    return Notice(
        "sheared-grid-resampled",
        _(
            "The image's grid is tilted, which {format} cannot hold: its labels were resampled to an upright grid."
        ).format(format=format_name),
    )
