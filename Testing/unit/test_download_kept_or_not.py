"""Of what came only a model counts from now on; what is there of a file outlasts a server that refuses the rest."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.errors import ModelError, NotTrustedError, ResourceError
from MedAISegLib.core.notice import Notice
from MedAISegLib.models import catalogue
from MedAISegLib.models.kept_downloads import kept_bytes

from Testing.unit.publisher import Publisher, publishing
from Testing.unit.small_store import small_store

PAGE = b"<html>please sign in to the guest network</html>"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_store(tmp_path, monkeypatch)


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """Offers a model of two parts."""
    with publishing() as server:
        files = []
        for part in ("one", "two"):
            server.files[f"/{part}.zip"] = packed(tmp_path / f"{part}.zip", part)
            files.append({"url": server.url(f"/{part}.zip"), "folder": "" if part == "one" else "second"})
        entry = {"id": "parts", "name": "Parts", "publisher": "P", "format": "test", "source": "p", "files": files}
        path = tmp_path / "catalogue.json"
        path.write_text(json.dumps({"models": [], "published": [entry], "structures": {}}), encoding="utf-8")
        monkeypatch.setattr(catalogue, "catalogue_file", lambda: path)
        yield server


def packed(path: Path, name: str, **said: object) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/weights", os.urandom(1_000_000))
        archive.writestr(f"{name}/model.json", json.dumps({"name": name, **said}))
    return path.read_bytes()


def install(publisher: Publisher, source: str, **options: bool) -> list[Notice]:
    source = publisher.url(source) if source.startswith("/") else source
    return list(install_model(source, InstallOptions(network=publisher.network, **options))[1])


def known(home: Path) -> list[str]:
    record = home / "downloads.json"
    return sorted(json.loads(record.read_text())) if record.exists() else []


@pytest.mark.parametrize(("source", "file"), [("/one.zip", "/one.zip"), ("parts", "/two.zip")])
def test_a_page_that_came_in_its_place_does_not_count(source: str, file: str, publisher: Publisher, home: Path) -> None:
    files = dict(publisher.files)
    publisher.files[file] = PAGE
    with pytest.raises(ModelError, match="damaged") as refused:
        install(publisher, source)
    assert refused.value.where == publisher.url(file)
    assert known(home) == []
    publisher.files = files
    assert {notice.code for notice in install(publisher, source)} == {"first-download"}
    assert publisher.url(file) in known(home)


def test_a_model_that_is_not_trusted_does_not_count_before_it_is(
    publisher: Publisher, tmp_path: Path, home: Path
) -> None:
    publisher.files["/one.zip"] = packed(tmp_path / "one.zip", "one", own_code=True)
    with pytest.raises(NotTrustedError):
        install(publisher, "/one.zip")
    assert known(home) == []
    install(publisher, "/one.zip", trust=True)
    assert known(home) == [publisher.url("/one.zip")]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_leaves_what_is_there(status: int, publisher: Publisher) -> None:
    publisher.faults = ["", "cut", *[500] * 3]
    with pytest.raises(ResourceError):
        install(publisher, "parts")
    publisher.faults = [status]
    with pytest.raises(ModelError, match=f"HTTP {status}"):
        install(publisher, "parts")
    publisher.asked.clear()
    install(publisher, "parts")
    ((path, rest),) = publisher.asked
    assert path == "/two.zip"
    assert rest, "only what was missing is fetched"
    assert kept_bytes() == 0


def test_a_quota_is_held_against_a_file_of_unknown_size(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "0.0005")
    publisher.says_size = False
    publisher.files["/one.zip"] = PAGE * 50_000
    with pytest.raises(ResourceError, match="allows"):
        install(publisher, "/one.zip")
