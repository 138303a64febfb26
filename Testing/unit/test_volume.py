"""Images in memory: their shape, their windows, what travels with them."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.volume import Volume

AFFINE = np.array([[0.1, 0, 0.7, -5], [0, 0.9, 0, 6], [3, 0, -0.2, 7], [0, 0, 0, 1]])


@pytest.fixture
def volume() -> Volume:
    voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    return Volume(voxels, VolumeGeometry((4, 5, 6), AFFINE), "CT", "chest", attributes={"KVP": "120"})


def test_voxels_that_do_not_fit_the_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit the geometry"):
        Volume(np.zeros((6, 5, 4)), VolumeGeometry((4, 5, 6), AFFINE))


def test_attributes_are_a_copy_that_cannot_be_changed() -> None:
    attributes = {"KVP": "120"}
    volume = Volume(np.zeros((4, 5, 6)), VolumeGeometry((4, 5, 6), AFFINE), attributes=attributes)
    attributes["KVP"] = "80"
    assert volume.attributes["KVP"] == "120"
    with pytest.raises(TypeError):
        volume.attributes["KVP"] = "80"  # type: ignore[index]


def test_other_voxels_keep_everything_else_and_add_a_notice(volume: Volume) -> None:
    tilted = volume.with_voxels(volume.voxels, Notice("tilted", "The gantry was tilted."))
    changed = tilted.with_voxels(volume.voxels * 2.0, Notice("doubled", "Values were doubled."))
    assert changed.voxels[0, 0, 3] == 6.0
    assert (changed.modality, changed.description, changed.attributes) == ("CT", "chest", {"KVP": "120"})
    assert changed.geometry is volume.geometry
    assert [n.code for n in changed.notices] == ["tilted", "doubled"]
    assert volume.notices == ()


def test_a_window_shows_the_same_values_at_the_same_places(volume: Volume) -> None:
    window = volume.window((1, 2, 3), (3, 2, 1))
    np.testing.assert_array_equal(window.voxels, volume.voxels[1:4, 2:4, 3:4])
    np.testing.assert_allclose(window.geometry.index_to_lps((2, 1, 0)), volume.geometry.index_to_lps((3, 3, 3)))
    assert np.shares_memory(window.voxels, volume.voxels)
    assert window.attributes == {"KVP": "120"}


def test_the_value_range_leaves_out_what_is_not_finite(volume: Volume) -> None:
    voxels = volume.voxels.astype(np.float32)
    voxels[0, 0, 0], voxels[3, 4, 5] = np.nan, np.inf
    assert volume.with_voxels(voxels).value_range == (1.0, 118.0)
    assert volume.value_range == (0.0, 119.0)


def test_a_case_is_led_by_its_first_channel(volume: Volume) -> None:
    other = Volume(np.zeros((1, 1, 1)), VolumeGeometry((1, 1, 1), np.eye(4)))
    case = Case({"T1": volume, "FLAIR": other})
    assert case.first is volume
    assert case.geometry is volume.geometry
    assert list(case.channels) == ["T1", "FLAIR"]


def test_a_case_without_a_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one channel"):
        Case({})


def test_an_image_without_a_number_has_no_value_range(volume: Volume) -> None:
    assert volume.with_voxels(np.full(volume.voxels.shape, np.nan, np.float32)).value_range is None
