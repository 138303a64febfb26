"""Vertebral bodies that a network has mixed up are told apart by their order along the spine."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.engine.labels import clean
from MedAISegLib.models.operations import NumberVertebrae

SPINE = NumberVertebrae((1, 2, 3, 4, 5), smallest_mm3=8.0, grown_mm=0.5)


def grid(shape, *, to_head=True):
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    affine[2, 0], affine[1, 1], affine[0, 2] = (1.0 if to_head else -1.0), 1.0, 1.0
    return VolumeGeometry(shape, affine)


def bodies(*labels):
    """Bodies of 2 x 3 x 3 voxels along the first axis, a slice apart; a pair of labels shares a body."""
    found = np.zeros((1, 3 * len(labels) + 1, 5, 5), np.uint8)
    for n, label in enumerate(labels):
        first, second = label if isinstance(label, tuple) else (label, label)
        found[0, 1 + 3 * n, 1:4, 1:4] = first
        found[0, 2 + 3 * n, 1:4, 1:4] = second
    return found


def along(layers):
    """The label of each body, from the first slice on."""
    return [int(n) for n in layers[0, 1::3, 2, 2]]


def numbered(layers, operation=SPINE, *, to_head=True):
    return clean(layers, (operation,), lambda: None, grid(layers.shape[1:], to_head=to_head))


def test_bodies_that_do_not_touch_keep_their_labels():
    assert along(numbered(bodies(4, 2, 3))) == [4, 2, 3]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param((5, (4, 3), 3, 2), [5, 4, 3, 2], id="from the lowest upwards"),
        pytest.param((4, (3, 2), 2), [4, 3, 2], id="from the lowest that is there"),
        pytest.param((4, (3, 2), 1), [3, 2, 1], id="from the topmost down where the lowest is not there"),
        pytest.param((2, (1, 2), 5), [5, 4, 3], id="the lowest counts, wherever it was seen"),
        pytest.param((3, (3, 2), 2, 2, 2), [3, 2, 1, 0, 0], id="what is left over is background"),
    ],
)
def test_touching_labels_are_numbered_anew(found, expected):
    assert along(numbered(bodies(*found))) == expected


def test_the_patient_says_where_up_is():
    layers = bodies(2, (3, 4), 4, 5)
    assert along(numbered(layers, to_head=False)) == [2, 3, 4, 5]


def test_specks_are_no_bodies():
    layers = bodies(5, (4, 3), 3)
    layers[0, 0, 0, 0] = 2
    layers[0, -1, 4, 4] = 1
    found = numbered(layers)
    assert along(found) == [5, 4, 3]
    assert found[0, 0, 0, 0] == found[0, -1, 4, 4] == 0


def test_nothing_but_specks_leaves_nothing():
    layers = np.zeros((1, 3, 3, 3), np.uint8)
    layers[0, 0, 0, :2] = 1, 2
    assert not numbered(layers).any()


def test_bodies_grow_into_background_only():
    layers = np.zeros((1, 5, 5, 9), np.uint8)
    layers[0, 2, 2, 2], layers[0, 2, 2, 5] = 1, 2
    found = numbered(layers, NumberVertebrae((1, 2), grown_mm=2.0))
    assert found[0, 2, 2].tolist() == [1, 1, 1, 1, 1, 2, 2, 2, 0]
    assert found[0, 2, 0].tolist() == [0, 0, 1, 0, 0, 2, 0, 0, 0]
    assert found[0, 3, 3].tolist() == [0, 1, 1, 1, 2, 2, 2, 0, 0]
