"""The emulated application does as the genuine one was recorded: PythonQt's semantics, .ui files, modules."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from Testing.host.facts import FILE, Outcome, differences, load_facts, namespace_for, not_modelled, run_facts

AREAS = ("pythonqt", "ui", "module")
RECORDED = Path(__file__).parent / "recorded"
GUI_RUN = "c"
"""This run was the application with its main window and without --testing; the others were headless tests."""


def _file() -> Path:
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("MEDAISEG_TEST_DATA", default)).parent / FILE


def _facts() -> list[dict[str, Any]]:
    return [fact for fact in load_facts(_file()) if fact["area"] in AREAS] if _file().is_file() else []


_outcomes: dict[str, dict[str, Outcome]] = {}


def outcomes_of(run: str) -> dict[str, Outcome]:
    """All facts of a run are run once, in order, whichever of them is tested first."""
    if run not in _outcomes:
        _outcomes[run] = _run(run)
    return _outcomes[run]


def _run(run: str) -> dict[str, Outcome]:
    from Testing.host.application.host import Host
    from Testing.host.application.loop import inside_loop
    from Testing.host.driver import spin

    host = Host(testing=run != GUI_RUN)
    try:
        import slicer

        namespace = namespace_for(slicer, spin)
        places = {
            str(RECORDED): "<DATA>",
            slicer.app.temporaryPath: "<TMP>",
            slicer.app.slicerHome: "<SLICER_HOME>",
        }
        if run == GUI_RUN:
            host.load_module(RECORDED / "mod" / "FactDemo.py")
            host.startup_completed()
            import FactDemo

            namespace["LOG"] = FactDemo.LOG
        facts = [fact for fact in load_facts(_file()) if fact["run"] == run and fact["area"] in AREAS]
        return inside_loop(lambda: run_facts(facts, namespace, places))
    finally:
        host.stop()


@pytest.mark.host
@pytest.mark.parametrize("fact", [pytest.param(fact, id=fact["id"]) for fact in _facts()])
def test_the_host_does_as_the_application_did(fact: dict[str, Any]):
    reason = not_modelled().get(fact["id"])
    found = differences(fact, outcomes_of(fact["run"])[fact["id"]])
    if reason is None:
        assert not found, "\n".join([fact.get("setup", ""), fact["expr"], *found])
    else:
        assert found, f"it does, though it is listed as not modelled: {reason}"


@pytest.mark.host
def test_most_of_the_recorded_facts_are_modelled():
    facts = _facts()
    if not facts:
        pytest.skip(f"the recorded facts are not at {_file()}; MEDAISEG_TEST_DATA names the folder beside them")
    assert len(not_modelled()) < len(facts) / 15
    assert set(not_modelled()) <= {fact["id"] for fact in facts}
