"""A large result with many segments does not hold up the application."""

from __future__ import annotations

import time

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.slicer_io.edited import find_edited
from MedAISegLib.slicer_io.node_segments import record_node
from MedAISegLib.slicer_io.placing import Target
from MedAISegLib.slicer_io.scene import new_scene_host
from placing_scene import pieces, rotated_box, within

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = [pytest.mark.slicer, pytest.mark.slow]

GEOMETRY = VolumeGeometry((300, 512, 512), np.diag([1.5, 0.8, 0.8, 1.0]))
SEGMENTS = 118
LONGEST_S = 0.1


def many_segments(seed):
    rng = np.random.default_rng(seed)
    layers = np.zeros((1, *GEOMETRY.shape_kji), np.uint8)
    for label in range(1, SEGMENTS + 1):
        start = rng.integers(0, [230, 430, 430])
        shape = rng.integers(20, [70, 80, 80])
        layers[0][tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))] = label
    segments = tuple(Segment(n, f"structure {n}", (n, 2 * n, 255 - n)) for n in range(1, SEGMENTS + 1))
    return Segmentation(layers, GEOMETRY, segments)


def longest_piece(work):
    """Seconds that this thread computed: what else the machine does is not counted."""
    longest = 0.0
    while True:
        start = time.thread_time()
        try:
            next(work)
        except StopIteration as end:
            return max(longest, time.thread_time() - start), end.value
        longest = max(longest, time.thread_time() - start)


def test_no_piece_of_work_is_long(tmp_path):
    host = new_scene_host()
    first, second, box = many_segments(0), many_segments(1), rotated_box(GEOMETRY)
    new, placed = longest_piece(pieces(first, host))
    node = placed.node
    edited, _ = longest_piece(find_edited(node, node.GetSegmentation().GetSegmentIDs()))
    updated, placed = longest_piece(pieces(second, host, target=Target(node)))
    in_region, _ = longest_piece(pieces(within(second, box), host, target=Target(node), region=box))
    recorded, _ = longest_piece(record_node(node, tmp_path))
    start = time.thread_time()
    placed.revert.restore()
    reverted = time.thread_time() - start
    took = {
        "new": new, "edited": edited, "updated": updated, "region": in_region, "recorded": recorded,
        "reverted": reverted,
    }  # fmt: skip
    assert {what: seconds for what, seconds in took.items() if seconds > LONGEST_S} == {}
