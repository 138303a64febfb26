"""Segments of several layers in as few as hold them, with the labels that they had where those are free."""

from __future__ import annotations

import time

import numpy as np
import pytest
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.merged_layers import merge_layers
from MedAISegLib.core.segmentation import Segment, Segmentation

GEOMETRY = VolumeGeometry((2, 3, 300), np.eye(4))


def segmentation(*rows, dtype=np.uint8):
    """A layer for each row of labels along i, the same in every slice and row; a segment for each of its labels."""
    layers = np.zeros((len(rows), *GEOMETRY.shape_kji), dtype)
    for layer, row in zip(layers, rows, strict=True):
        layer[:, :, : len(row)] = row
    places = [(n, label) for n, row in enumerate(rows) for label in sorted(set(row) - {0})]
    return Segmentation(layers, GEOMETRY, tuple(Segment(v, f"{n}/{v}", (9, 9, 9), layer=n) for n, v in places))


def assert_all_there(merged, before):
    slices = np.stack(list(merged.slices()), axis=1)
    assert slices.shape == (merged.count, *GEOMETRY.shape_kji)
    assert slices.dtype == merged.dtype
    after = Segmentation(slices, GEOMETRY, merged.segments)
    for old, new in zip(before.segments, merged.segments, strict=True):
        assert old.name == new.name
        np.testing.assert_array_equal(after.mask(new), before.mask(old))


@pytest.mark.parametrize(
    ("rows", "places"),
    [
        ([[3, 0, 7]], [(0, 3), (0, 7)]),
        ([[3, 3, 0], [0, 7, 7]], [(0, 3), (1, 7)]),
        ([[3, 0, 0], [0, 7, 7]], [(0, 3), (0, 7)]),
        ([[3, 0, 0], [0, 3, 4]], [(0, 3), (0, 4), (0, 5)]),
        ([[3, 3, 0], [0, 7, 8], [9, 0, 0]], [(0, 3), (1, 7), (0, 8), (1, 9)]),
    ],
)
def test_each_comes_into_the_first_layer_where_it_overlaps_no_other(rows, places):
    before = segmentation(*rows)
    merged = merge_layers(before)
    assert [(s.layer, s.label_value) for s in merged.segments] == places
    assert merged.count == 1 + max(layer for layer, _ in places)
    assert_all_there(merged, before)


def test_many_layers_at_random_come_where_a_look_at_each_pair_says():
    rng = np.random.default_rng(5)
    layers = rng.integers(0, 4, (7, *GEOMETRY.shape_kji), np.uint8) * (rng.random((7, *GEOMETRY.shape_kji)) < 0.08)
    layers[2], layers[5, 1] = 0, 2
    segments = tuple(Segment(v, f"{n}/{v}", (9, 9, 9), layer=n) for n in range(7) for v in (1, 2))
    before = Segmentation(layers.astype(np.uint8), GEOMETRY, segments)
    members = []
    for segment in segments:
        mask = before.mask(segment)
        fitting = (layer for layer in members if not any((mask & other).any() for other in layer))
        layer = next(fitting, None)
        if layer is None:
            members.append(layer := [])
        layer.append(mask)
    merged = merge_layers(before)
    assert merged.count == len(members) > 2
    assert_all_there(merged, before)
    assert merged.found == tuple(before.mask(segment).any() for segment in segments)
    assert not all(merged.found)


def test_a_hundred_structures_of_a_plan_are_looked_at_in_no_time():
    grid = VolumeGeometry((2, 512, 512), np.eye(4))
    layers = np.zeros((104, *grid.shape_kji), np.uint8)
    layers[0, :, 50:460, 20:490] = 1
    for n in range(1, 104):
        layers[n, :, 60 + 3 * n : 100 + 3 * n, 70 + (37 * n) % 300 : 120 + (37 * n) % 300] = 1
    segmentation = Segmentation(layers, grid, tuple(Segment(1, str(n), (9, 9, 9), layer=n) for n in range(104)))
    polls = []
    begun = time.process_time()
    assert merge_layers(segmentation, lambda: polls.append(time.process_time())).count > 2
    assert time.process_time() - begun < 1.0
    assert len(polls) > 200


def test_labels_that_no_byte_holds_any_more_take_two():
    before = segmentation(list(range(1, 256)), [0] * 255 + [7])
    merged = merge_layers(before)
    assert merged.dtype == np.uint16
    assert merged.segments[-1].label_value == 256
    assert_all_there(merged, before)


def test_without_a_segment_there_is_one_empty_layer():
    merged = merge_layers(segmentation([0], [0]))
    assert (merged.segments, merged.count) == ((), 1)
    assert not np.stack(list(merged.slices())).any()


def test_it_can_be_stopped():
    def stop():
        raise Cancelled

    with pytest.raises(Cancelled):
        merge_layers(segmentation([1], [1]), stop)
