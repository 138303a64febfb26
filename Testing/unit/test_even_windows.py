"""Even windows are seen by the network once, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine import each_once
from MedAISegLib.engine import windows as windows_module
from MedAISegLib.engine.each_once import EachOnce
from MedAISegLib.engine.even_windows import WindowCount
from MedAISegLib.engine.run import segment
from MedAISegLib.engine.slabs import collect
from MedAISegLib.engine.windows import Placement, score_slabs
from MedAISegLib.models.spec import Argmax, Blending, Channel, InferenceStage, ModelSpec, Windows

pytestmark = pytest.mark.engine
CPU = torch.device("cpu")
BOX = (slice(0, 2),) * 3
WINDOWS = Windows((8, 8, 8), (0.5, 0.5, 0.5), Blending.GAUSSIAN)


class Seen:
    """Scores that depend on the place in the window, for each window alone; keeps the windows."""

    def __init__(self):
        self.windows = []

    def __call__(self, batch):
        self.windows += list(batch)
        ramp = torch.linspace(0.1, 1, batch.shape[-1])
        return torch.cat([batch * ramp, batch.flip(2) + ramp**2], dim=1)


def body_in_air(channels=1):
    values = torch.full((channels, 16, 20, 60), -1.0)
    values[:, 5:9, 6:14, 10:19] = torch.rand(4, 8, 9)
    return values


def run(values, batch=1):
    network = Seen()
    scores = collect(score_slabs([network], values, WINDOWS, Placement(batch, CPU, CPU), lambda _: None))
    return scores, network.windows


@pytest.fixture(params=[2**30, 0], ids=["kept", "too large to keep"])
def kept_bytes(request, monkeypatch):
    monkeypatch.setattr(each_once, "_KEPT_BYTES", request.param)
    return request.param


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("channels", [1, 2])
def test_scores_are_the_same_to_the_last_bit(batch, channels, kept_bytes, monkeypatch):
    values = body_in_air(channels)
    scores, seen = run(values, batch)
    monkeypatch.setattr(each_once, "value_throughout", lambda _: None)
    expected, all_windows = run(values, batch)
    assert len(seen) < len(all_windows)
    assert torch.equal(scores, expected)


def test_the_network_sees_each_even_window_once(kept_bytes):
    values = body_in_air()
    values[:, :, :, 40:] = 0.5
    _, seen = run(values)
    even = [float(window.max()) for window in seen if window.min() == window.max()]
    if kept_bytes:
        assert sorted(even) == [-1.0, 0.5]
    else:
        assert even.count(0.5) == 1


def test_even_windows_do_not_wait_without_end_for_one_that_is_not(monkeypatch):
    monkeypatch.setattr(each_once, "_MOST_WAITING", 5)
    asked = []

    def crops():
        for number in range(40):
            asked.append(number)
            yield BOX, torch.rand(1, 2, 2, 2) if number == 2 else torch.zeros(1, 2, 2, 2)

    scores = EachOnce(Seen(), 3, CPU).scores(crops())
    # Once the network has been asked of such a one, the next do not wait at all.
    assert [len(asked) for _ in scores] == [5] * 5 + list(range(6, 41))


def test_one_other_voxel_makes_a_window_worth_a_look():
    values = torch.zeros(1, 8, 8, 40)
    values[0, 7, 7, 39] = 1e-6
    _, seen = run(values)
    assert [float(window.max()) for window in seen] == pytest.approx([0.0, 1e-6], abs=1e-9)


def test_a_channel_that_is_not_even_is_seen():
    values = torch.zeros(2, 8, 8, 24)
    values[1] = torch.rand(8, 8, 24)
    _, seen = run(values)
    assert len(seen) == 5


class ShortOfMemoryOnce(torch.nn.Module):
    """Class 1 where the value is positive; memory does not suffice the first time that more than one window comes."""

    def forward(self, batch):
        if len(batch) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return torch.cat([-batch, batch], dim=1)


def model(windows, stages=1):
    stage = InferenceStage((), windows, Argmax())
    return ModelSpec("m", "m", "test", (Channel("image"),), (stage,) * stages, ())


def case():
    voxels = body_in_air()[0].numpy()
    return Case({"image": Volume(voxels, VolumeGeometry(voxels.shape, np.eye(4)))})


@pytest.mark.parametrize("batch", [1, 3])
def test_a_run_tells_of_how_many_windows_the_network_was_asked_even_where_memory_was_short(batch):
    windows = Windows((8, 8, 8), (0.5, 0.5, 0.5), batch=batch)
    _, seen = run(torch.from_numpy(case().first.voxels)[None])
    result = segment(case(), model(windows), [[ShortOfMemoryOnce()]], device="cpu")
    assert result.windows.all == 3 * 4 * 14
    assert result.windows.all - result.windows.repeated == len(seen)
    assert str(result.windows) == f"{len(seen)} of 168, the rest being even and each like one of these"


def test_the_windows_of_all_stages_count_and_a_whole_array_is_none():
    network = [torch.nn.Conv3d(1, 2, 1)]
    both = segment(case(), model(WINDOWS, stages=2), [network, network], device="cpu").windows
    one = segment(case(), model(WINDOWS), [network], device="cpu").windows
    assert both == one + one
    assert segment(case(), model(Windows(None)), [network], device="cpu").windows == WindowCount(0, 0)
    assert str(WindowCount(3, 0)) == "3 of 3"


class Ends(torch.nn.Module):
    """One score of each window is what it is told."""

    def __init__(self, score):
        super().__init__()
        self.score = score

    def forward(self, batch):
        scores = torch.cat([batch, -batch], dim=1)
        scores[:, 1, -1, -1, -1] = self.score
        return scores


@pytest.mark.parametrize("windows", [WINDOWS, Windows(None)], ids=["windows", "the whole array"])
@pytest.mark.parametrize(
    ("score", "said"), [(float("nan"), True), (float("inf"), True), (-float("inf"), False), (3e38, False)]
)
def test_a_result_says_that_scores_are_no_numbers(windows, score, said):
    found = segment(case(), model(windows), [[Ends(score)]], device="cpu")
    assert ("scores-undefined" in [notice.code for notice in found.notices]) is said


class EndsInAHead(Ends):
    """The same, its last layer apart; ``place`` is where that score comes from."""

    def __init__(self, score, place):
        super().__init__(score)
        self.place = place

    def trunk(self, batch):
        features = torch.cat([batch, -batch], dim=1)
        if self.place == "trunk":
            features[:, 1, -1, -1, -1] = self.score
        return features

    def head(self, features):
        scores = features.clone()
        if self.place == "head":
            scores[:, 1, -1, -1, -1] = self.score
        return scores


@pytest.mark.parametrize("place", ["trunk", "head"])
@pytest.mark.parametrize("slab_bytes", [1, 2**28], ids=["slice by slice", "at once"])
@pytest.mark.parametrize(
    ("score", "said"), [(float("nan"), True), (float("inf"), True), (-float("inf"), False), (3e38, False)]
)
def test_so_does_that_of_a_whole_array_whose_last_layer_is_applied_slab_by_slab(
    monkeypatch, place, slab_bytes, score, said
):
    monkeypatch.setattr(windows_module, "WHOLE_ARRAY_SLAB_BYTES", slab_bytes)
    found = segment(case(), model(Windows(None)), [[EndsInAHead(score, place)]], device="cpu")
    assert ("scores-undefined" in [notice.code for notice in found.notices]) is said


@pytest.mark.parametrize(("score", "said"), [(6e4, False), (float("nan"), True)])
def test_scores_in_16_bits_are_added_up_in_32(score, said):
    count = WindowCount()
    count.watching(torch.nn.Identity())(torch.full((1, 2, 3, 3, 3), score, dtype=torch.float16))
    assert count.undefined is said
