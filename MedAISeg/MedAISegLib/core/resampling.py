"""Labels on another grid, in numpy alone; what needs speed is in the engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .geometry import VolumeGeometry
from .notice import Notice
from .segmentation import Layers, Segmentation


def resample_labels(layers: Layers, source: VolumeGeometry, target: VolumeGeometry) -> Layers:
    """(layer, k, j, i) labels on the target grid by nearest neighbour in world space; 0 outside the source."""
    resampled = np.zeros((len(layers), *target.shape_kji), dtype=layers.dtype)
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
        resampled[:, k][:, inside] = layers[:, a, b, c]
    return resampled


def rectilinear_segmentation(segmentation: Segmentation, format_name: str) -> tuple[Segmentation, tuple[Notice, ...]]:
    """The segmentation on a grid at right angles, for formats that hold no shear; itself where its grid is one."""
    if segmentation.geometry.is_rectilinear():
        return segmentation, ()
    target = segmentation.geometry.rectilinear()
    layers = resample_labels(segmentation.layers, segmentation.geometry, target)
    notice = Notice(
        "sheared-grid-resampled",
        f"The image's grid is tilted, which {format_name} cannot hold: its labels were resampled to an upright grid.",
    )
    return replace(segmentation, layers=layers, geometry=target), (notice,)
