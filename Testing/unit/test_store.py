"""The model store: found by id or path, installed whole or not at all, never by way of a link."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from MedAISegLib.core.errors import ModelError, ResourceError, UsageError
from MedAISegLib.models import installing, room, store
from MedAISegLib.models.installing import install_folder, remove_model
from MedAISegLib.models.store import find_model, installed_model, installed_models, models_home, size_bytes

from Testing.unit.store_of_one import store_of_one


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return store_of_one(tmp_path, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "downloads" / "lungs"
    (source / "configs").mkdir(parents=True)
    (source / "configs" / "metadata.json").write_text("{}")
    return source


def accept(_: Path) -> None:
    """Nothing speaks against the model."""


def refuse(_: Path) -> None:
    raise ModelError("it is damaged.")


def test_what_speaks_against_a_copy_is_said_of_the_users_folder(folder: Path) -> None:
    def weights_missing(copy: Path) -> None:
        raise ModelError("its weights are missing.", where=str(copy / "models"), remedy="Download it again.")

    with pytest.raises(ModelError) as caught:
        install_folder(folder, verify=weights_missing)
    assert str(caught.value) == f"{folder.resolve() / 'models'}: its weights are missing. Download it again."


def test_an_installed_model_is_found_by_its_id(folder: Path, home: Path) -> None:
    model = install_folder(folder, verify=accept)
    assert model.id == "lungs"
    assert find_model("lungs") == home / "models" / "lungs"
    assert (find_model("lungs") / "configs" / "metadata.json").read_text() == "{}"
    assert [m.id for m in installed_models()] == ["default", "lungs"]


def test_a_model_is_found_by_its_path(folder: Path) -> None:
    assert find_model(str(folder)) == folder


def test_an_unknown_model_lists_those_there_are() -> None:
    with pytest.raises(ModelError, match="Installed are: default"):
        find_model("kidneys")


def test_the_copy_is_verified_under_its_own_name(folder: Path) -> None:
    seen: list[str] = []
    install_folder(folder, verify=lambda copy: seen.append(copy.name))
    assert seen == ["lungs"]


def test_a_refused_model_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(ModelError, match="damaged"):
        install_folder(folder, verify=refuse)
    assert list(models_home().iterdir()) == []


def test_a_refused_update_keeps_the_installed_model(folder: Path) -> None:
    install_folder(folder, verify=accept)
    (folder / "configs" / "metadata.json").write_text("changed")
    with pytest.raises(ModelError, match="damaged"):
        install_folder(folder, overwrite=True, verify=refuse)
    assert (find_model("lungs") / "configs" / "metadata.json").read_text() == "{}"


def test_a_second_copy_needs_overwrite(folder: Path) -> None:
    install_folder(folder, verify=accept)
    with pytest.raises(UsageError, match="is installed"):
        install_folder(folder, verify=accept)
    (folder / "configs" / "metadata.json").write_text("changed")
    install_folder(folder, overwrite=True, verify=accept)
    assert (find_model("lungs") / "configs" / "metadata.json").read_text() == "changed"
    assert [path.name for path in models_home().iterdir()] == ["lungs"]


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not yours")
    (folder / "weights.pt").symlink_to(secret)
    with pytest.raises(ModelError, match="link"):
        install_folder(folder, verify=accept)
    assert not models_home().exists()


def test_room_is_looked_for_before_anything_is_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda _: 0)
    with pytest.raises(ResourceError, match="no room"):
        install_folder(folder, verify=accept)
    assert not models_home().exists()


def test_a_link_within_the_folder_becomes_a_file(folder: Path) -> None:
    (folder / "copy.json").symlink_to(folder / "configs" / "metadata.json")
    install_folder(folder, verify=accept)
    copied = find_model("lungs") / "copy.json"
    assert copied.read_text() == "{}"
    assert not copied.is_symlink()


def test_what_comes_from_a_folder_that_is_only_read_can_be_moved_and_deleted(folder: Path) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "weights").write_bytes(b"x")
    protected = [folder / "models" / "weights", folder / "models", folder / "configs", folder]
    for path in protected:
        path.chmod(0o444 if path.is_file() else 0o555)
    try:
        model = install_folder(folder, verify=accept)
    finally:
        for path in reversed(protected):
            path.chmod(0o755)
    assert (model.path / "models" / "weights").read_bytes() == b"x"
    assert all(path.stat().st_mode & 0o200 for path in (model.path, *model.path.rglob("*")))
    install_folder(folder, overwrite=True, verify=accept)
    remove_model("lungs")
    assert not model.path.exists()


def test_a_too_large_folder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "_LARGEST_BYTES", 1)
    with pytest.raises(ModelError, match="too large"):
        install_folder(folder, verify=accept)


def test_a_quota_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "weights").write_bytes(bytes(600_000))
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "0.001")
    install_folder(folder, verify=accept)
    install_folder(folder, verify=accept, overwrite=True)
    with pytest.raises(ResourceError, match=r"0\.001 GB.*--unused"):
        install_folder(folder, verify=accept, model_id="second")
    assert [m.id for m in installed_models()] == ["default", "lungs"]
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "much")
    with pytest.raises(UsageError, match="no number"):
        install_folder(folder, verify=accept, model_id="second")


def test_own_models_go_before_shared_ones(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    for name in ("lungs", "default", "spine"):
        (shared / name).mkdir(parents=True)
    monkeypatch.setenv("MEDAISEG_MODELS_PATH", f"{shared}{os.pathsep}{tmp_path / 'away'}")
    assert find_model("lungs") == shared / "lungs"
    install_folder(folder, verify=accept)
    assert find_model("lungs") == models_home() / "lungs"
    assert [(m.id, m.embedded, m.shared) for m in installed_models()] == [
        ("default", True, False), ("lungs", False, False), ("spine", False, True),
    ]  # fmt: skip
    with pytest.raises(ModelError, match="shared folder"):
        remove_model("spine")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["ev\x1b[31mil", "ev\x07il", "ev\u202eil", "ev\nil"])
def test_folders_whose_names_are_orders_to_a_terminal_are_no_models(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared" / name).mkdir(parents=True)
    monkeypatch.setenv("MEDAISEG_MODELS_PATH", str(tmp_path / "shared"))
    assert [model.id for model in installed_models()] == ["default"]


def test_an_embedded_model_cannot_be_replaced_or_removed(tmp_path: Path) -> None:
    rival = tmp_path / "downloads" / "default"
    rival.mkdir(parents=True)
    with pytest.raises(UsageError, match="is installed"):
        install_folder(rival, overwrite=True, verify=accept)
    with pytest.raises(ModelError, match="comes with the program"):
        remove_model("default")


def test_a_removed_model_is_gone(folder: Path) -> None:
    install_folder(folder, verify=accept)
    remove_model("lungs")
    assert [m.id for m in installed_models()] == ["default"]
    assert list(models_home().iterdir()) == []


@pytest.mark.parametrize(
    ("name", "told"), [("nothing", "Installed are: default, lungs."), ("lungs/2d", "It is a part of lungs")]
)
def test_who_names_no_whole_model_is_told_which_there_are(name: str, told: str, folder: Path) -> None:
    install_folder(folder, verify=accept)
    for act in (installed_model, remove_model):
        with pytest.raises(ModelError) as raised:
            act(name)
        assert told in raised.value.remedy


@pytest.mark.parametrize("name", ["..", "../lungs", "nothing"])
def test_only_a_model_of_the_store_is_removed(name: str, home: Path, folder: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        remove_model(name)
    assert folder.exists()


def test_the_store_cannot_be_installed_into_itself(folder: Path, home: Path) -> None:
    install_folder(folder, verify=accept)
    with pytest.raises(UsageError, match="store itself"):
        install_folder(home / "models" / "lungs", verify=accept)


@pytest.mark.parametrize("name", ["Lungs", "DEFAULT"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_name_that_some_systems_take_for_another_ones_is_refused(folder: Path, name: str, overwrite: bool) -> None:
    model = install_folder(folder, verify=accept)
    with pytest.raises(UsageError, match=rf"{name}: .* cannot tell from it: {name.lower()}\."):
        install_folder(folder, verify=accept, model_id=name, overwrite=overwrite)
    assert list(models_home().iterdir()) == [model.path]


def test_what_is_no_model_is_not_replaced(folder: Path) -> None:
    models_home().mkdir(parents=True)
    (models_home() / "lungs").write_text("a note")
    for overwrite in (True, False):
        with pytest.raises(UsageError, match="no model"):
            install_folder(folder, verify=accept, overwrite=overwrite)
    assert (models_home() / "lungs").read_text() == "a note"


def test_an_unwritable_store_is_said_to_be_so(folder: Path, home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(ResourceError, match="MEDAISEG_HOME"):
        install_folder(folder, verify=accept)


@pytest.mark.parametrize("part", ["", "models"])
def test_links_in_a_circle_are_told_of_the_stores_folder(part: str, folder: Path, home: Path) -> None:
    circle = home / part
    circle.parent.mkdir(exist_ok=True)
    try:
        circle.symlink_to(circle)
    except OSError:
        pytest.skip("links cannot be made here")
    with pytest.raises(ResourceError, match=r"cannot be reached.*MEDAISEG_HOME") as caught:
        install_folder(folder, verify=accept)
    assert caught.value.where == str(models_home())


def test_the_size_of_what_is_being_taken_away_is_that_of_what_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    for name in ("a/weights", "b/weights"):
        (folder / name).write_bytes(b"123")
    is_file = Path.is_file

    def after_others(path: Path) -> bool:
        shutil.rmtree(folder / "b", ignore_errors=True)
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", after_others)
    assert size_bytes(folder) == 3 + len("{}")


def test_without_a_setting_the_system_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDAISEG_HOME")
    assert models_home().name == "models"
    assert "MedAISeg" in str(models_home())


def test_a_replacement_that_cannot_be_finished_is_undone(folder: Path) -> None:
    def full() -> None:
        raise ResourceError("the disk is full.")

    install_folder(folder, verify=accept)
    (folder / "configs" / "metadata.json").write_text("changed")
    with pytest.raises(ResourceError, match="full"):
        install_folder(folder, verify=lambda _: full, overwrite=True)
    assert (models_home() / "lungs" / "configs" / "metadata.json").read_text() == "{}"
    with pytest.raises(ResourceError, match="full"):
        install_folder(folder, verify=lambda _: full, model_id="another")
    assert [path.name for path in models_home().iterdir()] == ["lungs"]


def test_what_cannot_be_read_is_named_and_nothing_is_left_out(folder: Path) -> None:
    for part in (folder / "configs" / "metadata.json", folder / "configs"):
        part.chmod(0)
        try:
            if os.access(part, os.R_OK):
                pytest.skip("this user may read anything")
            with pytest.raises(ModelError, match=f"{part}: it cannot be read: Permission denied"):
                install_folder(folder, verify=accept)
        finally:
            part.chmod(0o755)


def test_a_model_whose_replacement_was_killed_in_the_middle_is_put_back(folder: Path, home: Path) -> None:
    install_folder(folder, verify=accept)
    (folder / "configs" / "metadata.json").write_text("changed")
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom MedAISegLib.models import installing\n"
        "def swap_half(new, target, old):\n    target.replace(old)\n    os._exit(9)\n"
        "installing._swap_in = swap_half\n"
        "installing.install_folder(Path(sys.argv[1]), overwrite=True, verify=lambda _: None)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(store.__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", code, str(folder)], env=environment, check=False)
    assert killed.returncode == 9
    assert not (models_home() / "lungs").exists()
    assert "lungs" in [model.id for model in installed_models()]
    assert (home / "models" / "lungs" / "configs" / "metadata.json").read_text() == "{}"
    assert [path.name for path in models_home().iterdir()] == ["lungs"]
