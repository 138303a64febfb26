"""A pack's list says what it holds; one that is not right is refused, and no file is written over unasked."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from MedAISegLib.core.errors import Cancelled, ModelError, NameTakenError, UsageError
from MedAISegLib.core.records import to_json
from MedAISegLib.models.packs import (
    MANIFEST,
    Manifest,
    PackedModel,
    is_pack,
    read_manifest,
    require_as_packed,
    write_pack,
)
from MedAISegLib.models.store import InstalledModel
from MedAISegLib.models.trust import content_sha256

WEIGHTS = bytes(range(200))
LIVER = PackedModel("liver", "0" * 64)


@pytest.fixture
def model(tmp_path: Path) -> InstalledModel:
    path = tmp_path / "store" / "liver"
    (path / "networks").mkdir(parents=True)
    (path / "networks" / "weights").write_bytes(WEIGHTS)
    return InstalledModel("liver", path, embedded=False)


def listed(model: InstalledModel) -> PackedModel:
    return PackedModel(model.id, content_sha256(model.path), "MIT", commercial_use=True, size_bytes=len(WEIGHTS))


def test_what_is_packed_is_read_back_as_it_was(model: InstalledModel, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_pack([(model, listed(model))], tmp_path / "p.zip", on_bytes=lambda *bytes_: told.append(bytes_))
    assert is_pack(tmp_path / "p.zip")
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    manifest = read_manifest(tmp_path / "unpacked")
    assert manifest == Manifest(1, (listed(model),))
    require_as_packed(tmp_path / "unpacked" / "liver", listed(model))
    assert told == [(len(WEIGHTS), len(WEIGHTS))]


def test_a_pack_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model"):
        write_pack([], tmp_path / "p.zip")
    assert not list(tmp_path.iterdir())


def test_a_file_is_written_over_on_request_only(model: InstalledModel, tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_text("precious")
    with pytest.raises(NameTakenError):
        write_pack([(model, listed(model))], tmp_path / "p.zip")
    assert (tmp_path / "p.zip").read_text() == "precious"
    write_pack([(model, listed(model))], tmp_path / "p.zip", overwrite=True)
    assert is_pack(tmp_path / "p.zip")


def test_a_pack_that_is_stopped_is_not_there(model: InstalledModel, tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        write_pack([(model, listed(model))], tmp_path / "p.zip", poll=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_link_out_of_a_model_is_not_followed(model: InstalledModel, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    try:
        (model.path / "weights").symlink_to(tmp_path / "secret")
    except OSError:
        pytest.skip("links cannot be made here")
    with pytest.raises(ModelError, match="leads out"):
        write_pack([(model, listed(model))], tmp_path / "p.zip")


def unpacked(tmp_path: Path, text: str) -> Path:
    """A folder with a list, and the folder of a model both in it and beside it."""
    for folder in ("pack/liver", "liver"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "pack" / MANIFEST).write_text(text, encoding="utf-8")
    return tmp_path / "pack"


def text_of(*models: PackedModel, version: int = 1) -> str:
    return json.dumps(to_json(Manifest(version, models)))


def test_a_list_names_models_that_are_there(tmp_path: Path) -> None:
    assert read_manifest(unpacked(tmp_path, text_of(LIVER))) == Manifest(1, (LIVER,))
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ("[" * 100_000, "damaged"),
        (" " * 5_000_000 + text_of(LIVER), "too large"),
        (text_of(LIVER, version=2), "another version"),
        (text_of(LIVER, PackedModel("spleen", "0" * 64)), "not there"),
        (text_of(PackedModel("../liver", "0" * 64)), "not there"),
        (text_of(PackedModel("", "0" * 64)), "not there"),
    ],
    ids=["no JSON", "no mapping", "nested deeply", "large", "of a later version", "absent", "outside", "nameless"],
)
def test_a_list_that_is_not_right_is_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ModelError, match=what):
        read_manifest(unpacked(tmp_path, text))
