"""Models that want to do harm on the way into the store or in it, and trust that must not outlive what was trusted."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import write_bundle
from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.errors import MedAISegError, ModelError, NotTrustedError
from MedAISegLib.models import trust
from MedAISegLib.models.installing import install_folder, remove_model
from MedAISegLib.models.store import models_home

pytest.importorskip("filelock", reason="filelock is not installed")

pytestmark = pytest.mark.usefixtures("unharmed")


def archived(path: Path, root: Path, extra: Callable[[Any], None]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for found in root.rglob("*.json"):
                file.write(found, f"{root.name}/{found.relative_to(root)}")
            extra(file)
        return path
    with tarfile.open(path, "w:gz") as file:
        file.add(root, root.name)
        extra(file)
    return path


@pytest.mark.parametrize(
    "name", ["two_organs/../../../canary", "/CANARY", "..\\..\\canary", "two_organs/" + "x" * 300, "two_organs/a\rb"]
)
def test_a_poisoned_archive_leaves_no_trace(name: str, tmp_path: Path, canary: Path) -> None:
    def poison(file: zipfile.ZipFile) -> None:
        file.writestr(name.replace("/CANARY", str(canary)), "harm")

    source = archived(tmp_path / "m.zip", write_bundle(tmp_path), poison)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ModelError):
        install_model(source, InstallOptions(trust=True))
    after = {path for path in tmp_path.rglob("*") if "home" not in path.relative_to(tmp_path).parts[:1]}
    assert after == set(before)
    assert list(models_home().iterdir()) == []


def test_a_link_in_an_archive_does_not_lead_out(tmp_path: Path, canary: Path) -> None:
    def poison(file: tarfile.TarFile) -> None:
        link = tarfile.TarInfo("two_organs/out")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        file.addfile(link)
        inside = tarfile.TarInfo("two_organs/out/canary")
        inside.size = 4
        file.addfile(inside, io.BytesIO(b"harm"))

    with pytest.raises(ModelError, match="link"):
        install_model(archived(tmp_path / "m.tar.gz", write_bundle(tmp_path), poison))
    assert list(models_home().iterdir()) == []


@pytest.mark.parametrize("model_id", ["..", "a/b", "a\\b", "a\nb", "x" * 300, "nul", ".hidden", "a:b", ""])
def test_an_id_stays_within_the_store(model_id: str, tmp_path: Path) -> None:
    root = write_bundle(tmp_path)
    if model_id:
        with pytest.raises(MedAISegError):
            install_folder(root, verify=lambda _: None, model_id=model_id)
    with pytest.raises(ModelError):
        remove_model(model_id)
    assert root.is_dir()


def test_a_store_that_is_a_link_works_and_is_kept(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    models_home().parent.mkdir(parents=True)
    models_home().symlink_to(elsewhere, target_is_directory=True)
    install_folder(write_bundle(tmp_path), verify=lambda _: None)
    assert (elsewhere / "two_organs" / "configs").is_dir()
    install_folder(tmp_path / "two_organs", verify=lambda _: None, overwrite=True)
    remove_model("two_organs")
    assert list(elsewhere.iterdir()) == []
    assert models_home().is_symlink()


def test_removing_or_replacing_a_link_in_the_store_leaves_what_it_leads_to(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data").write_text("precious")
    root = write_bundle(tmp_path)
    for act in (
        lambda: remove_model("two_organs"),
        lambda: install_folder(root, verify=lambda _: None, overwrite=True),
    ):
        models_home().mkdir(parents=True, exist_ok=True)
        (models_home() / "two_organs").symlink_to(precious, target_is_directory=True)
        act()
        assert (precious / "data").read_text() == "precious"
        assert not (models_home() / "two_organs").is_symlink()


@pytest.mark.parametrize("change", ["content", "new file", "cache", "removed", "renamed"])
def test_trust_ends_when_anything_in_the_model_changes(change: str, tmp_path: Path) -> None:
    root = write_bundle(tmp_path)
    script = root / "scripts" / "net.py"
    script.parent.mkdir()
    script.write_text("a = 1")
    with pytest.raises(NotTrustedError, match="run its own network"):
        trust.require_trust(root, "run its own network")
    trust.trust_model(root)
    trust.require_trust(root, "run its own network")
    stamp = script.stat()
    if change == "content":
        script.write_text("a = 2")
        os.utime(script, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    elif change == "new file":
        (root / "scripts" / "more.py").write_text("")
    elif change == "cache":
        (root / "scripts" / "__pycache__").mkdir()
        (root / "scripts" / "__pycache__" / "net.cpython-311.pyc").write_bytes(b"code")
    elif change == "removed":
        script.unlink()
    else:
        script.rename(root / "scripts" / "met.py")
    with pytest.raises(NotTrustedError):
        trust.require_trust(root, "run its own network")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"trusted": []}', '{"trusted": {"x": 1}}', "[" * 100_000, "\x00"])
def test_a_damaged_record_of_trust_trusts_nobody_and_can_be_written_again(content: str, tmp_path: Path) -> None:
    root = write_bundle(tmp_path)
    record = tmp_path / "home" / "trust.json"
    record.parent.mkdir()
    record.write_text(content)
    assert not trust.is_trusted(root)
    trust.trust_model(root)
    assert trust.is_trusted(root)
    trust.withdraw_trust(root)
    assert not trust.is_trusted(root)
