"""Ways are compared on the middle of large windows, which costs less than a window of each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.backends.middle import middle_of
from MedAISegLib.engine.run import segment
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows

from Testing.unit.ways_runs import HASH, AboveHalf, clocked, putting

pytestmark = pytest.mark.engine
LONG = 72


@pytest.fixture
def clock(monkeypatch, tmp_path):
    return clocked(monkeypatch, tmp_path)


@pytest.fixture
def other_way(monkeypatch):
    return putting(monkeypatch)


class Noting(AboveHalf):
    """Notes how long its windows are; may take windows of one length only."""

    def __init__(self, clock, only=None, **options):
        super().__init__(clock, **options)
        self.only, self.lengths, self.batches = only, [], []

    def forward(self, batch):
        self.lengths.append(batch.shape[2])
        self.batches.append(len(batch))
        if self.only not in (None, batch.shape[2]):
            raise ValueError("the size of an input has to be that of the training")
        return super().forward(batch)


def run(plain, thing=(slice(30, 40),) * 3, windows=1):
    """Windows in a row, all of one batch, with something in the middle of the first, or elsewhere."""
    shape = (windows * LONG, LONG, LONG)
    voxels = np.linspace(0, 0.4, windows * LONG**3, dtype=np.float32).reshape(shape)
    voxels[thing] = 1.0
    case = Case({"image": Volume(voxels, VolumeGeometry(shape, np.eye(4)))})
    stage = InferenceStage((), Windows((LONG,) * 3, overlap=(0.0, 0.0, 0.0), batch=windows), Argmax())
    spec = ModelSpec("m", "m", "test", (Channel("image"),), (stage,), (SegmentSpec(1, "thing"),), sha256=HASH)
    result = segment(case, spec, [[plain]], device="cpu")
    np.testing.assert_array_equal(result.layers[0], voxels > 0.5)
    return result


def test_an_image_of_one_window_is_computed_once_and_by_the_faster_way(clock, other_way):
    plain, fast = Noting(clock), Noting(clock, takes_s=0.3)
    other_way(fast)
    assert run(plain).backend == "onednn fp32"
    assert (plain.lengths, fast.lengths) == ([64], [64, LONG])
    assert run(plain).backend == "onednn fp32"
    assert (plain.lengths, fast.lengths) == ([64], [64, LONG, LONG])


def test_of_a_batch_only_the_first_window_is_looked_at_in_the_middle(clock, other_way):
    plain, fast = Noting(clock), Noting(clock, takes_s=0.3)
    other_way(fast)
    assert run(plain, windows=3).backend == "onednn fp32"
    assert (plain.lengths, plain.batches) == ([64], [1])
    assert (fast.lengths, fast.batches) == ([64, LONG], [1, 3])


def test_a_way_that_is_wrong_in_the_middle_does_not_see_the_window(clock, other_way):
    plain, wrong = Noting(clock), Noting(clock, takes_s=0.3, threshold=-0.5)
    other_way(wrong)
    assert run(plain).backend == "eager fp32"
    assert (plain.lengths, wrong.lengths) == ([64, LONG], [64])


def test_where_the_middle_holds_nothing_the_window_is_looked_at(clock, other_way):
    plain, fast = Noting(clock), Noting(clock, takes_s=0.3)
    other_way(fast)
    assert run(plain, thing=(slice(0, 3),) * 3).backend == "eager fp32"
    assert (plain.lengths, fast.lengths) == ([64, LONG], [LONG])
    assert run(plain).backend == "onednn fp32"


def test_a_network_that_takes_one_size_only_is_looked_at_in_whole_windows(clock, other_way):
    plain, fast = Noting(clock, only=LONG), Noting(clock, takes_s=0.3)
    other_way(fast)
    result = run(plain)
    assert (result.backend, result.notices) == ("eager fp32", ())
    assert (plain.lengths, fast.lengths) == ([64, LONG], [LONG])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((96, 96, 96), (64, 64, 64)),
        ((128, 160, 192), (64, 96, 128)),
        ((40, 224, 448), (40, 128, 256)),
        ((1, 512, 512), (1, 256, 256)),
        ((97, 65, 64), (64, 64, 64)),
    ],
)
def test_the_middle_can_be_halved_as_often_as_the_window(size, expected):
    window = torch.arange(torch.Size(size).numel(), dtype=torch.float32).reshape(1, 1, *size)
    middle = middle_of(window)
    assert middle.shape[2:] == expected
    first = [(n - kept) // 2 for n, kept in zip(size, expected, strict=True)]
    assert middle[0, 0, 0, 0, 0] == window[0, 0, first[0], first[1], first[2]]


def test_small_windows_are_their_own_middle():
    window = torch.zeros(2, 1, 64, 32, 5)
    assert middle_of(window) is window
