"""Segments of several layers in as few as hold them, with the labels that they had where those are free."""

from __future__ import annotations

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
