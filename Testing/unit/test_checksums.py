"""Checksums of segments: the same however Slicer stores them, another as soon as one voxel differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.checksums import LayerTally, label_checksums
from MedAISegLib.core.segmentation import Segment
from segmentations import oblique_geometry, organs

ORGANS = organs(oblique_geometry())
BEFORE = label_checksums(ORGANS.layers, ORGANS.segments)
LIVER, KIDNEY, SPLEEN = (s.name for s in ORGANS.segments)


def test_each_segment_has_its_own_checksum():
    assert set(BEFORE) == {LIVER, KIDNEY, SPLEEN}
    assert len(set(BEFORE.values())) == 3


def test_other_label_values_do_not_change_it():
    table = np.arange(10, dtype=np.uint16)
    table[[3, 7]] = 2, 1000
    renumbered = [replace(s, label_value=int(table[s.label_value])) for s in ORGANS.segments]
    assert label_checksums(table[ORGANS.layers], renumbered) == BEFORE


def test_a_layer_of_its_own_does_not_change_it():
    layers = np.concatenate([np.where(ORGANS.layers == 3, 3, 0), np.where(ORGANS.layers == 7, 1, 0)]).astype(np.uint8)
    moved = [Segment(3, LIVER, (1, 2, 3)), Segment(1, KIDNEY, (1, 2, 3), layer=1), Segment(9, SPLEEN, (1, 2, 3))]
    assert label_checksums(layers, moved) == BEFORE


def test_a_neighbour_does_not_change_it():
    alone = np.where(ORGANS.layers == 7, 7, 0).astype(np.uint8)
    assert label_checksums(alone, ORGANS.segments)[KIDNEY] == BEFORE[KIDNEY]


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("change", [np.flip, lambda a, axis: np.roll(a, 1, axis)], ids=["flipped", "shifted"])
def test_a_move_changes_it(axis, change):
    moved = label_checksums(np.ascontiguousarray(change(ORGANS.layers, axis=axis)), ORGANS.segments)
    assert moved[LIVER] != BEFORE[LIVER]
    assert moved[KIDNEY] != BEFORE[KIDNEY]


def test_every_single_voxel_counts():
    small = organs(oblique_geometry((3, 5, 7)))
    seen = {label_checksums(small.layers, small.segments)[LIVER]}
    for index in np.ndindex(small.layers.shape):
        edited = small.layers.copy()
        edited[index] = 0 if edited[index] == 3 else 3
        seen.add(label_checksums(edited, small.segments)[LIVER])
    assert len(seen) == small.layers.size + 1


def test_it_is_the_same_on_every_machine_and_in_every_version():
    assert BEFORE[LIVER] == "41ef1b365000cb54843ad950a773c87f"
    assert BEFORE[SPLEEN] == "cae66941d9efbd404e4d88758ea67670"


def test_voxels_are_counted_along():
    tally = LayerTally()
    for k, plane in enumerate(ORGANS.layers[0]):
        tally.add(k, plane)
    assert {s.name: tally.count(s.label_value) for s in ORGANS.segments} == ORGANS.voxel_counts()


def test_boxes_are_found_along():
    tally = LayerTally()
    for k, plane in enumerate(ORGANS.layers[0]):
        tally.add(k, plane)
    for segment in ORGANS.segments[:2]:
        mask = ORGANS.mask(segment)
        where = np.argwhere(mask)
        low, high = where.min(axis=0), where.max(axis=0) + 1
        assert tally.box(segment.label_value) == tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    assert tally.box(9) is None


def test_memory_order_does_not_change_it():
    assert label_checksums(np.asfortranarray(ORGANS.layers), ORGANS.segments) == BEFORE
