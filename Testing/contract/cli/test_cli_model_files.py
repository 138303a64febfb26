"""``models init`` describes a network's file, ``models export`` writes any model as a folder of our own."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from MedAISegLib.cli.models_answers import parse_channels
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import ModelError
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.formats.medaiseg_bundle.scripting import as_torchscript
from MedAISegLib.formats.monai_bundle import read as read_bundle
from MedAISegLib.models.operations import Orient, PadToMultiple, Resample, ScaleRange
from MedAISegLib.models.spec import Activation, Argmax, Channel, Regions
from MedAISegLib.models.store import find_model
from MedAISegLib.readers import read_images
from monai.networks.nets import UNet

from Testing.described_models import case, small_network, write_onnx, write_torchscript
from Testing.nnunets import architecture, configuration, write_model
from Testing.unit.bundles import write_bundle

OPTIONS = [
    "--channels", "CT CT", "--orientation", "RAS", "--spacing", "1.5,1.5,2", "--intensity", "range -57 164",
    "--window", "32,32,32", "--activation", "softmax", "--labels", "background, liver, tumour",
]  # fmt: skip


def options(**changes):
    given = dict(zip(OPTIONS[::2], OPTIONS[1::2], strict=True)) | {f"--{k}": v for k, v in changes.items()}
    return [part for name, value in given.items() for part in (name, value)]


@pytest.fixture
def folder(tmp_path):
    write_torchscript(small_network(), tmp_path / "liver" / "model.ts")
    return tmp_path / "liver"


def test_options_alone_describe_a_network(run, folder):
    result = run("models", "init", folder, *OPTIONS)
    assert result.exit_code == 0, result.stderr
    assert "a 3-D network, 1 channel(s) in, 3 class(es) out, windows of any size" in result.stdout
    model = read_model(folder)
    (stage,) = model.spec.stages
    assert model.spec.channels == (Channel("CT", "CT", "HU"),)
    assert stage.preprocessing == (Orient("RAS"), Resample((1.5, 1.5, 2.0)), ScaleRange(-57, 164, clip=True))
    assert stage.windows.size == (32, 32, 32)
    assert stage.decision == Argmax((0, 1, 2))
    liver = model.spec.segments[0]
    assert (liver.label_value, liver.name, liver.terminology.type.meaning) == (1, "liver", "Liver")


def test_what_no_option_says_is_asked_until_the_answer_does(run, folder):
    answers = ["CT CT, MR", "CT CT", "RXS", "", "keep", "brighter", "z-score", "0,0,x", "24,24,24", "", "liver",
               "background, liver, tumour", "Liver of ours", ""]  # fmt: skip
    result = run("models", "init", folder, answers="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("That does not do") == 5
    assert "the network takes 1 channel(s), not 2" in result.stderr
    assert "the network tells 3 class(es) apart, and 1 are named" in result.stderr
    spec = read_model(folder).spec
    assert spec.name == "Liver of ours"
    assert spec.stages[0].windows.size == (24, 24, 24)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"channels": "T1 MR, T2 MR"}, "does not take 2 channels"),
        ({"channels": "T1 weighted"}, "'weighted' is no modality of DICOM"),
        ({"labels": "background, liver"}, "3 class(es) apart, and 2 are named"),
        ({"window": "33,32,32"}, "for 33 x 32 x 32 voxels its network gives"),
        ({"orientation": "RAA"}, "does not name one of R and L"),
        ({"spacing": "0.000001,1,1"}, "spacings are 0.01 to 1000"),
        ({"intensity": "range 5 1"}, "5 is not below 1"),
        ({"activation": "relu"}, "relu"),
    ],
)
def test_an_option_that_the_network_contradicts_is_refused(run, tmp_path, changes, what):
    write_torchscript(small_network(strided=True), tmp_path / "liver" / "model.ts")
    result = run("models", "init", tmp_path / "liver", *options(**changes))
    assert result.exit_code in (2, 4)
    assert what in " ".join(result.stderr.split())
    assert not (tmp_path / "liver" / "medaiseg.json").exists()


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("T1 mr, T1 with contrast MR", [Channel("T1", "MR"), Channel("T1 with contrast", "MR")]),
        ("CT", [Channel("CT", "CT", "HU")]),
        ("late phase CT", [Channel("late phase", "CT", "HU")]),
        ("T1, late phase none", [Channel("T1"), Channel("late phase")]),
    ],
)
def test_a_channel_is_a_name_and_a_modality(text, channels):
    assert parse_channels(text) == tuple(channels)


def test_a_channel_without_a_name_is_refused():
    with pytest.raises(ValueError, match="a name of its own"):
        parse_channels("none")


@pytest.mark.parametrize("networks", [[], ["one.ts", "two.ts"]], ids=["none", "two"])
def test_a_folder_without_one_network_is_refused(run, tmp_path, networks):
    for name in networks:
        (tmp_path / name).touch()
    result = run("models", "init", tmp_path)
    assert result.exit_code == 2
    assert ("2 networks are there" if networks else "there is no network") in " ".join(result.stderr.split())
    assert ".ts, .pt, .onnx" in " ".join(result.stderr.split())


def test_whole_images_are_padded_to_what_the_network_divides_by(run, tmp_path):
    write_torchscript(small_network(strided=True), tmp_path / "liver" / "model.ts")
    result = run("models", "init", tmp_path / "liver" / "model.ts", *options(window="whole"))
    assert result.exit_code == 0, result.stderr
    assert "multiples of 2" in result.stdout
    assert read_model(tmp_path / "liver").spec.stages[0].preprocessing[-1] == PadToMultiple((2, 2, 2))


def test_2d_networks_and_overlapping_classes(run, tmp_path):
    write_torchscript(small_network(2, classes=2), tmp_path / "m" / "model.ts", dimensions=2)
    changes = {"orientation": "SPL", "spacing": "keep", "window": "whole", "activation": "sigmoid"}
    result = run("models", "init", tmp_path / "m", *options(**changes, labels="lung, lesion"))
    assert result.exit_code == 0, result.stderr
    assert "a 2-D network" in result.stdout
    spec = read_model(tmp_path / "m").spec
    assert spec.stages[0].decision == Regions((1, 2))
    assert spec.stages[0].restore.activation is Activation.SIGMOID
    assert spec.stages[0].windows.size == (1, 0, 0)


def test_onnx_files_say_their_channels_themselves(run, tmp_path):
    pytest.importorskip("onnxruntime")
    weights = np.random.default_rng(0).normal(size=(3, 2, 1, 1, 1)).astype(np.float32)
    write_onnx(tmp_path / "m" / "model.onnx", weights, np.zeros(3, np.float32))
    result = run("models", "init", tmp_path / "m", *options(channels="T1 MR, FLAIR MR"))
    assert result.exit_code == 0, result.stderr
    assert [channel.name for channel in read_model(tmp_path / "m").spec.channels] == ["T1", "FLAIR"]


def test_a_description_is_replaced_only_where_that_is_wanted(run, folder):
    assert run("models", "init", folder, *OPTIONS).exit_code == 0
    again = run("models", "init", folder, *OPTIONS)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run("models", "init", folder, *OPTIONS, "--overwrite", "--name", "Second").exit_code == 0
    assert json.loads((folder / "medaiseg.json").read_text())["name"] == "Second"


@pytest.mark.parametrize("is_there", [False, True])
def test_no_description_is_written_through_a_link(run, folder, tmp_path, is_there):
    outside = tmp_path / "outside"
    if is_there:
        outside.write_text("mine")
    (folder / "medaiseg.json").symlink_to(outside)
    result = run("models", "init", folder, *OPTIONS, *(["--overwrite"] if is_there else []))
    assert result.exit_code == 2
    assert "it is a link" in result.stderr
    assert (folder / "medaiseg.json").is_symlink()
    assert (outside.read_text() if outside.exists() else "") == ("mine" if is_there else "")


def test_a_described_network_is_installed_and_run(run, folder, study, tmp_path):
    assert run("models", "init", folder, *options(channels="T1 MR")).exit_code == 0
    assert run("models", "install", folder).exit_code == 0
    result = run("segment", study, "--model", "liver", "--output", tmp_path / "out", "--format", "nifti")
    assert result.exit_code == 0, result.stderr
    assert sitk.ReadImage(str(tmp_path / "out" / "segmentation.nii.gz")).GetDimension() == 3


def same_labels(first, second, images):
    found = [segment(images, m.spec, m.build_networks(), device="cpu").layers for m in map(read_model, (first, second))]
    np.testing.assert_array_equal(*found)
    assert found[0].any()


@pytest.mark.slow
def test_the_embedded_model_gives_the_same_labels_when_it_is_exported(run, study, tmp_path):
    result = run("models", "export", "hippocampus", "--output", tmp_path / "mine")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "mine" / "LICENSE").is_file()
    exported, original = read_model(tmp_path / "mine").spec, read_bundle(find_model("hippocampus")).spec
    assert exported.format == "medaiseg_bundle"
    assert (exported.segments, exported.channels, exported.license) == (
        original.segments, original.channels, original.license,
    )  # fmt: skip
    (volume,) = read_images(study)
    same_labels(find_model("hippocampus"), tmp_path / "mine", Case({original.channels[0].name: volume}))


@pytest.mark.parametrize("kind", ["3d", "2d"])
def test_an_nnunet_gives_the_same_labels_when_it_is_exported(run, tmp_path, kind):
    pytest.importorskip("dynamic_network_architectures")
    axes = {"checkpoint": {"inference_allowed_mirroring_axes": (0, 1)}}
    flat = configuration(patch_size=[16, 16], spacing=[1.0, 1.0], architecture=architecture(2))
    of_kind = {"3d": {}, "2d": {"name": "2d", "configurations": {"2d": flat}, "folds": ("0", "1")}}[kind]
    source = write_model(tmp_path / "nnunet", **of_kind, **axes)
    result = run("models", "export", source, "--output", tmp_path / "mine")
    assert result.exit_code == 0, result.stderr
    same_labels(source, tmp_path / "mine", case())


@pytest.mark.parametrize(
    ("levels", "roi"),
    [(5, (96, 96, 96)), (4, (56, 48, 28)), (3, (28, 28, 28)), (3, (56, 48, 28))],
    ids=["96-halves-to-24", "56x48x28-fits-no-depth", "28-cubed", "28-is-not-halved"],
)
def test_a_deep_network_is_tried_with_windows_that_it_takes(run, tmp_path, levels, roi):
    network = {
        "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3,
        "channels": [2] * levels, "strides": [2] * (levels - 1),
    }  # fmt: skip
    inferer = {"_target_": "SlidingWindowInferer", "roi_size": list(roi)}
    bundle = write_bundle(tmp_path, lambda _, config: config.update(network_def=network, inferer=inferer))
    (bundle / "models").mkdir()
    torch.manual_seed(5)
    arguments = {name: value for name, value in network.items() if name != "_target_"}
    torch.save(UNet(**arguments).state_dict(), bundle / "models" / "model.pt")
    result = run("models", "export", bundle, "--output", tmp_path / "mine")
    if any(n % 2 ** (levels - 1) for n in roi):
        assert result.exit_code == 4, result.output
        assert "does not take 1 channel of 56 x 48 x 28 voxels" in " ".join(result.stderr.split())
        return
    assert result.exit_code == 0, result.output
    same_labels(bundle, tmp_path / "mine", case())


def test_our_own_layout_is_exported_as_it_is(run, folder, tmp_path):
    assert run("models", "init", folder, *OPTIONS).exit_code == 0
    (folder / "private.txt").write_text("not the model's")
    assert run("models", "export", folder, "--output", tmp_path / "mine").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["medaiseg.json", "model.ts"]
    same_labels(folder, tmp_path / "mine", case())


def test_nothing_is_written_over(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("data")
    result = run("models", "export", "hippocampus", "--output", tmp_path / "mine")
    assert result.exit_code == 2
    assert (tmp_path / "mine" / "precious").read_text() == "data"


class SizeBound(torch.nn.Module):
    """Neither traced nor scripted code of it is right for all sizes."""

    def forward(self, values, *others):
        return torch.cat([values * float(sum(values.shape)), values.new_ones(values.shape)], dim=1)


def test_a_network_that_would_compute_otherwise_is_not_written():
    with pytest.raises(ModelError, match="another size"):
        as_torchscript(SizeBound(), [torch.rand(1, 1, 16, 16, 16), torch.rand(2, 1, 32, 32, 32)], "model")
