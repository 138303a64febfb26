"""With a model go the networks that were converted from its weights, as far as no other model has those."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from MedAISegLib.app import model_call, model_removal
from MedAISegLib.app.model_removal import remove_installed
from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.disk import written_whole
from MedAISegLib.core.errors import ModelError, ResourceError
from MedAISegLib.formats import read_model
from MedAISegLib.models import installing, kept_records, locking
from MedAISegLib.models.converted_networks import converted_network, converting, keep_reason
from MedAISegLib.models.store import embedded_models_folder, models_home
from MedAISegLib.models.trust import trust_model, was_trusted


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))


def installed(model_id: str, *, weights: bytes = b"") -> str:
    """A model like the one that comes with the program, perhaps of other weights; gives its hash."""
    folder = models_home() / model_id
    shutil.copytree(embedded_models_folder() / "hippocampus", folder, copy_function=shutil.copyfile)
    for network in (folder / "models").iterdir():
        network.write_bytes(network.read_bytes() + weights)
    return read_model(folder).spec.sha256


def kept(sha256: str) -> bool:
    return converted_network(sha256, "key") is not None


def convert(sha256: str) -> None:
    with converting(sha256, "key") as (_, made):
        made.write_bytes(b"converted")
    keep_reason(sha256, "other", "it takes other windows")


def test_converted_networks_go_with_their_model(tmp_path: Path) -> None:
    removed, stays = installed("mine", weights=b"1"), installed("yours", weights=b"22")
    for sha256 in (removed, stays):
        convert(sha256)
    remove_installed("mine")
    assert not kept(removed)
    assert not (tmp_path / "converted" / removed).exists()
    assert kept(stays)


def test_they_stay_where_another_model_has_the_same_weights() -> None:
    sha256 = installed("mine", weights=b"1")
    assert installed("yours", weights=b"1") == sha256
    convert(sha256)
    remove_installed("mine")
    assert kept(sha256)
    remove_installed("yours")
    assert not kept(sha256)


def test_a_model_that_replaces_one_keeps_those_of_its_own_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_call, "check_networks", lambda *_: None)
    same, other = installed("mine", weights=b"1"), installed("other", weights=b"22")
    source = shutil.copytree(models_home() / "mine", tmp_path / "mine", copy_function=shutil.copyfile)
    for sha256 in (same, other):
        convert(sha256)
    install_model(source, InstallOptions(overwrite=True))
    assert kept(same)
    install_model(source, InstallOptions("other", overwrite=True))
    assert (kept(same), kept(other)) == (True, False)


def test_no_model_is_read_where_nothing_was_converted_or_the_weights_are_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = installed("one", weights=b"1"), installed("two", weights=b"22")
    read: list[str] = []

    def reading(path: Path) -> object:
        read.append(path.name)
        return read_model(path)

    monkeypatch.setattr(model_removal, "read_model", reading)
    remove_installed("one")
    assert (read, one != two) == ([], True)
    installed("one", weights=b"1")
    convert(one)
    remove_installed("one")
    assert read == ["one"]


def test_a_model_that_cannot_be_read_is_removed_as_well(tmp_path: Path) -> None:
    convert(installed("mine", weights=b"1"))
    shutil.rmtree(models_home() / "mine" / "configs")
    remove_installed("mine")
    assert list((tmp_path / "models").iterdir()) == []


def test_what_comes_with_the_program_keeps_its_networks() -> None:
    sha256 = read_model(embedded_models_folder() / "hippocampus").spec.sha256
    convert(sha256)
    for name in ("hippocampus", "nothing"):
        with pytest.raises(ModelError):
            remove_installed(name)
    assert kept(sha256)


def test_trust_is_withdrawn_before_the_model_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    installed("mine")
    path, moved, replace = models_home() / "mine", [], Path.replace
    trust_model(path)

    def moving(self: Path, target: Path) -> Path:
        if self == path:
            moved.append(was_trusted(path))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", moving)
    remove_installed("mine")
    assert moved == [False]


def test_a_full_disk_is_no_reason_to_keep_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    installed("mine")
    path = models_home() / "mine"
    trust_model(path)

    def full_until_it_is_gone(target: Path) -> AbstractContextManager[BinaryIO]:
        if list(models_home().rglob("models")):
            raise ResourceError("the disk is full.")
        return written_whole(target)

    monkeypatch.setattr(kept_records, "written_whole", full_until_it_is_gone)
    remove_installed("mine")
    assert not path.exists()
    assert not was_trusted(path)


def test_of_two_that_remove_a_model_the_second_hears_that_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def held_after_another(name: str) -> Iterator[None]:
        monkeypatch.undo()
        monkeypatch.setenv("MEDAISEG_HOME", str(home))
        remove_installed("mine")
        with locking.held(name):
            yield

    home = models_home().parent
    installed("mine")
    monkeypatch.setattr(installing, "held", held_after_another)
    with pytest.raises(ModelError, match=r"mine: there is no such model"):
        remove_installed("mine")
