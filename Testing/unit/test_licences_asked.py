"""A licence that rules out commercial use is asked about once, by whatever way the model comes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from MedAISegLib.app.model_sources import InstallOptions, install_model, pack_models, unpack_models
from MedAISegLib.core.errors import LicenceError, NotTrustedError
from MedAISegLib.models import catalogue
from MedAISegLib.models.packs import MANIFEST
from MedAISegLib.models.receipts import receipt_of
from MedAISegLib.models.store import installed_models, models_home
from MedAISegLib.models.trust import RECORD, was_trusted

from Testing.unit.publisher import Publisher, publishing
from Testing.unit.small_store import small_store

NON_COMMERCIAL = {"name": "Liver", "license": "CC BY-NC 4.0", "commercial_use": False}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_store(tmp_path, monkeypatch)


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """Offers the model by an address, and in a catalogue."""
    with publishing() as server:
        server.files["/liver.zip"] = archive_of(folder_of(tmp_path / "offered")).read_bytes()
        entry = {"id": "liver", "publisher": "P", "format": "test", "source": "p", **NON_COMMERCIAL}
        entry["files"] = [{"url": server.url("/liver.zip")}]
        path = tmp_path / "catalogue.json"
        path.write_text(json.dumps({"models": [], "published": [entry], "structures": {}}), encoding="utf-8")
        monkeypatch.setattr(catalogue, "catalogue_file", lambda: path)
        yield server


def folder_of(parent: Path) -> Path:
    (parent / "liver").mkdir(parents=True)
    (parent / "liver" / "model.json").write_text(json.dumps(NON_COMMERCIAL))
    return parent / "liver"


def archive_of(folder: Path) -> Path:
    path = folder.with_name("liver.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "model.json", "liver/model.json")
    return path


def pack_in(folder: Path, monkeypatch: pytest.MonkeyPatch, **listed: object) -> Path:
    """A pack of the model, written on another computer, where somebody may have changed its list."""
    path = folder / "pack.zip"
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MEDAISEG_HOME", str(folder / "elsewhere"))
        install_model(folder_of(folder / "packed"), InstallOptions(accept_licence=True))
        pack_models(installed_models(), path)
    with zipfile.ZipFile(path) as packed:
        content = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(content.pop(MANIFEST))
    manifest["models"][0].update(listed)
    with zipfile.ZipFile(path, "w") as changed:
        changed.writestr(MANIFEST, json.dumps(manifest))
        for name, data in content.items():
            changed.writestr(name, data)
    return path


def acknowledged() -> list[tuple[str, str]]:
    """Which licences of which models are, as is written down."""
    path = models_home().parent / RECORD
    entries = json.loads(path.read_text())["licences"] if path.exists() else {}
    return [(entry["model"], entry["licence"]) for entry in entries.values()]


@pytest.mark.parametrize("way", ["folder", "archive", "address", "catalogue"])
def test_whatever_way_a_model_comes_its_licence_is_asked_about(publisher: Publisher, tmp_path: Path, way: str) -> None:
    folder = folder_of(tmp_path / "source")
    ways = {
        "folder": folder,
        "archive": archive_of(folder),
        "address": publisher.url("/liver.zip"),
        "catalogue": "liver",
    }
    with pytest.raises(LicenceError, match=r"commercial use: CC BY-NC 4\.0") as caught:
        install_model(ways[way], InstallOptions(network=publisher.network))
    assert "--accept-licence" in caught.value.remedy
    assert (installed_models(), acknowledged()) == ((), [])
    model, _ = install_model(ways[way], InstallOptions(network=publisher.network, accept_licence=True))
    assert acknowledged() == [("liver", "CC BY-NC 4.0")]
    assert receipt_of(model).acknowledged, "the receipt says when"
    install_model(ways[way], InstallOptions(network=publisher.network, overwrite=True))


def test_what_was_acknowledged_in_the_catalogue_is_not_asked_about_under_another_name(publisher: Publisher) -> None:
    install_model("liver", InstallOptions(network=publisher.network, accept_licence=True))
    install_model("liver", InstallOptions("mine", network=publisher.network))
    assert acknowledged() == [("liver", "CC BY-NC 4.0")]


def test_what_allows_commercial_use_is_not_asked_about(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "source")
    (folder / "model.json").write_text(json.dumps({**NON_COMMERCIAL, "commercial_use": True}))
    model, _ = install_model(folder, InstallOptions(accept_licence=True))
    assert (acknowledged(), receipt_of(model).acknowledged) == ([], "")


@pytest.mark.parametrize("allows", [True, False, None])
def test_a_models_own_licence_is_asked_about_whatever_the_list_of_its_pack_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allows: bool | None
) -> None:
    pack = pack_in(tmp_path, monkeypatch, license="free for all", commercial_use=allows)
    with pytest.raises(LicenceError, match=r"in it, liver: .* commercial use: CC BY-NC 4\.0"):
        unpack_models(pack, InstallOptions())
    assert (installed_models(), acknowledged()) == ((), [])
    unpack_models(pack, InstallOptions(accept_licence=True))
    assert acknowledged() == [("liver", "CC BY-NC 4.0")]


def test_who_agrees_to_a_pack_is_told_of_every_model_that_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MEDAISEG_HOME", str(tmp_path / "elsewhere"))
        own_code = {"own_code": True}
        for name, more in {"one": {}, "two": {"license": "Ours"}, "coded": own_code, "code": own_code}.items():
            folder = folder_of(tmp_path / name).rename(tmp_path / name / name)
            (folder / "model.json").write_text(json.dumps({**NON_COMMERCIAL, **more}))
            install_model(folder, InstallOptions(trust=True, accept_licence=True))
        pack_models(installed_models(), tmp_path / "pack.zip")
    with pytest.raises(NotTrustedError, match=r"in it, code: it would .*; coded: it would [^;]*\.$") as caught:
        unpack_models(tmp_path / "pack.zip", InstallOptions())
    assert caught.value.where == str(tmp_path / "pack.zip")
    with pytest.raises(
        LicenceError, match=r"in it, code: [^;]*; coded: [^;]*; one: [^;]*; two: [^;]*: Ours\."
    ) as caught:
        unpack_models(tmp_path / "pack.zip", InstallOptions(trust=True))
    assert (installed_models(), acknowledged()) == ((), [])
    unpack_models(tmp_path / "pack.zip", InstallOptions(trust=True, accept_licence=True))
    assert max(acknowledged()) == ("two", "Ours")
    assert [model.id for model in installed_models() if was_trusted(model.path)] == ["code", "coded"]
