"""What is noted of models is noted of those that are there, and of nothing that has taken their place."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

pytest.importorskip("filelock", reason="filelock is not installed")

from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.disk import written_whole
from MedAISegLib.core.errors import ModelError, ResourceError
from MedAISegLib.models import installing, kept_records
from MedAISegLib.models.installing import install_folder
from MedAISegLib.models.kept_records import change_record, read_record
from MedAISegLib.models.origins import Receipt
from MedAISegLib.models.receipts import RECORD, days_unused, record_installation, record_use, require_unchanged
from MedAISegLib.models.store import InstalledModel, models_home
from MedAISegLib.models.trust import content_sha256

from Testing.unit.small_store import small_store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "liver"
    folder.mkdir()
    (folder / "weights").write_text("1")
    return folder


def put_in_place(source: Path) -> InstalledModel:
    return install_folder(source, overwrite=True, verify=lambda _: None)


def note(model: InstalledModel, receipt: Receipt) -> None:
    record_installation(model.id, content_sha256(model.path), receipt)


def test_a_replacement_that_ended_before_it_was_noted_is_not_called_changed(source: Path) -> None:
    note(put_in_place(source), Receipt("first"))
    (source / "weights").write_text("2")
    model = put_in_place(source)
    assert not require_unchanged(model)
    note(model, Receipt("second"))
    assert require_unchanged(model)


def test_a_replacement_that_fails_leaves_what_was_noted(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    model = put_in_place(source)
    note(model, Receipt("first"))
    before = read_record(RECORD)
    monkeypatch.setattr(installing, "_swap_in", fail)
    with pytest.raises(ResourceError):
        put_in_place(source)
    assert read_record(RECORD) == before
    (model.path / "weights").write_text("2")
    with pytest.raises(ModelError, match="have changed"):
        require_unchanged(model)


def test_an_installation_that_cannot_be_written_down_is_undone(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_over(text: str) -> None:
        (source / "model.json").write_text(json.dumps({"name": text}))
        install_model(source, InstallOptions(overwrite=True))

    def full(target: Path) -> AbstractContextManager[BinaryIO]:
        model = models_home() / "liver" / "model.json"
        if model.exists() and "new" in model.read_text():
            raise ResourceError("the disk is full.")
        return written_whole(target)

    home = small_store(tmp_path, monkeypatch)
    monkeypatch.setattr(kept_records, "written_whole", full)
    with pytest.raises(ResourceError, match="full"):
        put_over("new")
    assert (list((home / "models").iterdir()), read_record(RECORD)) == ([], {})
    put_over("old")
    before = read_record(RECORD)
    with pytest.raises(ResourceError, match="full"):
        put_over("new")
    assert "old" in (models_home() / "liver" / "model.json").read_text()
    assert read_record(RECORD) == before


@pytest.mark.parametrize("named", ["liver", "liver/2d", "{}", "{}/2d", "{}/../liver"])
def test_a_model_of_the_store_counts_as_used_however_it_is_named(named: str, source: Path) -> None:
    model = put_in_place(source)
    assert days_unused(model) is None
    record_use(named.format(model.path))
    assert days_unused(model) == 0


@pytest.mark.parametrize("named", ["", "kidney", "hippocampus", "~nobody/liver", "x" * 5000, "\0", "liver/a/b"])
def test_of_what_is_not_in_the_store_no_use_is_noted(named: str, source: Path) -> None:
    put_in_place(source)
    for name in (named, str(source)):
        record_use(name)
    assert read_record(RECORD) == {}


def test_what_others_have_put_there_since_is_not_what_was_noted(source: Path) -> None:
    def note_as_of_2020(content: dict[str, Any]) -> None:
        content["liver"]["used"] = "2020-01-01"

    model = put_in_place(source)
    note(model, Receipt("first"))
    change_record(RECORD, note_as_of_2020)
    assert days_unused(model) is None
    os.utime(model.path, (0, 0))
    assert days_unused(model, dt.date(2020, 1, 11)) == 10
