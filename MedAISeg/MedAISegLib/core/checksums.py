"""Checksums of segments, by which an edit is known: of where their voxels are on the grid, not of how they are stored.

Slicer renumbers labels when it writes a file, crops a labelmap to what it holds, and moves a segment to a layer of its
own when it comes to overlap another. None of that changes a checksum; moving, adding or taking away one voxel does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .progress import Poll, never
from .segmentation import Layers, Segment

_DIGEST_BYTES = 16
_ALONG_ROW = np.array([0, 0, 1], dtype=np.int32)


def label_checksums(layers: Layers, segments: Sequence[Segment], poll: Poll = never) -> dict[str, str]:
    """The checksum of each segment by name.

    Args:
        layers: (layer, k, j, i) on the segmentation's whole grid.
        segments: in any order; those without a voxel have the checksum of nothing.
        poll: called after each slice.
    """
    tallies = {layer: LayerTally() for layer in {s.layer for s in segments}}
    for layer, tally in tallies.items():
        for k, plane in enumerate(layers[layer]):
            tally.add(k, plane)
            poll()
    return {s.name: tallies[s.layer].checksum(s.label_value) for s in segments}


class LayerTally:
    """Voxel counts, checksums and boxes of the labels of one layer, taken plane by plane from the first to the last."""

    def __init__(self) -> None:
        self._digests: dict[int, Any] = {}
        # By label, as far as there are any.
        self._counts = np.zeros(0, dtype=np.int64)
        self._low = np.zeros((0, 3), dtype=np.int32)
        self._high = np.zeros((0, 3), dtype=np.int32)

    def add(self, k: int, plane: NDArray[Any]) -> None:
        """The next slice: (j, i) labels at index ``k``, of which 0 is no segment.

        What is digested are the runs of equal labels along the rows as (k, j, i, length): canonical, and far fewer than
        the voxels.
        """
        if not plane.any():
            return
        labels, runs = _runs(k, plane)
        first = np.flatnonzero(np.diff(labels, prepend=labels.dtype.type(0)))
        found = labels[first].astype(np.intp)
        self._make_room(int(found[-1]) + 1)
        self._counts[found] += np.add.reduceat(runs[:, 3], first)
        low = np.minimum.reduceat(runs[:, :3], first)
        high = np.maximum.reduceat(runs[:, :3] + runs[:, 3:] * _ALONG_ROW, first)
        self._low[found] = np.minimum(self._low[found], low)
        self._high[found] = np.maximum(self._high[found], high)
        for label, start, end in zip(found.tolist(), first, [*first[1:], len(labels)], strict=True):
            self._digest(label).update(runs[start:end])

    def count(self, label: int) -> int:
        """Number of voxels of a label."""
        return int(self._counts[label]) if label < len(self._counts) else 0

    def checksum(self, label: int) -> str:
        """Of a label's voxels; the same for every label that has none."""
        return str(self._digest(label).hexdigest())

    def box(self, label: int) -> tuple[slice, slice, slice] | None:
        """The smallest box (k, j, i) around a label; None where it has no voxel."""
        if self.count(label) == 0:
            return None
        (k, j, i), (last_k, last_j, end_i) = self._low[label].tolist(), self._high[label].tolist()
        return slice(k, last_k + 1), slice(j, last_j + 1), slice(i, end_i)

    def _make_room(self, labels: int) -> None:
        more = labels - len(self._counts)
        if more > 0:
            self._counts = np.pad(self._counts, (0, more))
            self._low = np.pad(self._low, ((0, more), (0, 0)), constant_values=np.iinfo(np.int32).max)
            self._high = np.pad(self._high, ((0, more), (0, 0)))

    def _digest(self, label: int) -> Any:
        if label not in self._digests:
            self._digests[label] = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        return self._digests[label]


def _runs(k: int, plane: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """(run,) labels above 0 in ascending order, and (run, 4) of k, j, i and length, in the order of the voxels."""
    width, voxels = plane.shape[1], plane.ravel()
    starts_run = np.empty(voxels.shape, dtype=bool)
    np.not_equal(voxels[1:], voxels[:-1], out=starts_run[1:])
    starts_run[::width] = True
    starts = np.flatnonzero(starts_run)
    lengths = np.diff(starts, append=plane.size)
    labels = voxels[starts]
    order = np.argsort(labels, kind="stable")[np.count_nonzero(labels == 0) :]
    runs = np.empty((len(order), 4), dtype="<i4")
    runs[:, 0], runs[:, 1], runs[:, 2], runs[:, 3] = k, starts[order] // width, starts[order] % width, lengths[order]
    return labels[order], runs
