"""A pack's list says what it holds; one that is not right is refused, and no file is written over unasked."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from MedAISegLib.app import model_sources
from MedAISegLib.app.model_requests import install_models
from MedAISegLib.app.store_protocol import InstallModelRequest
from MedAISegLib.core.errors import Cancelled, ModelError, NameTakenError, UsageError
from MedAISegLib.core.progress import CancelToken
from MedAISegLib.core.records import to_json
from MedAISegLib.models import packs
from MedAISegLib.models.archive_entries import Limits
from MedAISegLib.models.origins import Origin, Receipt
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
from MedAISegLib.models.store_progress import nobody
from MedAISegLib.models.trust import content_sha256

WEIGHTS = bytes(range(200))
LIVER = PackedModel("liver", "0" * 64)
ORIGIN = Origin("https://example.org/m.zip", "a1" * 32, f"sha256:{'a1' * 32}")
RECEIPT = Receipt("liver", (ORIGIN, Origin("https://example.org/n.zip", "b2" * 32)), "2026-11-20T10:00:00+00:00")


@pytest.fixture
def model(tmp_path: Path) -> InstalledModel:
    path = tmp_path / "store" / "liver"
    (path / "networks").mkdir(parents=True)
    (path / "networks" / "weights").write_bytes(WEIGHTS)
    return InstalledModel("liver", path, embedded=False)


def listed(model: InstalledModel) -> PackedModel:
    return PackedModel(model.id, content_sha256(model.path), "MIT", True, len(WEIGHTS), RECEIPT)


def test_what_is_packed_is_read_back_as_it_was(model: InstalledModel, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_pack([(model, listed(model))], tmp_path / "p.zip", on_bytes=lambda *bytes_: told.append(bytes_))
    assert is_pack(tmp_path / "p.zip")
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    manifest = read_manifest(tmp_path / "unpacked")
    assert manifest == Manifest(2, (listed(model),))
    require_as_packed(tmp_path / "unpacked" / "liver", listed(model))
    assert told == [(len(WEIGHTS), len(WEIGHTS))]


def test_a_pack_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model"):
        write_pack([], tmp_path / "p.zip")
    assert not list(tmp_path.iterdir())


def test_no_pack_is_written_that_could_not_be_unpacked(
    model: InstalledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "p.zip"
    alike = replace(model, id="Liver")
    with pytest.raises(UsageError, match="names that some systems"):
        write_pack([(model, listed(model)), (alike, listed(alike))], target)
    with pytest.raises(UsageError, match="50 GB"):
        write_pack([(model, replace(listed(model), size_bytes=51 * 2**30))], target)
    with monkeypatch.context() as patch:
        patch.setattr(packs, "Limits", lambda: Limits(files=3))
        with pytest.raises(UsageError, match="more than 3 files"):
            write_pack([(model, listed(model))], target)
    (model.path / "Networks").write_text("a file")
    if len(list(model.path.iterdir())) > 1:
        with pytest.raises(ModelError, match=r"liver: .* names some systems"):
            write_pack([(model, listed(model))], target)
    assert not target.exists()


def test_a_pack_is_found_in_the_users_home(
    model: InstalledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked: list[Path] = []
    write_pack([(model, listed(model))], tmp_path / "p.zip")
    monkeypatch.setattr(model_sources, "unpack_models", lambda path, *_, **__: unpacked.append(path) or ())
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    task = SimpleNamespace(
        request=InstallModelRequest("~/p.zip"), progress=SimpleNamespace(cancel=CancelToken()), tell=nobody
    )
    install_models(task)
    assert unpacked == [tmp_path / "p.zip"]


@pytest.mark.parametrize(("name", "told"), [("nothing.zip", "no such file"), ("notes.txt", "no archive")])
def test_what_is_no_pack_is_said_to_be_none(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("to be read")
    with pytest.raises(UsageError, match=told):
        model_sources.unpack_models(tmp_path / name, model_sources.InstallOptions())


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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shutil.rmtree, "liver: it was removed while"),
        (lambda path: (path / "weights.1").unlink(), "liver: .* (changed|removed) while"),
        (lambda path: (path / "weights.1").write_bytes(WEIGHTS[::-1]), "liver: its files were changed while"),
    ],
    ids=["removed", "a file removed", "replaced"],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["before it is written", "while it is written"])
def test_a_model_that_changes_while_it_is_packed_gives_no_pack(
    model: InstalledModel, tmp_path: Path, change: Callable[[Path], object], said: str, at_once: bool
) -> None:
    (model.path / "weights.1").write_bytes(WEIGHTS)
    packed = listed(model)
    changes = [lambda: change(model.path)]
    if at_once:
        changes.pop()()

    def poll() -> None:
        """Is called first when the first of two files is written."""
        if changes:
            changes.pop()()

    with pytest.raises(ModelError, match=said) as caught:
        write_pack([(model, packed)], tmp_path / "p.zip", poll=poll)
    assert caught.value.remedy
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


def text_of(*models: PackedModel, version: int = 2) -> str:
    return json.dumps(to_json(Manifest(version, models)))


def test_a_list_names_models_that_are_there(tmp_path: Path) -> None:
    assert read_manifest(unpacked(tmp_path, text_of(LIVER))) == Manifest(2, (LIVER,))
    assert read_manifest(tmp_path) is None


def test_a_list_of_before_there_were_receipts_is_read(tmp_path: Path) -> None:
    text = json.dumps({"kind": "Manifest", "version": 1, "models": [{"id": "liver", "sha256": "0" * 64}]})
    assert read_manifest(unpacked(tmp_path, text)) == Manifest(1, (LIVER,))


def with_receipt(**changes: Any) -> PackedModel:
    return replace(LIVER, receipt=replace(RECEIPT, **changes))


def of_file(**changes: Any) -> PackedModel:
    return with_receipt(files=(replace(ORIGIN, **changes),))


@pytest.mark.parametrize(
    "model",
    [
        of_file(url="javascript:alert(1)"),
        of_file(url="https://example.org/\x1b[2Jm.zip"),
        of_file(url="https://example.org/\u202em.zip"),
        of_file(url="https://example.org/a b"),
        of_file(url=f"https://example.org/{'m' * 5000}"),
        of_file(sha256="c3" * 32),
        of_file(sha256="A1" * 32, checksum=""),
        of_file(sha256="", checksum=""),
        of_file(checksum="sha256:"),
        of_file(checksum="md5:" + "a1" * 16),
        of_file(checksum="trusted"),
        with_receipt(files=(ORIGIN,) * 1001),
        with_receipt(source="\x1b]0;title\x07"),
        with_receipt(source="s" * 5000),
        with_receipt(acknowledged="by the director"),
    ],
    ids=lambda model: str(model.receipt)[:60],
)
def test_a_receipt_that_is_none_is_refused(model: PackedModel, tmp_path: Path) -> None:
    assert read_manifest(unpacked(tmp_path / "sound", text_of(replace(model, receipt=RECEIPT)))) is not None
    with pytest.raises(ModelError, match="damaged") as caught:
        read_manifest(unpacked(tmp_path / "other", text_of(model)))
    assert str(caught.value).isprintable()


def test_a_publisher_is_named_by_what_was_downloaded_here_not_by_what_a_pack_says() -> None:
    addresses = [origin.url for origin in RECEIPT.files]
    assert RECEIPT.came_from(addresses)
    assert not RECEIPT.came_from(addresses[:1])
    assert not replace(RECEIPT, pack="p.zip").came_from(addresses)
    assert not Receipt("liver").came_from(addresses)


def test_addresses_are_shared_without_logins_and_keys() -> None:
    url = "https://user:secret@example.org:8443/m.zip?signature=secret#part"
    shared = Receipt(url, (replace(ORIGIN, url=url),)).to_share
    assert shared == Receipt("https://example.org:8443/m.zip", (replace(ORIGIN, url=shared.source),))
    assert RECEIPT.to_share == RECEIPT


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ("[" * 100_000, "damaged"),
        (" " * 5_000_000 + text_of(LIVER), "too large"),
        (text_of(LIVER, version=3), "another version"),
        ('{"version": 3, "models": "as it will be"}', "another version"),
        (text_of(LIVER).replace('"license"', '"trusted": true, "license"'), "trusted is not known"),
        (text_of(LIVER).replace('"version"', '"trusted": ["liver"], "version"'), "trusted is not known"),
        (text_of(LIVER).replace('"license"', '"\\u001b[2J": true, "license"'), "is not known"),
        (text_of(LIVER, LIVER), "twice"),
        (text_of(LIVER, PackedModel("spleen", "0" * 64)), "not there"),
        (text_of(PackedModel("../liver", "0" * 64)), "not there"),
        (text_of(PackedModel("", "0" * 64)), "not there"),
        (text_of(), "no model"),
    ],
    ids=[
        "no JSON",
        "no mapping",
        "nested deeply",
        "large",
        "of a later version",
        "of a later kind",
        "a model trusted",
        "models trusted",
        "moving the cursor",
        "twice",
        "absent",
        "outside",
        "nameless",
        "of nothing",
    ],
)
def test_a_list_that_is_not_right_is_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ModelError, match=what) as caught:
        read_manifest(unpacked(tmp_path, text))
    assert caught.value.where == str(tmp_path / "pack")
    assert caught.value.remedy
