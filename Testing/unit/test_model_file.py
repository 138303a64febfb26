"""A network's file by itself: installed with its description inside, else told what is missing and how to make it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from bundles import write_bundle
from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.errors import ModelError, NameTakenError, UsageError
from MedAISegLib.formats import read_model

torch = pytest.importorskip("torch")
nets = pytest.importorskip("monai.networks.nets")

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("tried_here")]

NETWORK: dict[str, Any] = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2]}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


def network() -> Any:
    torch.manual_seed(3)
    return nets.UNet(**NETWORK).eval()


def exported(tmp_path: Path, name: str) -> Path:
    """What MONAI's ``ckpt_export`` writes."""
    root = write_bundle(tmp_path, lambda _, config: config.update(network_def={"_target_": "UNet", **NETWORK}))
    inside = {f"{part}.json": (root / "configs" / f"{part}.json").read_bytes() for part in ("metadata", "inference")}
    torch.jit.save(torch.jit.script(network()), tmp_path / name, inside)
    return tmp_path / name


def bare(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.jit.trace(torch.nn.Conv3d(1, 3, 3, padding=1).eval(), torch.rand(1, 1, 16, 16, 16)).save(str(path))
    return path


def checkpoint(path: Path) -> Path:
    """One of Auto3DSeg's with labels beside it; gives its folder."""
    from test_auto3dseg import write_model

    return write_model(path)


@pytest.mark.parametrize(("name", "model_id"), [("abdomen.ts", "abdomen"), ("model.ts", "two_organs")])
def test_a_file_with_its_description_inside_is_installed(tmp_path: Path, store: Path, name: str, model_id: str) -> None:
    model, _ = install_model(exported(tmp_path, name))
    assert model.id == model_id
    assert model.path == store / model_id
    source = read_model(model.path)
    assert [segment.name for segment in source.spec.segments] == ["liver", "spleen"]
    ((opened,),) = source.build_networks()
    values = torch.rand(1, 1, 16, 16, 8)
    with torch.inference_mode():
        torch.testing.assert_close(opened(values), network()(values))


def test_it_has_another_name_where_one_is_given_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    path = exported(tmp_path, "model.ts")
    model, _ = install_model(path, InstallOptions("mine"))
    assert model.id == "mine"
    with pytest.raises(NameTakenError):
        install_model(path, InstallOptions("mine"))
    install_model(path, InstallOptions("mine", overwrite=True))


@pytest.mark.parametrize("as_folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("name", ["model.ts", "model.pt"])
def test_a_network_alone_is_told_what_is_missing_and_what_makes_it(
    tmp_path: Path, store: Path, name: str, as_folder: bool
) -> None:
    path = bare(tmp_path / "liver" / name)
    with pytest.raises(ModelError, match=rf"{name} is a network alone: nothing says .* \(medaiseg\.json\)") as raised:
        install_model(path.parent if as_folder else path)
    assert "medaiseg models init FOLDER" in raised.value.remedy
    assert raised.value.where == str(path.parent if as_folder else path)
    assert not store.exists() or list(store.iterdir()) == []


def test_the_remedy_works_as_it_is_said(tmp_path: Path) -> None:
    from click.testing import CliRunner
    from MedAISegLib.cli.main import main

    path = bare(tmp_path / "downloads" / "liver.ts")
    folder = tmp_path / "liver"
    folder.mkdir()
    shutil.copy(path, folder)
    answers = {"channels": "image CT", "intensity": "range 0 100", "labels": "background, liver, tumour"}
    options = [part for key, value in answers.items() for part in (f"--{key}", value)]
    described = CliRunner().invoke(main, ["models", "init", str(folder), *options], input="\n" * 6)
    assert described.exit_code == 0, described.output
    model, _ = install_model(folder)
    assert [segment.name for segment in read_model(model.path).spec.segments] == ["liver", "tumour"]


def test_weights_alone_are_told_that_their_network_is_missing(tmp_path: Path) -> None:
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(ModelError, match="holds weights alone") as raised:
        install_model(tmp_path / "weights.pt")
    assert "whole folder" in raised.value.remedy


@pytest.mark.parametrize("within", ["model.pt", ""], ids=["file", "folder"])
def test_of_a_checkpoint_in_torchs_old_form_it_is_not_said_that_it_holds_weights_alone(
    tmp_path: Path, within: str
) -> None:
    file = checkpoint(tmp_path / "adrenals" / "model.pt") / "model.pt"
    (file.parent / "labels.csv").unlink()
    content = torch.load(file, weights_only=False)
    torch.save(content, file, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match=r"model\.pt: .* torch before 1\.6.*save it anew"):
        install_model(file.parent / within)
    torch.save(content, file)
    install_model(file.parent / within)


@pytest.mark.parametrize(
    ("name", "options", "model_id"),
    [
        ("model.pt", InstallOptions(), "adrenals"),
        ("model/model.pt", InstallOptions(), "adrenals"),
        ("fold3.pt", InstallOptions(), "fold3"),
        ("fold3.pth", InstallOptions("mine"), "mine"),
    ],
)
def test_a_checkpoint_of_auto3dseg_is_installed_with_the_labels_beside_it(
    tmp_path: Path, store: Path, name: str, options: InstallOptions, model_id: str
) -> None:
    folder = checkpoint(tmp_path / "adrenals" / name)
    (folder / "patients.txt").write_text("not the model's")
    path = tmp_path / "adrenals" / name
    before = read_model(path)
    model, _ = install_model(path, options)
    assert (model.id, model.path) == (model_id, store / model_id)
    assert {"model.pt", "labels.csv"} <= {file.name for file in model.path.iterdir()}
    assert not (model.path / "patients.txt").exists()
    installed = read_model(model.path)
    assert installed.spec.segments == before.spec.segments
    ((first,),), ((second,),) = before.build_networks(), installed.build_networks()
    values = torch.rand(1, 1, 32, 32, 16)
    with torch.inference_mode():
        torch.testing.assert_close(first(values), second(values))


def test_its_description_beside_it_comes_along_and_names_it(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "downloads" / "model.pt")
    (folder / "medaiseg.json").write_text(json.dumps({"name": "Both adrenals", "license": "MIT"}))
    model, _ = install_model(folder / "model.pt")
    spec = read_model(model.path).spec
    assert (model.id, spec.name, spec.license) == ("both_adrenals", "Both adrenals", "MIT")


def test_links_beside_a_checkpoint_are_not_followed_into_the_store(tmp_path: Path, store: Path) -> None:
    folder = checkpoint(tmp_path / "adrenals" / "model.pt")
    (folder / "labels.csv").rename(tmp_path / "elsewhere.csv")
    (folder / "labels.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(ModelError, match="it is a link"):
        install_model(folder / "model.pt")
    assert not store.exists() or list(store.iterdir()) == []


def test_a_file_of_another_kind_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a model?")
    with pytest.raises(UsageError, match="neither a folder nor an archive") as raised:
        install_model(tmp_path / "notes.txt")
    assert "whole folder" in raised.value.remedy


def test_of_a_folder_too_high_the_one_that_is_meant_is_named(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "downloads")
    (root.parent / "notes").mkdir()
    with pytest.raises(ModelError, match="no model of a known format") as raised:
        install_model(root.parent, InstallOptions("mine"))
    assert raised.value.remedy == f"The folder to be named is one in it: {root.name}."


def test_of_a_folder_too_low_the_one_above_is_told_of(tmp_path: Path) -> None:
    root = write_bundle(tmp_path)
    with pytest.raises(ModelError, match="its weights are missing") as raised:
        install_model(root / "configs")
    assert "name the folder above it" in raised.value.remedy
    with pytest.raises(ModelError, match="its weights are missing") as raised:
        install_model(root, InstallOptions("whole"))
    assert "above" not in raised.value.remedy
