"""While nobody waits, the ways to run a network are compared on the image that its last run has prepared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from MedAISegLib.app import idle
from MedAISegLib.app.segment import LoadedModel
from MedAISegLib.app.warm_models import WarmModels
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.core.progress import never
from MedAISegLib.engine.backends import array_chooser, happened, remembered
from MedAISegLib.engine.backends.ways import ONEDNN, PLAIN
from MedAISegLib.engine.prepared_again import KeptPreparations, reusing
from MedAISegLib.engine.run import segment
from MedAISegLib.models.spec import ModelSpec, Windows
from ways_runs import HASH, WINDOWS, AboveHalf, case, clocked, putting, spec

pytestmark = pytest.mark.engine
CPU = torch.device("cpu")


class Weighted(AboveHalf):
    """As networks are: with weights, which say on which device it is."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.weight = torch.nn.Parameter(torch.ones(1))


@pytest.fixture
def clock(monkeypatch, tmp_path):
    # Networks that are converted are those of test_spare_time.
    monkeypatch.setattr(idle, "can_convert", lambda: False)
    return clocked(monkeypatch, tmp_path)


@pytest.fixture
def other_way(monkeypatch):
    return putting(monkeypatch)


@pytest.fixture
def no_time_in_runs(monkeypatch):
    """As if the minute of a run had gone by."""
    monkeypatch.setattr(happened.Happened, "may_compare", property(lambda run: run.longest_s == math.inf))


class Worker:
    """A warm model, and the images that its runs prepare."""

    def __init__(self, *networks: torch.nn.Module, model: ModelSpec | None = None) -> None:
        self.model, self.networks = model or spec(), networks
        self.models, self.kept = WarmModels(), KeptPreparations()
        self.models._loaded[HASH] = LoadedModel(self.model, (networks,))

    def run(self, images=None):
        with reusing(self.kept, HASH):
            return segment(images or case(), self.model, [self.networks], device="cpu")

    def use_spare_time(self, poll: Callable[[], None] = never) -> None:
        idle.use_spare_time(self.models, self.kept, poll, poll)


def found(shape=(1, 1, 8, 8, 8), member=0) -> str | None:
    known = remembered.recall(remembered.Place(HASH, 0, member, shape, CPU))
    return None if known is None else known.way


@pytest.mark.usefixtures("no_time_in_runs")
def test_what_a_run_had_no_time_for_is_compared_after_it_and_taken_by_the_next(clock, other_way):
    plain, fast = Weighted(clock), Weighted(clock, takes_s=0.5)
    other_way(fast)
    worker = Worker(plain)
    assert worker.run().backend == str(PLAIN)
    assert fast.windows == 0
    assert found() is None
    worker.use_spare_time()
    assert found() == str(ONEDNN)
    plain.windows = fast.windows = 0
    assert worker.run().backend == str(ONEDNN)
    assert (plain.windows, fast.windows) == (0, WINDOWS)


@pytest.mark.usefixtures("no_time_in_runs")
def test_a_way_that_changes_labels_is_refused_there_too(clock, other_way):
    other_way(Weighted(clock, threshold=2.0, takes_s=0.5))
    worker = Worker(Weighted(clock))
    worker.run()
    worker.use_spare_time()
    assert found() == str(PLAIN)


def test_what_the_run_has_found_is_not_looked_for_again(clock, other_way):
    plain, fast = Weighted(clock), Weighted(clock, takes_s=0.5)
    other_way(fast)
    worker = Worker(plain)
    worker.run()
    plain.windows = fast.windows = 0
    worker.use_spare_time()
    assert (plain.windows, fast.windows) == (0, 0)


@pytest.mark.usefixtures("no_time_in_runs")
def test_every_member_is_compared_by_itself(clock, other_way):
    other_way(Weighted(clock, takes_s=0.5))
    worker = Worker(Weighted(clock), Weighted(clock, takes_s=0.1))
    worker.run()
    worker.use_spare_time()
    assert [found(member=0), found(member=1)] == [str(ONEDNN), str(PLAIN)]


@pytest.mark.usefixtures("no_time_in_runs")
def test_batches_are_as_large_as_in_a_run(clock, other_way):
    other_way(Weighted(clock, takes_s=0.5))
    worker = Worker(Weighted(clock), model=spec(batch=3))
    worker.run()
    worker.use_spare_time()
    assert found((3, 1, 8, 8, 8)) == str(ONEDNN)


@pytest.mark.usefixtures("no_time_in_runs")
def test_a_run_that_comes_ends_it_between_two_layers_and_nothing_is_kept(clock, other_way):
    plain, fast = Weighted(clock), Weighted(clock, takes_s=0.5)
    other_way(fast)
    worker = Worker(plain)
    worker.run()

    def come_while_the_other_way_is_tried() -> None:
        if fast.windows:
            raise Cancelled

    with pytest.raises(Cancelled):
        worker.use_spare_time(come_while_the_other_way_is_tried)
    assert fast.windows == 1
    assert found() is None
    worker.use_spare_time()
    assert found() == str(ONEDNN)


def test_where_nothing_is_found_an_image_is_looked_at_once(clock, other_way):
    plain, fast = Weighted(clock, threshold=2.0), Weighted(clock, threshold=2.0, takes_s=0.5)
    other_way(fast)
    worker = Worker(plain)
    worker.run()
    plain.windows = 0
    worker.use_spare_time()
    assert plain.windows == WINDOWS
    worker.run()
    plain.windows = 0
    worker.use_spare_time()
    assert plain.windows == 0
    assert found() is None


@pytest.mark.usefixtures("no_time_in_runs")
def test_no_image_of_another_model_is_taken(clock, other_way):
    other_way(Weighted(clock, takes_s=0.5))
    worker = Worker(Weighted(clock))
    with reusing(worker.kept, "1" * 64):
        segment(case(), worker.model, [worker.networks], device="cpu")
    worker.use_spare_time()
    assert found() is None


@pytest.mark.usefixtures("no_time_in_runs")
def test_it_waits_where_memory_is_short(clock, other_way, monkeypatch):
    other_way(Weighted(clock, takes_s=0.5))
    worker = Worker(Weighted(clock))
    worker.run()
    monkeypatch.setattr(idle, "_LEAST_FREE_BYTES", 1 << 60)
    worker.use_spare_time()
    assert found() is None


@pytest.mark.usefixtures("no_time_in_runs")
def test_a_network_of_whole_arrays_is_judged_on_a_part_once(clock, monkeypatch):
    plain, direct = Weighted(clock), Weighted(clock, takes_s=0.5)
    monkeypatch.setattr(array_chooser, "only_direct_convolutions", lambda _: direct)
    stage = replace(spec().stages[0], windows=Windows(None))
    worker = Worker(plain, model=replace(spec(), stages=(stage,)))
    worker.run()
    assert direct.windows == 0
    worker.use_spare_time()
    assert direct.windows > 0
    (known,) = remembered.remembered_places(HASH, CPU)
    assert remembered.recall(known).way == str(ONEDNN)


@pytest.mark.usefixtures("no_time_in_runs")
def test_a_classifier_has_nothing_to_compare(clock, other_way):
    plain = Weighted(clock)
    other_way(Weighted(clock, takes_s=0.5))
    worker = Worker(plain)
    worker.run()
    worker.models._loaded[HASH] = LoadedModel(replace(worker.model, classes=("a", "b")), (worker.networks,))
    plain.windows = 0
    worker.use_spare_time()
    assert plain.windows == 0
