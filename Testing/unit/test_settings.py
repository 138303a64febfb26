"""Settings of the machine: kept, and whatever else is found in their place reads as the default."""

from __future__ import annotations

import pytest
from MedAISegLib.slicer_io.settings import MemoryStore, Settings


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def settings(store):
    return Settings(store)


def test_without_any_stored_value_there_are_defaults(settings):
    assert (settings.device, settings.python, settings.offline) == ("auto", "", False)
    assert settings.models_home == ""


def test_what_is_set_is_kept_under_the_group_of_the_module(settings, store):
    settings.device, settings.python, settings.offline, settings.models_home = "cuda:1", "/p y/ü", True, "/m"
    again = Settings(store)
    assert (again.device, again.python, again.offline, again.models_home) == ("cuda:1", "/p y/ü", True, "/m")
    assert store.value("MedAISeg/Device") == "cuda:1"


@pytest.mark.parametrize(
    ("stored", "offline"),
    [("true", True), ("1", True), ("false", False), ("perhaps", False), (3.5, False), (None, False), (("x",), False)],
)
def test_a_truth_value_comes_back_from_the_texts_of_an_ini_file(settings, store, stored, offline):
    store.setValue("MedAISeg/StrictOffline", stored)
    assert settings.offline is offline


@pytest.mark.parametrize("stored", [5, True, ("a", "b"), {"a": 1}, None, ""])
def test_a_text_of_another_type_reads_as_the_default(settings, store, stored):
    for key in ("Device", "WorkerPython"):
        store.setValue(f"MedAISeg/{key}", stored)
    assert (settings.device, settings.python) == ("auto", "")
