"""The emulated DICOM database does what the genuine application was seen to do."""

from __future__ import annotations

import copy
import json
import os
import re
import sqlite3
import time
from pathlib import Path

import pytest

from Testing.host import facts
from Testing.host.dicom.schema import script

NOT_REPRODUCED = {
    "d001": "the name of the database's file before one was opened",
    "d006": "all attributes of the class: only a part is modelled, the rest fails by name",
    "d007": "all methods of the class, likewise",
    "d025": "the words of CREATE TABLE; another test compares the columns",
    "d040": "all functions of DICOMUtils, likewise",
    "d041": "plugins for ultrasound, image sequences and data bundles",
    "d043": "likewise",
    "d044": "export to DICOM by Slicer's own plugins",
}
"""Fact to what of it the host does not have."""

FIRST = "000011.dcm"
"""The file that came first from the disk of the recorded session, so that its values are the answers."""

_TIMES = re.compile(r"(Timestamp=)[^'\"]*")


@pytest.fixture
def data(tmp_path: Path, shared_data: Path) -> Path:
    """The folder of the recorded session: two series of one study, and a place for the database."""
    study = shared_data / "brain_mr_dicom" / "study1"
    (tmp_path / "db").mkdir()
    (tmp_path / "series_t1").symlink_to(study / "34909-T1prereg-84610")
    (tmp_path / "series_small").symlink_to(study / "13_HCropVolume")
    return tmp_path


@pytest.fixture(scope="session")
def recorded(shared_data: Path) -> dict[str, dict]:
    file = shared_data.parent / facts.FILE
    if not file.is_file():
        pytest.skip("the recorded facts are not here")
    return {fact["id"]: fact for fact in facts.load_facts(file) if fact["area"] == "dicom" and fact["run"] == "d"}


def test_the_recorded_session_gives_the_same_answers(slicer_app, data, recorded):
    import slicer
    import vtk
    from DICOMLib import DICOMUtils

    session = {"slicer": slicer, "os": os, "time": time, "vtk": vtk}
    session |= {"DICOMUtils": DICOMUtils, "db": slicer.dicomDatabase}
    here = []
    for fact in copy.deepcopy(list(recorded.values())):
        if fact["id"] == "d008":
            fact["setup"] = f"db.insert('<DATA>/series_t1/{FIRST}', False)"
        here.append(fact | {part: fact[part].replace("<DATA>", str(data)) for part in ("setup", "expr")})
    outcomes = facts.run_facts(here, session, {str(data): "<DATA>"})
    different = []
    for name, fact in recorded.items():
        outcome = facts.Outcome(**vars(outcomes[name]) | {"result": timeless(outcomes[name].result)})
        if name not in NOT_REPRODUCED:
            wanted = fact | ({"result": timeless(fact["result"])} if "result" in fact else {})
            different += [f"{name}: {words}" for words in facts.differences(wanted, outcome)]
    assert not different, "\n".join(different)
    assert len(recorded) - len(NOT_REPRODUCED) >= 30


def timeless(result):
    return json.loads(_TIMES.sub(r"\1", json.dumps(result)))


def test_the_tables_have_the_recorded_columns(recorded):
    statements = [row["tuple"] for row in recorded["d025"]["result"]]
    genuine, ours = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    ours.executescript(script())
    for name, statement in statements:
        if name != "sqlite_sequence":
            genuine.execute(statement)
        assert columns(ours, name) == columns(genuine, name), name


def columns(connection, table):
    """Name, type, whether it must have a value, default, and place in the primary key."""
    return [row[1:] for row in connection.execute(f"PRAGMA table_info('{table}')")]
