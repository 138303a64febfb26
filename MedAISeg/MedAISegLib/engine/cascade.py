"""Labels of an earlier stage on their way to a later one's network, beside the images (nnU-Net's 3d cascade)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..core.geometry import VolumeGeometry
from ..models.operations import Resize
from ..models.spec import Argmax, InferenceStage, Threshold
from .label_channels import LabelChannels
from .prepared import Prepared
from .restore import LabelLayers
from .steps.resize import resize_labels


def decided_labels(stage: InferenceStage) -> int:
    """The number of label values that a stage tells apart, the background left out."""
    if isinstance(stage.decision, Threshold):
        raise ValueError("labels that overlap are no channels of a cascade")
    if isinstance(stage.decision, Argmax) and not stage.decision.labels:
        raise ValueError("a stage of a cascade names its labels")
    return max(stage.decision.labels)


@dataclass(frozen=True, eq=False)
class FollowedLabels:
    """(k, j, i) labels and the grid that they lie on."""

    labels: LabelLayers
    geometry: VolumeGeometry

    def resized(self, operation: Resize, before: Prepared, after: Prepared) -> FollowedLabels:
        """As the images were resampled: each label by its share in a voxel."""
        on_grid = self._on(before)
        resized = resize_labels(operation, on_grid, before.geometry, after.shape, before.poll)
        return FollowedLabels(resized, after.geometry)

    def channels(self, prepared: Prepared, count: int) -> LabelChannels:
        """The labels 1 to ``count`` on the grid of the network's input."""
        labels = self._on(prepared)
        # torch can do little with uint16.
        known = torch.from_numpy(labels if labels.dtype == np.uint8 else labels.astype(np.int32))
        return LabelChannels(known.to(prepared.values.device), count)

    def _on(self, prepared: Prepared) -> LabelLayers:
        """On a grid that differs by the order and direction of axes and by what is cropped, so that none is changed."""
        index_map = prepared.geometry.index_to(self.geometry)
        rotation = np.rint(index_map[:3, :3]).astype(int)
        order = [int(np.flatnonzero(column)[0]) for column in rotation.T]
        signs = [int(rotation[order[axis], axis]) for axis in range(3)]
        turned = self.labels.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
        # Turned alike, the two differ by whole voxels along each axis.
        offset = np.rint(index_map[:3, 3]).astype(int)[order]
        start = [
            int(o) if s > 0 else self.labels.shape[n] - 1 - int(o) for o, s, n in zip(offset, signs, order, strict=True)
        ]
        taken = np.zeros(prepared.shape, dtype=self.labels.dtype)
        source, target = [], []
        for first, length, available in zip(start, prepared.shape, turned.shape, strict=True):
            low, high = max(first, 0), min(first + length, available)
            source.append(slice(low, high))
            target.append(slice(low - first, high - first))
        taken[tuple(target)] = turned[tuple(source)]
        return taken
