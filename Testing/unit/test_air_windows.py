"""Windows of air are left out once a network has found nothing in them on other images, and labels stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from air_cases import (
    LEVEL,
    WINDOWS,
    Above,
    kept,
    known_air,
    model,
    plain,
    run,
    voxels,
)
from MedAISegLib.engine import each_once
from MedAISegLib.engine.backends import Backend, Wanted
from MedAISegLib.engine.even_windows import WindowCount
from MedAISegLib.models.spec import (
    Argmax,
    InferenceStage,
)

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    return tmp_path


def test_they_are_left_out_after_20_images_and_labels_stay(home):
    known_air(images=17)
    for seed in range(3):
        assert run(voxels(seed)).windows.air == 0
    network = Above()
    result = run(voxels(9), networks=[network])
    # Of the 84 in the air the first two are asked, and every eighth.
    assert result.windows == WindowCount(168, air=84 - 2 - 10, air_images=20)
    assert network.windows == 168 - 72
    reason = "air, in which nothing was found here nor on 20 images before"
    assert str(result.windows) == f"96 of 168, the rest being {reason}"
    assert np.array_equal(result.layers, plain(voxels(9)))
    assert np.array_equal(result.layers[0] > 0, voxels(9) > LEVEL)
    assert len(kept(home)["images"]) == 20


@pytest.mark.parametrize("batch", [1, 3])
def test_a_network_that_finds_something_in_air_is_asked_of_it_for_ever(home, batch):
    spec = model(InferenceStage((), replace(WINDOWS, batch=batch), Argmax()))
    values = voxels(0)
    values[2, 17, 50] = LEVEL + 10
    assert np.array_equal(run(values, spec).layers[0] > 0, values > LEVEL)
    known_air(spec)
    assert run(voxels(9), spec).windows.air == 0
    assert kept(home)["label_found"]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("place", [(2, 2, 31), (10, 18, 31)], ids=["in the first window", "after others were left out"])
def test_where_air_has_a_label_after_all_the_image_is_computed_as_a_whole_and_so_are_later_ones(home, place, batch):
    spec = model(InferenceStage((), replace(WINDOWS, batch=batch), Argmax()))
    known_air(spec)
    values = voxels(9)
    values[place] = LEVEL + 10
    network = Above()
    result = run(values, spec, [network])
    assert result.windows == WindowCount(168)
    assert np.array_equal(result.layers, plain(values))
    assert result.layers[0][place] == 1
    # None was left out before, or some were.
    assert (network.windows == 168) is (place == (2, 2, 31))
    assert kept(home)["label_found"]
    assert run(voxels(10), spec).windows.air == 0


def test_scores_that_are_no_numbers_are_no_reason_to_leave_windows_out(home):
    class Undefined(Above):
        def forward(self, batch):
            return torch.cat([batch * float("nan"), batch * 0 - 1], dim=1)

    run(voxels(1), networks=[Undefined()])
    assert kept(home)["label_found"]


def test_windows_with_something_that_is_no_number_are_never_left_out():
    known_air()
    values = voxels(9)
    values[:, :, 40:] = np.where(np.arange(20) % 4 == 1, np.nan, values[:, :, 40:])
    result = run(values)
    assert 0 < result.windows.air < 40
    assert np.array_equal(result.layers, plain(values))


@pytest.mark.parametrize(("room", "left_out"), [(2**20, True), (2 * 8**3 * 4, True), (2 * 8**3 * 4 - 1, False)])
def test_scores_that_are_too_large_are_not_kept(monkeypatch, room, left_out):
    known_air()
    monkeypatch.setattr(each_once, "_KEPT_BYTES", room)
    result = run(voxels(9))
    assert (result.windows.air > 0) is left_out
    assert np.array_equal(result.layers, plain(voxels(9)))


def even_and_noisy():
    values = voxels(9)
    values[:, :, 44:] = -1024.0
    return values


def test_even_windows_are_told_apart_from_those_of_air():
    known_air()
    result = run(even_and_noisy())
    even, air = result.windows.repeated, result.windows.air
    assert min(even, air) > 10
    assert str(result.windows).startswith(f"{168 - even - air} of 168, {even} being even and each like one of these, ")
    assert np.array_equal(result.layers, plain(even_and_noisy()))


def test_scores_of_both_kinds_are_kept_where_there_is_room_for_both(monkeypatch):
    known_air()
    values = voxels(9)
    values[:8, :, 24:] = -1024.0
    both = run(values).windows
    monkeypatch.setattr(each_once, "_KEPT_BYTES", 2 * 2 * 8**3 * 4 - 1)
    one = run(values)
    assert one.windows.air == both.air
    assert one.windows.repeated < both.repeated
    assert np.array_equal(one.layers, plain(values))


def test_all_is_computed_where_probabilities_are_wanted_or_a_way_is_laid_down(home):
    class Sink:
        def put(self, *_):
            pass

    known_air()
    assert run(voxels(9), probabilities=Sink()).windows.air == 0
    assert run(voxels(9), wanted=Wanted(Backend.EAGER)).windows.air == 0
    assert run(voxels(9)).windows.air > 0
