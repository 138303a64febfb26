"""The result of a run: labels on the source grid, and what each label means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import VolumeGeometry
from .node_description import NodeDescription
from .progress import Poll, never
from .terminology import UNSPECIFIED, Terminology
from .volume import SeriesReference

Layers = NDArray[Any]


class AlgorithmType(Enum):
    """Who found a segment (DICOM PS3.3 C.8.20.2, Segment Algorithm Type): a model, a model and a person, a person."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


@dataclass(frozen=True)
class Segment:
    """One structure of a segmentation.

    Attributes:
        label_value: its value in the layer, at least 1.
        name: as shown to the user; unique within a segmentation.
        color_rgb: 0 to 255 each.
        layer: index of the layer that holds it.
    """

    label_value: int
    name: str
    color_rgb: tuple[int, int, int]
    terminology: Terminology = UNSPECIFIED
    layer: int = 0
    algorithm_type: AlgorithmType = AlgorithmType.AUTOMATIC


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Segments on the grid of the case's first channel.

    Attributes:
        layers: (layer, k, j, i), uint8 or uint16; segments that overlap lie in different layers.
        geometry: index (k, j, i) to LPS mm.
        segments: every segment that was asked for, also those without a voxel.
        series: the DICOM series of the first channel, None for image files.
        node: the node of Slicer that holds the segments, None for what comes from a run.
    """

    layers: Layers
    geometry: VolumeGeometry
    segments: tuple[Segment, ...]
    series: SeriesReference | None = None
    node: NodeDescription | None = None

    def __post_init__(self) -> None:
        if self.layers.ndim != 4 or self.layers.shape[1:] != self.geometry.shape_kji:
            raise ValueError(f"layers {self.layers.shape} do not fit the geometry {self.geometry.shape_kji}")
        if self.layers.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"layers are uint8 or uint16, not {self.layers.dtype}")
        for s in self.segments:
            if not (0 <= s.layer < len(self.layers) and 1 <= s.label_value <= np.iinfo(self.layers.dtype).max):
                raise ValueError(
                    f"{self.layers.dtype} layers {self.layers.shape} have no label {s.label_value} in layer {s.layer}"
                )
        if self.node is not None and len(self.node.segments) != len(self.segments):
            raise ValueError(f"{len(self.segments)} segments, and {len(self.node.segments)} in the node")

    def mask(self, segment: Segment) -> NDArray[np.bool_]:
        """(k, j, i), where the segment is."""
        return np.asarray(self.layers[segment.layer] == segment.label_value)

    def voxel_counts(self, poll: Poll = never) -> dict[str, int]:
        """Number of voxels of each segment by name, counted in one pass a layer; ``poll`` is called after slices."""
        largest = max([int(self.layers.max()), *(s.label_value for s in self.segments)])
        counts = np.zeros((len(self.layers), largest + 1), dtype=np.int64)
        for layer, counted in zip(self.layers, counts, strict=True):
            for plane in layer:
                counted += np.bincount(plane.ravel(), minlength=largest + 1)
                poll()
        return {s.name: int(counts[s.layer, s.label_value]) for s in self.segments}

    def volume_ml(self, segment: Segment) -> float:
        """Volume of a segment, mL."""
        return int(np.count_nonzero(self.mask(segment))) * self.geometry.voxel_volume_ml


def translated(labels: Layers, table: NDArray[Any], poll: Poll = never) -> Layers:
    """(k, j, i) labels, each replaced by what the table holds at its value.

    Slice by slice, since numpy turns labels into 64-bit indices first: eight times the memory.
    """
    result = np.empty(labels.shape, dtype=table.dtype)
    for k, plane in enumerate(labels):
        result[k] = table[plane]
        poll()
    return result
