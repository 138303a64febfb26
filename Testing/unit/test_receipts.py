"""What is noted of models is noted of those that are there, and of nothing that has taken their place."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

pytest.importorskip("filelock", reason="filelock is not installed")

from MedAISegLib.core.errors import ModelError, ResourceError
from MedAISegLib.models import installing
from MedAISegLib.models.installing import install_folder
from MedAISegLib.models.kept_records import read_record
from MedAISegLib.models.origins import Receipt
from MedAISegLib.models.receipts import RECORD, record_installation, require_unchanged
from MedAISegLib.models.store import InstalledModel


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


def test_a_replacement_that_ended_before_it_was_noted_is_not_called_changed(source: Path) -> None:
    record_installation(put_in_place(source), Receipt("first"))
    (source / "weights").write_text("2")
    model = put_in_place(source)
    assert not require_unchanged(model)
    record_installation(model, Receipt("second"))
    assert require_unchanged(model)


def test_a_replacement_that_fails_leaves_what_was_noted(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    model = put_in_place(source)
    record_installation(model, Receipt("first"))
    before = read_record(RECORD)
    monkeypatch.setattr(installing, "_swap_in", fail)
    with pytest.raises(ResourceError):
        put_in_place(source)
    assert read_record(RECORD) == before
    (model.path / "weights").write_text("2")
    with pytest.raises(ModelError, match="have changed"):
        require_unchanged(model)


def test_nothing_is_noted_of_a_model_that_was_removed_meanwhile(source: Path) -> None:
    model = put_in_place(source)
    shutil.rmtree(model.path)
    record_installation(model, Receipt("first"))
    assert read_record(RECORD) == {}
