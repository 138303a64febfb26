"""Folders that nobody may look into, or that are named by a home nobody has: what else there is can still be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from MedAISegLib.core.data_home import data_home
from MedAISegLib.core.errors import ResourceError
from MedAISegLib.models.kept_downloads import kept_bytes
from MedAISegLib.models.room import free_bytes
from MedAISegLib.models.staging import sweep_staging
from MedAISegLib.models.store import installed_models, models_home

from Testing.unit.store_of_one import store_of_one

NOBODY = "~nobody-of-this-name/models"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = store_of_one(tmp_path, monkeypatch)
    for name in ("models", "staging", "downloads"):
        (home / name).mkdir(parents=True)
    return home


@pytest.fixture
def closed_home(home: Path) -> Iterator[Path]:
    home.chmod(0)
    if os.access(home, os.X_OK):
        pytest.skip("to this user no folder is closed")
    yield home
    home.chmod(0o755)


@pytest.mark.usefixtures("closed_home")
def test_the_models_of_the_program_are_listed_where_the_users_own_cannot_be() -> None:
    sweep_staging()
    assert [model.id for model in installed_models()] == ["default"]
    assert kept_bytes() == 0
    assert free_bytes(models_home()) > 0


def test_of_the_shared_folders_those_that_are_there_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared" / "lungs").mkdir(parents=True)
    monkeypatch.setenv("MEDAISEG_MODELS_PATH", os.pathsep.join([NOBODY, "", str(tmp_path / "shared")]))
    assert [model.id for model in installed_models()] == ["default", "lungs"]


def test_a_folder_in_the_home_of_nobody_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", NOBODY)
    with pytest.raises(ResourceError, match=r"nobody-of-this-name.*Set MEDAISEG_HOME"):
        data_home()
