"""Auto3DSeg checkpoints become models whose preparation, windows and labels are those of the segresnet template."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.terminology import LEFT
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.formats import read_model
from MedAISegLib.formats.auto3dseg import labels as table
from MedAISegLib.models.operations import Clip, CropForeground, OnChannel, Orient, Resample, ScaleRange, Sigmoid, ZScore
from MedAISegLib.models.spec import Activation, Argmax, Blending, Channel, Regions, Threshold
from monai.networks.nets import SegResNetDS

pytestmark = pytest.mark.engine

NETWORK = {
    "_target_": "SegResNetDS",
    "init_filters": 8,
    "blocks_down": [1, 1],
    "norm": "INSTANCE_NVFUSER",
    "in_channels": 1,
    "out_channels": 3,
    "dsdepth": 2,
}
CT = {
    "network": NETWORK,
    "input_channels": 1,
    "output_classes": 3,
    "modality": "ct",
    "normalize_mode": "range",
    "intensity_bounds": [np.float64(-100.0), 250],
    "orientation_ras": True,
    "crop_foreground": True,
    "resample": True,
    "resample_resolution": [1.5, 1.5, 2.0],
    "roi_size": [32, 32, 16],
    "sigmoid": False,
    "class_names": ["acc_0", "acc_1"],
}
CODE_PARTS = ("CodingSchemeDesignator", "CodeValue", "CodeMeaning")
CODES = [
    f"SegmentedProperty{what}CodeSequence.{part}"
    for what in ("Category", "Type", "TypeModifier")
    for part in CODE_PARTS
]
LABELS = f"""LabelValue,Name,{",".join(CODES)}
0,background
1,left adrenal,SCT,123037004,Anatomical Structure,SCT,23451007,Adrenal gland,SCT,7771000,Left
2,something new
"""


def write_model(path: Path, labels: str = LABELS, **changes: object) -> Path:
    """A checkpoint as the template saves it, with labels.csv beside it; the network is drawn at random."""
    config = CT | changes
    arguments = {**config["network"], "norm": "INSTANCE"}
    del arguments["_target_"]
    path.parent.mkdir(parents=True, exist_ok=True)
    state = SegResNetDS(**arguments).state_dict()
    torch.save({"state_dict": state, "config": config, "epoch": 3, "best_metric": np.float64(0.9)}, path)
    if labels:
        (path.parent / "labels.csv").write_text(labels, encoding="utf-8")
    return path.parent


def multi_input(**changes: object) -> dict[str, object]:
    network = {**NETWORK, "in_channels": 3}
    extra = {"image2": "meanstd", "image3": "pet"}
    return {"network": network, "input_channels": 3, "modality": "mri", "normalize_mode": "meanstd"} | {
        "extra_modalities": extra,
        **changes,
    }


def test_a_ct_model_is_prepared_as_the_template_does(tmp_path):
    spec = read_model(write_model(tmp_path / "organs" / "model.pt")).spec
    (stage,) = spec.stages
    assert stage.preprocessing[1:] == (
        Orient("RAS"),
        CropForeground(margin=10, within_image=True),
        Resample((1.5, 1.5, 2.0), tolerance=0.25, single_precision=True),
        ScaleRange(-100.0, 250.0, -1.0, 1.0),
        Sigmoid(),
    )
    assert stage.windows.size == (32, 32, 16)
    assert stage.windows.overlap == (0.625, 0.625, 0.625)
    assert stage.windows.blending is Blending.GAUSSIAN
    assert stage.decision == Argmax()
    assert stage.restore.activation is Activation.SOFTMAX
    assert spec.channels == (Channel("image", "CT", "HU"),)
    assert (spec.id, spec.format) == ("organs", "auto3dseg")


def test_an_image_that_the_template_keeps_in_16_bits_loses_what_is_behind_the_point(tmp_path):
    cut = Clip(-32768.0, 32767.0, whole=True)
    (stage,) = read_model(write_model(tmp_path / "one" / "model.pt", cache_image_int16=True)).spec.stages
    assert stage.preprocessing[-3:] == (cut, ScaleRange(-100.0, 250.0, -1.0, 1.0), Sigmoid())
    inputs = multi_input(cache_image_int16=True)
    (stage,) = read_model(write_model(tmp_path / "three" / "model.pt", **inputs)).spec.stages
    assert [step.channel for step in stage.preprocessing if isinstance(step, OnChannel) and step.operation == cut] == [
        0
    ]


def test_further_images_are_sampled_once_onto_the_grid_that_the_first_is_brought_to(tmp_path):
    """Beyond their edges they are repeated."""
    (stage,) = read_model(write_model(tmp_path / "m" / "model.pt", **multi_input(crop_foreground=False))).spec.stages
    assert stage.channels_apart
    stage = replace(stage, preprocessing=tuple(s for s in stage.preprocessing if not isinstance(s, OnChannel)))
    ramp = np.broadcast_to(np.arange(12.0)[:, None, None], (12, 12, 12))
    coarse = VolumeGeometry((12, 12, 12), np.diag([3.0, 3.0, 3.0, 1.0])[:, [2, 1, 0, 3]])
    fine = VolumeGeometry((45, 20, 20), np.diag([1.0, 1.0, 1.0, 1.0])[:, [2, 1, 0, 3]])
    image = Volume(np.zeros((45, 20, 20)), fine, "MR")
    case = Case({"image": image, "image2": Volume(ramp, coarse, "MR"), "image3": Volume(ramp * 2, coarse, "PT")})
    prepared = prepare(case, stage)
    indices = np.moveaxis(np.indices(prepared.shape), 0, -1)
    z_mm = prepared.geometry.index_to_lps(indices)[..., 2]
    expected = np.clip(z_mm / 3, 0, 11)
    assert np.allclose(prepared.values[1].numpy(), expected, atol=1e-4)
    assert np.allclose(prepared.values[2].numpy(), 2 * expected, atol=1e-4)


def test_a_network_of_anisotropic_scales_is_told_the_spacing_as_the_template_tells_it(tmp_path):
    network = {**NETWORK, "resolution": [1.5, 1.5, 4.0]}
    config = CT | {"network": NETWORK, "resample_resolution": [1.5, 1.5, 4.0], "anisotropic_scales": True}
    arguments = {**network, "norm": "INSTANCE"}
    del arguments["_target_"]
    state = SegResNetDS(**arguments).state_dict()
    (tmp_path / "m").mkdir()
    torch.save({"state_dict": state, "config": config}, tmp_path / "m" / "model.pt")
    ((built,),) = read_model(tmp_path / "m").build_networks()
    assert all(torch.equal(value, state[name]) for name, value in built.state_dict().items())


def test_labels_carry_the_codes_of_the_table(tmp_path):
    first, second = read_model(write_model(tmp_path / "m" / "model.pt")).spec.segments
    assert (first.label_value, first.name) == (1, "left adrenal")
    assert first.terminology.type.value == "23451007"
    assert first.terminology.modifier == LEFT
    assert (second.label_value, second.name) == (2, "something new")


def test_without_a_table_the_configuration_names_the_labels(tmp_path):
    named = write_model(tmp_path / "named" / "model.pt", labels="", class_names=["liver", "tumour"])
    assert [s.name for s in read_model(named).spec.segments] == ["liver", "tumour"]
    unnamed = write_model(tmp_path / "unnamed" / "model.pt", labels="")
    assert [s.name for s in read_model(unnamed).spec.segments] == ["label 1", "label 2"]


def test_overlapping_classes_are_layers_or_painted_as_medaiseg_json_says(tmp_path):
    folder = write_model(tmp_path / "m" / "model.pt", labels="", sigmoid=True)
    stage = read_model(folder).spec.stages[0]
    assert stage.decision == Threshold((1, 2, 3))
    assert stage.restore.activation is Activation.SIGMOID
    (folder / "medaiseg.json").write_text('{"paint": [2, 1, 3], "name": "Glioma"}', encoding="utf-8")
    spec = read_model(folder).spec
    assert spec.stages[0].decision == Regions((2, 1, 3))
    assert spec.name == "Glioma"


def test_further_images_are_normalised_each_in_its_own_way(tmp_path):
    spec = read_model(write_model(tmp_path / "m" / "model.pt", **multi_input())).spec
    steps = [step for step in spec.stages[0].preprocessing if isinstance(step, OnChannel)]
    assert [step.channel for step in steps] == [0, 1, 2, 2]
    assert steps[1].operation == ZScore(nonzero=True, channel_wise=True)
    assert not any(isinstance(step, CropForeground) for step in spec.stages[0].preprocessing)
    assert spec.channels == (Channel("image", "MR"), Channel("image2", "MR"), Channel("image3", "PT"))


def test_folds_in_an_autorunner_folder_are_averaged(tmp_path):
    for fold in range(2):
        place = tmp_path / "work" / f"segresnet_{fold}"
        write_model(place / "model" / "model.pt", labels="", class_names=["liver", "tumour"])
        (place / "configs").mkdir()
        (place / "configs" / "hyper_parameters.yaml").write_text("modality: ct\n", encoding="utf-8")
    source = read_model(tmp_path / "work")
    ((first, second),) = source.build_networks()
    assert not torch.equal(next(first.parameters()), next(second.parameters()))
    assert [notice.code for notice in source.spec.notices] == ["folds"]


def write_fold(folder: Path, weights: str) -> None:
    """What AutoRunner leaves of an algorithm that is not read."""
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "hyper_parameters.yaml").write_text("bundle_root: null\n", encoding="utf-8")
    if weights:
        (folder / weights).parent.mkdir()
        torch.save({"weight": torch.zeros(2)}, folder / weights)


BEST = "model_fold0/best_metric_model.pt"


def test_trained_algorithms_that_are_left_out_are_named(tmp_path):
    write_model(tmp_path / "work" / "segresnet_0" / "model" / "model.pt", labels="")
    write_fold(tmp_path / "work" / "swinunetr_0", BEST)
    write_fold(tmp_path / "work" / "dints_0", BEST)
    write_fold(tmp_path / "work" / "dints_1", "")
    write_model(tmp_path / "work" / "segresnet2d_0" / "model" / "model.pt", roi_size=[64, 64, 1])
    (notice,) = read_model(tmp_path / "work").spec.notices
    assert notice.code == "algorithms-left-out"
    assert "Left out: dints_0, segresnet2d_0, swinunetr_0. The ensemble of AutoRunner would have used" in notice.message


@pytest.mark.parametrize("inside", ["", "dints_0"])
def test_a_folder_of_other_algorithms_only_is_refused_by_name(tmp_path, inside):
    write_fold(tmp_path / "work" / "dints_0", BEST)
    write_fold(tmp_path / "work" / "swinunetr_0", BEST)
    names = "dints is" if inside else "dints, swinunetr are"
    with pytest.raises(ModelError, match=f"{names} not supported; segresnet is"):
        read_model(tmp_path / "work" / inside)


def test_two_different_models_in_one_folder_are_not_taken_for_folds(tmp_path):
    write_model(tmp_path / "both" / "a" / "model.pt")
    write_model(tmp_path / "both" / "b" / "model.pt", resample_resolution=[3.0, 3.0, 3.0])
    with pytest.raises(ModelError, match="2 different models"):
        read_model(tmp_path / "both")


def test_the_network_carries_the_checkpoints_weights(tmp_path):
    folder = write_model(tmp_path / "m" / "model.pt")
    ((network,),) = read_model(folder / "model.pt").build_networks()
    state = torch.load(folder / "model.pt", weights_only=False)["state_dict"]
    assert torch.equal(network.state_dict()["encoder.conv_init.weight"], state["encoder.conv_init.weight"])
    assert not network.training


def test_a_model_is_read_without_torch(tmp_path):
    folder = write_model(tmp_path / "m" / "model.pt")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from MedAISegLib.formats import read_model\n"
        "print(read_model(Path(sys.argv[1])).spec.format, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["auto3dseg", "False"]


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize(
    "changes",
    [
        {"note": Harmful()},
        {"custom_data_transforms": [{"key": "load_transforms", "path": ".", "transform": {"_target_": "os.system"}}]},
    ],
    ids=["pickled code", "own transforms"],
)
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path, monkeypatch, changes):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotTrustedError):
        read_model(write_model(tmp_path / "m" / "model.pt", **changes))
    assert not (tmp_path / "harm").exists()


def test_a_network_that_is_not_monais_is_refused(tmp_path):
    folder = write_model(tmp_path / "m" / "model.pt")
    content = torch.load(folder / "model.pt", weights_only=False)
    content["config"]["network"]["_target_"] = "os.system"
    torch.save(content, folder / "model.pt")
    with pytest.raises(NotTrustedError, match=r"os\.system"):
        read_model(folder).build_networks()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalize_mode": "whitening"}, "whitening"),
        ({"resample_resolution": [1.0, 1.0]}, "resample_resolution"),
        ({"output_classes": 0}, "output_classes"),
        ({"network": {**NETWORK, "wings": 2}}, "wings"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_named(tmp_path, changes, message):
    folder = write_model(tmp_path / "m" / "model.pt")
    content = torch.load(folder / "model.pt", weights_only=False)
    content["config"] |= changes
    torch.save(content, folder / "model.pt")
    with pytest.raises(ModelError, match=message):
        read_model(folder).build_networks()


def test_labels_that_the_network_does_not_have_are_named(tmp_path):
    folder = write_model(tmp_path / "m" / "model.pt", labels="LabelValue,Name\n7,liver\n")
    with pytest.raises(ModelError, match="no label 7"):
        read_model(folder)


@pytest.mark.parametrize(
    ("heading", "row", "count", "message"),
    [
        ("LabelValue,Name", "1,liver", 600_000, "larger than 4 MB"),
        ("LabelValue,Name", "0,background", 65_537, "more than 65536 rows"),
        (",".join(["LabelValue", "Name", *map(str, range(99))]), "1,liver", 1, "100 columns"),
    ],
    ids=["bytes", "rows", "columns"],
)
def test_a_table_of_labels_without_end_is_refused(tmp_path, heading, row, count, message):
    folder = write_model(tmp_path / "m" / "model.pt", labels=f"{heading}\n" + f"{row}\n" * count)
    with pytest.raises(ModelError, match=message):
        read_model(folder)


def test_the_background_of_a_table_is_not_looked_up(tmp_path, monkeypatch):
    looked_up = []
    monkeypatch.setattr(table, "terminology_for", looked_up.append)
    read_model(write_model(tmp_path / "m" / "model.pt"))
    assert looked_up == ["left adrenal", "something new"]


@pytest.mark.parametrize("cut", [100, 1000])
def test_a_truncated_checkpoint_is_damaged(tmp_path, cut):
    folder = write_model(tmp_path / "m" / "model.pt")
    file = folder / "model.pt"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(ModelError):
        read_model(folder)
