"""A pack whose models do not fit together is refused before one of them is installed."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from MedAISegLib.app import model_sources
from MedAISegLib.app.model_sources import InstallOptions, pack_models, unpack_models
from MedAISegLib.core.errors import ResourceError
from MedAISegLib.models import room
from MedAISegLib.models.store import InstalledModel, installed_models, models_home

from Testing.unit.small_store import small_store


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models of 0.6 MB each, for a store that is empty."""
    small_store(tmp_path, monkeypatch)
    models = []
    for name in ("liver", "spleen"):
        folder = tmp_path / "elsewhere" / name
        folder.mkdir(parents=True)
        (folder / "model.json").write_text(json.dumps({"name": name}))
        (folder / "weights").write_bytes(bytes(600_000))
        models.append(InstalledModel(name, folder, embedded=False))
    pack_models(models, tmp_path / "pack.zip")
    return tmp_path / "pack.zip"


def ids() -> list[str]:
    return [model.id for model in installed_models()]


def as_tar(pack: Path) -> Path:
    """The same without a list of files at its end."""
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(pack.with_name("inside"))
    with tarfile.open(pack.with_suffix(".tar"), "w") as archive:
        archive.add(pack.with_name("inside"), ".")
    return pack.with_suffix(".tar")


def test_a_pack_beyond_the_quota_is_refused_before_it_is_unpacked(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "0.001")
    monkeypatch.setattr(model_sources, "unpack_archive", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(ResourceError, match=r"liver, spleen: .*0\.001 GB"):
        unpack_models(pack, InstallOptions())
    assert not models_home().exists()


def test_a_pack_without_a_list_is_refused_before_one_model_is_installed(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = as_tar(pack)
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "0.001")
    with pytest.raises(ResourceError, match=r"0\.001 GB"):
        unpack_models(archive, InstallOptions())
    assert ids() == []


def test_models_that_are_replaced_do_not_count_twice(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "0.0013")
    unpack_models(pack, InstallOptions())
    unpack_models(pack, InstallOptions(overwrite=True))
    assert ids() == ["liver", "spleen"]


def test_a_disk_without_room_for_all_is_found_out_before_a_pack_is_unpacked(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda _: 256 * 2**20 + 1_000_000)
    with pytest.raises(ResourceError, match="no room for the models: 1 MB are needed"):
        unpack_models(pack, InstallOptions())
    assert not models_home().exists()
