"""Networks are converted while nothing runs, and kept as far as there is room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from MedAISegLib.app import idle
from MedAISegLib.app.segment import LoadedModel
from MedAISegLib.app.warm_models import WarmModels
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.core.progress import never
from MedAISegLib.engine.backends import AUTOMATIC, trial
from MedAISegLib.engine.backends.remembered import recall, remembered_places
from MedAISegLib.engine.prepared_again import KeptPreparations, reusing
from MedAISegLib.models import converted_networks
from small_networks import two_classes
from ways_runs import HASH, run, spec

pytest.importorskip("openvino", reason="an optional package")
pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    monkeypatch.setattr(trial, "_ENOUGH", 5)
    return tmp_path


@pytest.fixture
def network() -> torch.nn.Module:
    return two_classes()


def files(home: Path) -> list[str]:
    return sorted(path.suffix for path in home.glob("converted/*/*"))


def test_the_longest_unused_go_where_there_are_too_many(home, monkeypatch):
    monkeypatch.setattr(converted_networks, "_MOST_BYTES", 25)
    for count, name in enumerate("abc"):
        with converted_networks.converting("model", name) as (_, made):
            made.write_bytes(b"0" * 10)
        os.utime(home / "converted" / "model" / f"{name}.network", (count, count))
        if name == "b":
            # Its use makes the first the younger one.
            used = converted_networks.converted_network("model", "a")
            assert used is not None
            converted_networks.note_use(used)
    assert sorted(path.stem for path in home.glob("converted/*/*.network")) == ["a", "c"]


def warm(network: torch.nn.Module) -> WarmModels:
    models = WarmModels()
    models._loaded[HASH] = LoadedModel(spec(), ((network,),))
    return models


@pytest.mark.usefixtures("converted_here")
def test_what_was_converted_is_compared_before_the_next_run_comes(network):
    kept = KeptPreparations()
    with reusing(kept, HASH):
        run(network, AUTOMATIC)
    (place,) = remembered_places(HASH, torch.device("cpu"))
    before = recall(place)
    idle.use_spare_time(warm(network), kept, never, never)
    after = recall(place)
    assert before is not None
    assert after is not None
    assert not any(way.startswith("openvino") for way in before.tried)
    assert any(way.startswith("openvino") for way in after.tried)


@pytest.mark.slow
def test_while_nothing_runs_networks_are_converted_that_have_run_before(network, home):
    idle.convert_networks(warm(network), never)
    assert files(home) == []
    run(network, AUTOMATIC)
    idle.convert_networks(warm(network), never)
    assert files(home) == [".network"]


def test_they_wait_where_memory_is_short_and_yield_to_who_wants_to_run(network, home, monkeypatch):
    run(network, AUTOMATIC)

    def someone_waits() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        idle.convert_networks(warm(network), someone_waits)
    monkeypatch.setattr(idle, "_LEAST_FREE_BYTES", 1 << 60)
    idle.convert_networks(warm(network), never)
    assert files(home) == []


def test_none_is_converted_that_its_models_others_would_have_to_go_for(network, home, monkeypatch):
    run(network, AUTOMATIC)
    monkeypatch.setattr(converted_networks, "_MOST_BYTES", 0)
    idle.convert_networks(warm(network), never)
    assert files(home) == []


@pytest.mark.usefixtures("converted_here")
def test_what_another_version_has_converted_makes_room(network, home, monkeypatch):
    run(network, AUTOMATIC)
    folder = home / "converted" / HASH
    folder.mkdir(parents=True)
    (folder / "another.network").write_bytes(b"0" * 60)
    os.utime(folder / "another.network", (0, 0))
    monkeypatch.setattr(converted_networks, "_MOST_BYTES", 100)
    idle.convert_networks(warm(network), never)
    (kept,) = folder.glob("*.network")
    assert kept.name != "another.network"
