"""A faster way is judged where there is something to be wrong about, soon, and by no more than was compared."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.backends import Wanted, remembered, trial, window_chooser
from MedAISegLib.engine.backends.happened import LONGEST_WAIT_S
from MedAISegLib.engine.backends.ways import ONEDNN, PLAIN
from MedAISegLib.engine.run import segment
from ways_runs import WINDOWS, AboveHalf, case, clocked, putting, run, spec

pytestmark = pytest.mark.engine
NEVER = 9.0


@pytest.fixture
def clock(monkeypatch, tmp_path):
    return clocked(monkeypatch, tmp_path)


@pytest.fixture
def other_way(monkeypatch):
    return putting(monkeypatch)


class SizesNoted(AboveHalf):
    """Notes how many windows it is given at once."""

    def __init__(self, clock, **options):
        super().__init__(clock, **options)
        self.sizes = []

    def forward(self, batch):
        self.sizes.append(len(batch))
        return super().forward(batch)


class InTenLayers(torch.nn.Module):
    """The same as AboveHalf, by layers that take a tenth of the time each."""

    def __init__(self, clock, takes_s):
        super().__init__()
        self.layers = torch.nn.ModuleList(_Layer(clock, takes_s / 10) for _ in range(10))

    def forward(self, batch):
        for layer in self.layers:
            batch = layer(batch)
        return torch.cat([0.5 - batch, batch - 0.5], dim=1)


class _Layer(torch.nn.Module):
    def __init__(self, clock, takes_s):
        super().__init__()
        self.clock, self.takes_s = clock, takes_s

    def forward(self, batch):
        self.clock.now_s += self.takes_s
        return batch


def kept(home):
    file = home / "fastest.json"
    return list(json.loads(file.read_text()).values()) if file.exists() else []


def late_case():
    """Something to find in the last of the windows only, at the lowest corner of it."""
    voxels = np.linspace(0, 0.4, 16**3, dtype=np.float32).reshape(16, 16, 16)
    voxels[8:11, 8:12, 8:12] = 1.0
    return Case({"image": Volume(voxels, VolumeGeometry((16, 16, 16), np.eye(4)))})


def test_windows_of_a_batch_go_one_by_one_until_a_way_is_settled(clock, other_way, tmp_path):
    plain, fast = SizesNoted(clock), SizesNoted(clock, takes_s=0.3)
    other_way(fast)
    assert run(plain, batch=4).backend == f"{PLAIN}, {ONEDNN}"
    assert set(plain.sizes) == {1}
    assert fast.sizes[-1] == 4
    assert len(plain.sizes) + sum(fast.sizes) == WINDOWS + 1, "one of them was computed by both"
    plain.sizes.clear()
    assert run(plain, batch=4).backend == str(ONEDNN)
    assert plain.sizes == [], "what was found holds for such batches"


def test_a_network_that_stays_plain_takes_its_batches(clock, other_way):
    plain = SizesNoted(clock)
    other_way(AboveHalf(clock, takes_s=3.0))
    run(plain, batch=4)
    assert (plain.sizes[0], plain.sizes[-1]) == (1, 4)


def test_a_way_that_finds_nothing_is_refused_although_the_first_windows_hold_nothing(clock, other_way, tmp_path):
    blind = AboveHalf(clock, threshold=NEVER, takes_s=0.1)
    other_way(blind)
    result = run(AboveHalf(clock), images=late_case())
    np.testing.assert_array_equal(result.layers[0], late_case().first.voxels > 0.5)
    assert result.backend == str(PLAIN)
    assert blind.windows == 1
    (found,) = kept(tmp_path)
    assert found["way"] == str(PLAIN)
    assert found["changed_percent"] == {str(ONEDNN): 100.0}


def test_nothing_is_tried_and_nothing_remembered_where_nothing_is_found(clock, other_way, tmp_path):
    fast = AboveHalf(clock, takes_s=0.1)
    other_way(fast)
    images = case()
    images.first.voxels[:] *= 0.4
    assert run(AboveHalf(clock), images=images).backend == str(PLAIN)
    assert fast.windows == 0
    assert clock.now_s == WINDOWS
    assert kept(tmp_path) == []


def test_where_little_is_found_a_way_is_held_against_three_windows(clock, other_way, monkeypatch):
    monkeypatch.setattr(trial, "_ENOUGH", 10**6)
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    other_way(fast)
    run(plain)
    assert (plain.windows, fast.windows) == (3, WINDOWS)


def test_a_slow_way_is_stopped_as_soon_as_it_has_taken_longer_than_the_plain_network(clock, monkeypatch, other_way):
    slow = InTenLayers(clock, takes_s=30.0)
    other_way(slow)
    assert run(AboveHalf(clock)).backend == str(PLAIN)
    assert clock.now_s == WINDOWS + 3.0


def test_a_way_that_is_slower_in_the_first_window_is_dropped(clock, other_way):
    slow = AboveHalf(clock, takes_s=3.0)
    other_way(slow)
    assert run(AboveHalf(clock)).backend == str(PLAIN)
    assert slow.windows == 1
    assert clock.now_s == WINDOWS + 3.0


def test_a_way_that_is_faster_by_too_little_to_tell_is_looked_at_again(clock, other_way):
    level = AboveHalf(clock, takes_s=0.97)
    other_way(level)
    assert run(AboveHalf(clock)).backend == str(PLAIN)
    assert level.windows == 4


class Disturbed(AboveHalf):
    """Takes longer the first time."""

    def forward(self, batch):
        self.clock.now_s += 0.0 if self.windows else 0.9
        return super().forward(batch)


def test_a_faster_way_is_taken_although_other_programs_disturbed_it_the_first_time(clock, other_way):
    fast = Disturbed(clock, takes_s=0.5)
    other_way(fast)
    assert run(AboveHalf(clock)).backend == f"{PLAIN}, {ONEDNN}"


def test_a_slower_way_is_not_taken_because_other_programs_disturbed_the_plain_network(clock, other_way):
    slow = AboveHalf(clock, takes_s=1.3)
    other_way(slow)
    assert run(Disturbed(clock, takes_s=1.0)).backend == str(PLAIN)


def test_no_comparison_begins_once_the_time_for_them_is_spent(clock, other_way, tmp_path):
    first, second = (AboveHalf(clock, takes_s=4 * LONGEST_WAIT_S) for _ in range(2))
    fast = AboveHalf(clock, takes_s=LONGEST_WAIT_S)
    other_way(fast)
    segment(case(), spec(), [[first, second]], device="cpu")
    assert (first.windows, second.windows) == (1, WINDOWS)
    assert len(kept(tmp_path)) == 1


def test_each_network_of_a_stage_is_judged_by_itself(clock, monkeypatch, other_way):
    right, wrong = AboveHalf(clock), AboveHalf(clock, threshold=0.7)
    other_way(AboveHalf(clock, takes_s=0.3))
    other = AboveHalf(clock, threshold=NEVER, takes_s=0.3)
    good = AboveHalf(clock, takes_s=0.3)
    monkeypatch.setattr(window_chooser, "built", lambda plain, way: good if plain is right else other)
    for _ in range(2):
        segment(case(), spec(), [[right, wrong]], device="cpu")
    assert other.windows == 1
    assert good.windows == 2 * WINDOWS


def test_a_way_that_failed_is_tried_again_in_the_next_run(clock, other_way, tmp_path):
    other_way(AboveHalf(clock, fails=RuntimeError("can't allocate memory")))
    run(AboveHalf(clock))
    assert kept(tmp_path) == []


def test_an_exact_way_that_was_laid_down_and_changes_labels_is_said_to(clock, other_way):
    other_way(AboveHalf(clock, threshold=-0.5))
    result = run(AboveHalf(clock), Wanted.of("onednn", "auto"))
    (notice,) = result.notices
    assert notice.code == "labels-change"
    assert "onednn fp32" in notice.message
    assert result.backend == "eager fp32, onednn fp32"


def test_a_way_that_was_laid_down_is_not_compared_where_it_was_judged_before(clock, other_way):
    plain = AboveHalf(clock)
    other_way(AboveHalf(clock, takes_s=0.97))
    run(plain)
    before = plain.windows
    result = run(plain, Wanted.of("onednn", "auto"))
    assert plain.windows == before
    assert (result.backend, result.notices) == ("onednn fp32", ())


def test_a_way_that_was_laid_down_and_could_not_be_compared_is_said_to(clock, other_way, monkeypatch):
    images = case()
    images.first.voxels[:] *= 0.4
    other_way(AboveHalf(clock))
    result = run(AboveHalf(clock), Wanted.of("onednn", "auto"), images=images)
    assert (result.backend, [notice.code for notice in result.notices]) == (str(PLAIN), ["backend-not-taken"])
    monkeypatch.setattr(window_chooser, "_PATIENCE", 3)
    plain = AboveHalf(clock)
    result = run(plain, Wanted.of("onednn", "auto"), images=images)
    assert plain.windows == 3
    assert [notice.code for notice in result.notices] == ["labels-not-compared"]
    assert result.backend == "eager fp32, onednn fp32"


def test_32_bits_alone_are_a_choice_that_is_measured_and_not_kept(clock, other_way, monkeypatch, tmp_path):
    slow = AboveHalf(clock, takes_s=3.0)
    other_way(slow)
    assert run(AboveHalf(clock), Wanted.of("auto", "fp32")).backend == str(PLAIN)
    assert slow.windows == 1
    assert kept(tmp_path) == []


def test_what_was_found_on_one_processor_does_not_hold_for_another(clock, other_way, monkeypatch, tmp_path):
    plain = AboveHalf(clock)
    other_way(AboveHalf(clock, takes_s=0.3))
    for name in ("Xeon of one machine", "Xeon of another"):
        monkeypatch.setattr(remembered, "processor_name", lambda name=name: name)
        run(plain)
    assert plain.windows == 2
    assert len(kept(tmp_path)) == 2
