"""Models whose files are damaged or contradict themselves: each is refused with the reason, and none runs forever."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import write_bundle
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model
from MedAISegLib.formats.checkpoint_facts import checkpoint_facts
from MedAISegLib.models.store import models_home

torch = pytest.importorskip("torch")
checkpoint = pytest.importorskip("MedAISegLib.formats.checkpoint")

pytestmark = pytest.mark.engine

HUGE = 10**400
"""Larger than any number with a decimal point."""

Config = dict[str, Any]


def holding_itself() -> Config:
    content: Config = {}
    content["again"] = content
    return content


def shared(levels: int = 40) -> list[Any]:
    """A list of which two to the power of so many would be written out."""
    content: list[Any] = [1]
    for _ in range(levels):
        content = [content, content]
    return content


def write_auto3dseg(folder: Path, labels: str = "LabelValue,Name\n0,background\n1,liver\n", **changes: Any) -> Path:
    network = {"_target_": "SegResNetDS", "init_filters": 8}
    config = {"network": network, "input_channels": 1, "output_classes": 2, "modality": "ct", **changes}
    folder.mkdir(parents=True)
    torch.save({"state_dict": {"w": torch.zeros(2)}, "config": config}, folder / "model.pt")
    (folder / "labels.csv").write_text(labels, encoding="utf-8")
    return folder


def write_nnunet(folder: Path, file: str = "plans.json", change: Callable[[Config], Any] | None = None) -> Path:
    pytest.importorskip("dynamic_network_architectures")
    from Testing.nnunets import write_model

    path = write_model(folder) / file
    content = json.loads(path.read_text(encoding="utf-8"))
    if change:
        change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_described(folder: Path, file: str = "model.ts", **changes: Any) -> Path:
    from Testing.described_models import description, small_network, write_description, write_torchscript

    write_torchscript(small_network(), folder / "model.ts")
    return write_description(folder, description(file, **changes))


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_model(path)
    return str(caught.value)


@pytest.mark.parametrize("write", [write_auto3dseg, write_nnunet, write_described])
def test_the_models_of_this_suite_are_read_as_long_as_they_are_whole(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    assert read_model(write(tmp_path / "m")).spec.segments[0].name == "liver"


@pytest.mark.parametrize("row", ["1", "", '"', "1,liver,more,and more", "9" * 5000 + ",liver"])
def test_a_table_of_labels_with_uneven_rows(row: str, tmp_path: Path) -> None:
    folder = write_auto3dseg(tmp_path / "m", f"LabelValue,Name\n0,background\n{row}\n")
    if row.startswith("1,liver"):
        assert [s.name for s in read_model(folder).spec.segments] == ["liver"]
    else:
        assert "labels" in refused(folder)


@pytest.mark.parametrize("entry", ["network", "class_names", "extra_modalities", "modality", "roi_size"])
@pytest.mark.parametrize("value", [holding_itself(), {"again": shared()}, shared(), slice(shared())], ids=type)
def test_a_configuration_of_auto3dseg_that_never_ends(entry: str, value: Any, tmp_path: Path) -> None:
    assert "m" in refused(write_auto3dseg(tmp_path / "m", **{entry: value}))


@pytest.mark.parametrize("key", ["state_dict", "model", "network_weights"])
def test_weights_that_hold_themselves(key: str, tmp_path: Path) -> None:
    content: Config = {"epoch": 3}
    content[key] = content
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(ModelError, match="holds no weights"):
        checkpoint.load_state(tmp_path / "model.pt")


def test_weights_in_the_wrappings_of_several_programs(tmp_path: Path) -> None:
    weights = {"_orig_mod.module.module.conv": torch.ones(2)}
    torch.save({"epoch": 1, "model": {"epoch": 1, "state_dict": {"n": 1, "net": weights}}}, tmp_path / "model.pt")
    assert list(checkpoint.load_state(tmp_path / "model.pt")) == ["conv"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"class_names": ["liver\ud800"]}, "control characters"),
        ({"class_names": [{"name": "liver"}]}, "no names"),
        ({"resample": True, "resample_resolution": [1e-7] * 3}, "spacing"),
        ({"resample": True, "resample_resolution": [float("nan")] * 3}, "out of range"),
        ({"modality": "ct", "intensity_bounds": [float("nan"), 1.0]}, "out of range"),
    ],
)
def test_a_configuration_of_auto3dseg_beyond_all_bounds(changes: Config, why: str, tmp_path: Path) -> None:
    folder = write_auto3dseg(tmp_path / "m", **changes)
    if "class_names" in changes:
        (folder / "labels.csv").unlink()
    assert why in refused(folder)


@pytest.mark.parametrize("spacing", [float("nan"), 1e-9])
def test_a_spacing_of_nnunet_that_no_image_has(spacing: float, tmp_path: Path) -> None:
    def change(plans: Config) -> None:
        plans["configurations"]["3d_fullres"]["spacing"] = [spacing] * 3

    refused(write_nnunet(tmp_path / "m", "plans.json", change))


def test_statistics_of_nnunet_that_are_not_numbers(tmp_path: Path) -> None:
    def change(plans: Config) -> None:
        (of_channel,) = plans["foreground_intensity_properties_per_channel"].values()
        of_channel.update(dict.fromkeys(of_channel, float("nan")))

    assert "out of range" in refused(write_nnunet(tmp_path / "m", "plans.json", change))


@pytest.mark.parametrize("name", ["tumour\ud800", "tumour\x1b[2J", ""])
@pytest.mark.parametrize("said_in", ["dataset.json", "medaiseg.json"])
def test_a_name_of_nnunet_that_cannot_be_shown(name: str, said_in: str, tmp_path: Path) -> None:
    folder = write_nnunet(tmp_path / "m")
    if said_in == "medaiseg.json":
        (folder / said_in).write_text(json.dumps({"name": f"m{name}" if name else "\udfff"}), encoding="utf-8")
    else:
        content = json.loads((folder / said_in).read_text(encoding="utf-8"))
        labels = {"background": 0} | {name if n == 1 else f"n{n}": n for n in range(1, len(content["labels"]))}
        (folder / said_in).write_text(json.dumps(content | {"labels": labels}), encoding="utf-8")
    assert "name" in refused(folder)


@pytest.mark.parametrize(
    "labels",
    [
        {"background": 0, "tumour": []},
        {"background": 0, "tumour": float("inf")},
        {"background": 0, "tumour": HUGE},
        {"background": [], "tumour": 1},
        {"background": 0, "tumour": {}},
        [],
        [1],
        "text",
        HUGE,
    ],
    ids=lambda labels: str(labels)[:40],
)
def test_labels_of_nnunet_that_are_none(labels: Any, tmp_path: Path) -> None:
    refused(write_nnunet(tmp_path / "m", "dataset.json", lambda dataset: dataset.update(labels=labels)))


@pytest.mark.parametrize(
    "changes",
    [
        {"resampling_fn_data": []},
        {"resampling_fn_seg": {}},
        {"resampling_fn_data_kwargs": []},
        {"resampling_fn_seg_kwargs": [1]},
        {"resampling_fn_probabilities_kwargs": "text"},
        {"spacing": [HUGE, 1, 1]},
        {"spacing": [HUGE]},
        {"patch_size": [HUGE, 16, 16]},
        {"inherits_from": []},
        {"preprocessor_name": {}},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_configuration_of_nnunet_of_another_make(changes: Config, tmp_path: Path) -> None:
    def change(plans: Config) -> None:
        plans["configurations"]["3d_fullres"].update(changes)

    refused(write_nnunet(tmp_path / "m", change=change))


def test_a_trainer_of_nnunet_whose_name_never_ends(tmp_path: Path) -> None:
    pytest.importorskip("dynamic_network_architectures")
    from Testing.nnunets import write_model

    changes = {"trainer_name": shared(), "inference_allowed_mirroring_axes": ()}
    assert read_model(write_model(tmp_path / "m", checkpoint=changes)).spec.segments[0].name == "liver"


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 0), (7,), (-1,), tuple(range(60)), (None,)])
def test_axes_to_mirror_along_that_a_window_does_not_have(axes: Any, tmp_path: Path) -> None:
    pytest.importorskip("dynamic_network_architectures")
    from Testing.nnunets import write_model

    refused(write_model(tmp_path / "m", checkpoint={"inference_allowed_mirroring_axes": axes}))


@pytest.mark.parametrize("intensities", [{"0": "text"}, {"0": []}, {"0": None}, {"x": {}}, {"0": {"mean": HUGE}}])
def test_intensities_of_nnunet_that_are_no_numbers(intensities: Config, tmp_path: Path) -> None:
    def change(plans: Config) -> None:
        plans["foreground_intensity_properties_per_channel"] = intensities

    refused(write_nnunet(tmp_path / "m", change=change))


@pytest.mark.parametrize(
    "changes",
    [
        {"inferer": {"roi_size": [HUGE, 32, 32]}},
        {"inferer": {"roi_size": HUGE}},
        {"inferer": {"overlap": HUGE}},
        {"network_def": {"channels": [HUGE, 8], "strides": [2]}},
        {"network_def": {"channels": [4, 8], "strides": [HUGE]}},
        {"network_def": {"_target_": "SegResNet", "init_filters": HUGE}},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_bundle_with_numbers_beyond_all_bounds(changes: Config, tmp_path: Path) -> None:
    def change(_: Config, config: Config) -> None:
        for name, entries in changes.items():
            config[name].update(entries)

    try:
        # What a network is made of is bounded where it is built.
        read_model(write_bundle(tmp_path, change))
    except ModelError:
        return
    assert "network_def" in changes


@pytest.mark.parametrize("file", ["\0", "\0.ts", "m" * 5000 + ".ts", "\ud800.ts", "", "model.ts/model.ts"])
def test_a_file_of_a_network_that_no_disk_can_hold(file: str, tmp_path: Path) -> None:
    refused(write_described(tmp_path / "m", file))


def test_a_checkpoint_in_the_form_of_torch_before_1_6_is_not_called_damaged(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint_final.pth"
    torch.save({"trainer_name": "T"}, file, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match=r"torch before 1\.6.*save it anew"):
        checkpoint_facts(file)
    torch.save(torch.load(file, weights_only=True), file)
    assert checkpoint_facts(file) == {"trainer_name": "T"}


def test_one_damaged_model_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from MedAISegLib.app.model_requests import _card
    from MedAISegLib.models.store import installed_models

    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    assert models_home().is_relative_to(tmp_path)
    write_auto3dseg(models_home() / "whole")
    write_auto3dseg(models_home() / "damaged", network=holding_itself())
    cards = {model.id: _card(model)[0] for model in installed_models() if not model.embedded}
    assert cards["whole"].problem == ""
    assert "damaged" in cards["damaged"].problem
