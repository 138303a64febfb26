"""Trust in a model that is here more than once: whoever withdraws it means its code, under whatever name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from coded_bundles import SCRIPT, scan, write_coded
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.model_removal import remove_installed
from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.app.segment import load_model, open_model, run
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats import read_model
from MedAISegLib.models import trust

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_coded(tmp_path)


def installed(source: Path, name: str, *, trusted: bool = False) -> Path:
    model, _ = install_model(source, InstallOptions(model_id=name, trust=trusted))
    return model.path


def runs(path: Path) -> bool:
    try:
        return read_model(path).spec.own_code
    except NotTrustedError:
        return False


@pytest.mark.parametrize("withdrawn", ["a", "b"])
def test_trust_that_was_given_twice_is_withdrawn_at_once(withdrawn: str, source: Path) -> None:
    models = {name: installed(source, name, trusted=True) for name in ("a", "b")}
    assert all(trust.was_trusted(path) for path in models.values())
    assert trust.withdraw_trust(models[withdrawn])
    assert not any(runs(path) or trust.was_trusted(path) for path in (*models.values(), source))
    assert not trust.withdraw_trust(models[withdrawn])


@pytest.mark.parametrize("removed", ["a", "b"])
def test_trust_goes_with_whichever_copy_is_removed(removed: str, source: Path) -> None:
    models = {name: installed(source, name, trusted=True) for name in ("a", "b")}
    remove_installed(removed)
    assert not any(runs(path) for path in models.values() if path.exists())
    with pytest.raises(NotTrustedError):
        installed(source, removed)


def test_what_was_trusted_by_its_path_is_withdrawn_where_it_is_installed(source: Path) -> None:
    trust.trust_model(source)
    model = installed(source, "mine")
    assert runs(model)
    assert not trust.was_trusted(model)
    assert trust.withdraw_trust(model)
    assert not runs(model)
    assert not runs(source)


def test_removing_a_copy_withdraws_what_was_trusted_by_its_path(source: Path) -> None:
    trust.trust_model(source)
    installed(source, "mine")
    remove_installed("mine")
    assert not runs(source)


def test_what_a_model_was_when_it_was_trusted_is_withdrawn_by_its_name(source: Path) -> None:
    models = [installed(source, name, trusted=True) for name in ("a", "b")]
    script = models[0] / "scripts" / "own.py"
    script.write_text(SCRIPT + "\nchanged = True\n")
    assert [runs(path) for path in models] == [False, True]
    assert trust.withdraw_trust(models[0])
    script.write_text(SCRIPT)
    assert not any(runs(path) for path in models)


def test_other_models_keep_their_trust(source: Path, tmp_path: Path) -> None:
    other = write_coded(tmp_path / "other", script=SCRIPT + "\nother = True\n")
    kept, removed = installed(other, "kept", trusted=True), installed(source, "removed", trusted=True)
    trust.withdraw_trust(removed)
    remove_installed("removed")
    assert runs(kept)


def test_a_model_that_cannot_be_read_loses_its_trust_and_can_be_removed(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = installed(source, "mine", trusted=True)

    def unreadable(path: Path) -> str:
        raise ModelError("it cannot be read: no permission.", where=str(path))

    with monkeypatch.context() as patch:
        patch.setattr(trust, "content_sha256", unreadable)
        with pytest.raises(ModelError, match="cannot be read"):
            trust.withdraw_trust(model)
        assert not trust.was_trusted(model)
        trust.trust_content("0" * 64, "mine")
        remove_installed("mine")
    assert not trust.was_trusted(model)
    assert not model.exists()


def test_no_file_is_read_for_trust_where_none_was_given(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> str:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(trust, "content_sha256", read)
    assert not trust.is_trusted(source)
    assert not trust.withdraw_trust(source)


@pytest.mark.parametrize("change", ["script", "withdrawn"])
def test_a_model_that_is_in_memory_runs_only_while_it_is_trusted(change: str, source: Path) -> None:
    trust.trust_model(source)
    model = load_model(open_model(str(source)))
    run(SegmentationJob(str(source), device="cpu"), (scan(),), model=model)
    if change == "script":
        (source / "scripts" / "late.py").write_text("changed = True")
    else:
        copy = source.with_name("copy")
        shutil.copytree(source, copy)
        trust.withdraw_trust(copy)
    with pytest.raises(NotTrustedError):
        run(SegmentationJob(str(source), device="cpu"), (scan(),), model=model)
