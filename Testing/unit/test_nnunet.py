"""Trained-model folders of nnU-Net v2 become models that are prepared, run and decided as nnUNetv2_predict does."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.formats.nnunet import stages
from MedAISegLib.models.operations import (
    Clip,
    CropNonzero,
    MinMax,
    OnChannel,
    Orient,
    Resize,
    ShiftScale,
    Transpose,
    ZScore,
    ZScoreInside,
)
from MedAISegLib.models.spec import Activation, Argmax, Channel, CropToLabels, Regions, WindowRule

from Testing.nnunets import LABELS, architecture, configuration, write_model

pytest.importorskip("dynamic_network_architectures")
pytestmark = pytest.mark.engine


def test_a_ct_model_is_prepared_as_its_plans_say(tmp_path):
    spec = read_model(write_model(tmp_path / "liver")).spec
    (stage,) = spec.stages
    assert stage.preprocessing == (
        Transpose((0, 1, 2)),
        CropNonzero(),
        OnChannel(0, Clip(-100.0, 200.0)),
        OnChannel(0, ZScore(mean=(60.0,), std=(40.0,))),
        Resize((3.0, 1.0, 1.0)),
    )
    assert stage.windows.size == (16, 24, 16)
    assert stage.windows.rule is WindowRule.NNUNET
    assert len(stage.windows.test_time_flips) == 7
    assert stage.decision == Argmax((0, 1, 2))
    assert stage.restore.activation is Activation.NONE
    assert spec.channels == (Channel("CT", "CT", "HU"),)
    assert [(s.label_value, s.name) for s in spec.segments] == [(1, "liver"), (2, "tumour")]


def test_mr_channels_are_normalised_inside_of_the_body_first(tmp_path):
    mixed = configuration(
        normalization_schemes=["RescaleTo01Normalization", "ZScoreNormalization"], use_mask_for_norm=[False, True]
    )
    folder = write_model(
        tmp_path / "m",
        configurations={"3d_fullres": mixed},
        dataset={"channel_names": {"0": "T2", "1": "FLAIR"}},
        plans={"transpose_forward": [2, 0, 1], "image_reader_writer": "NibabelIOWithReorient"},
    )
    spec = read_model(folder).spec
    assert spec.stages[0].preprocessing[:-1] == (
        Orient("SAR"),
        Transpose((2, 0, 1)),
        CropNonzero(),
        ZScoreInside((1,)),
        OnChannel(0, MinMax()),
    )
    assert spec.channels == (Channel("T2", "MR"), Channel("FLAIR", "MR"))


def test_a_2d_configuration_runs_slice_by_slice(tmp_path):
    flat = configuration(patch_size=[24, 16], spacing=[1.5, 1.2], architecture=architecture(2))
    source = read_model(write_model(tmp_path / "m", name="2d", configurations={"2d": flat}))
    stage = source.spec.stages[0]
    assert stage.windows.size == (1, 24, 16)
    assert stage.windows.overlap == (0.0, 0.5, 0.5)
    assert (2,) in stage.windows.test_time_flips
    assert stage.preprocessing[-1] == Resize((0.0, 1.5, 1.2))
    ((network,),) = source.build_networks()
    assert network(torch.zeros(2, 1, 1, 24, 16)).shape == (2, 3, 1, 24, 16)


def test_the_folds_found_are_averaged(tmp_path):
    source = read_model(write_model(tmp_path / "m", folds=("0", "3")))
    ((first, second),) = source.build_networks()
    assert not torch.equal(next(first.parameters()), next(second.parameters()))
    assert "folds" in [notice.code for notice in source.spec.notices]


@pytest.mark.parametrize(("folds", "used"), [(("all",), 1), (("0", "1", "all"), 2)])
def test_the_fold_of_all_images_is_used_where_there_are_no_others(tmp_path, folds, used):
    source = read_model(write_model(tmp_path / "m", folds=folds))
    assert len(source.build_networks()[0]) == used
    assert ("fold-all" in [notice.code for notice in source.spec.notices]) == (used > 1)


def test_regions_paint_the_labels_of_the_class_order(tmp_path):
    labels = {"background": 0, "whole tumour": [1, 2, 3], "core": [2, 3], "enhancing": [3], "ignore": 4}
    folder = write_model(tmp_path / "m", labels=labels, dataset={"regions_class_order": [1, 2, 3]})
    spec = read_model(folder).spec
    assert spec.stages[0].decision == Regions((1, 2, 3), 0.0)
    assert [s.name for s in spec.segments] == ["whole tumour (rest)", "core (rest)", "enhancing"]


@pytest.mark.parametrize(
    ("scheme", "operations"),
    [
        ("ZScoreNormalization", (OnChannel(0, ZScore()),)),
        ("NoNormalization", ()),
        ("RescaleTo01Normalization", (OnChannel(0, MinMax()),)),
        ("RGBTo01Normalization", (OnChannel(0, ShiftScale(1 / 255)),)),
    ],
)
def test_every_normalisation_is_known(tmp_path, scheme, operations):
    planned = configuration(normalization_schemes=[scheme])
    spec = read_model(write_model(tmp_path / "m", configurations={"3d_fullres": planned})).spec
    assert spec.stages[0].preprocessing[2:-1] == operations


@pytest.mark.parametrize("ending", [".png", ".tif", ".nrrd", ".mha"])
def test_the_ending_of_the_training_images_does_not_matter(tmp_path, ending):
    folder = write_model(tmp_path / "m", dataset={"file_ending": ending})
    assert read_model(folder).spec.channels == (Channel("CT", "CT", "HU"),)


def test_an_ignore_label_has_no_output_of_its_own(tmp_path):
    labels = {"background": 0, "liver": 1, "tumour": 2, "ignore": 3}
    source = read_model(write_model(tmp_path / "m", labels=labels))
    ((network,),) = source.build_networks()
    assert network(torch.zeros(1, 1, 16, 24, 16)).shape[1] == 3
    assert [segment.name for segment in source.spec.segments] == ["liver", "tumour"]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_residual_encoders_are_built(tmp_path, dimensions):
    planned = configuration(architecture=architecture(dimensions, "ResidualEncoderUNet"))
    if dimensions == 2:
        planned |= {"patch_size": [24, 16], "spacing": [1.0, 1.0]}
    ((network,),) = read_model(write_model(tmp_path / "m", configurations={"3d_fullres": planned})).build_networks()
    assert "Residual" in repr(type(network)) or dimensions == 2
    assert network(torch.zeros(1, 1, 1 if dimensions == 2 else 16, 24, 16)).shape[1] == 3


def test_a_configuration_inherits_from_another(tmp_path):
    configurations = {
        "3d_fullres": configuration(),
        "finer": {"inherits_from": "3d_fullres", "spacing": [1.0, 0.5, 0.5]},
    }
    folder = write_model(tmp_path / "m", configurations=configurations)
    checkpoint = folder / "fold_0" / "checkpoint_final.pth"
    content = torch.load(checkpoint, weights_only=False)
    content["init_args"]["configuration"] = "finer"
    torch.save(content, checkpoint)
    assert read_model(folder).spec.stages[0].preprocessing[-1] == Resize((1.0, 0.5, 0.5))


def test_plans_made_before_version_2_3_describe_the_same_network(tmp_path):
    old = configuration(
        UNet_class_name="PlainConvUNet",
        UNet_base_num_features=4,
        unet_max_num_features=320,
        n_conv_per_stage_encoder=[1, 1],
        n_conv_per_stage_decoder=[1],
        conv_kernel_sizes=[[3, 3, 3]] * 2,
        pool_op_kernel_sizes=[[1, 1, 1], [2, 2, 2]],
    )
    folder = write_model(tmp_path / "m")
    plans = json.loads((folder / "plans.json").read_text())
    del old["architecture"]
    plans["configurations"]["3d_fullres"] = old
    (folder / "plans.json").write_text(json.dumps(plans))
    read_model(folder).build_networks()


def test_a_missing_level_of_folders_is_tolerated_and_several_models_are_listed(tmp_path):
    write_model(tmp_path / "Dataset003_Liver" / "nnUNetTrainer__nnUNetPlans__3d_fullres")
    assert read_model(tmp_path / "Dataset003_Liver").spec.id == "Dataset003_Liver"
    write_model(tmp_path / "Dataset003_Liver" / "nnUNetTrainer__nnUNetPlans__2d_copy")
    with pytest.raises(ModelError, match="2d_copy"):
        read_model(tmp_path / "Dataset003_Liver")


def test_labels_come_back_on_the_images_grid(tmp_path):
    source = read_model(write_model(tmp_path / "m"))
    shape = (9, 30, 22)
    voxels = np.random.default_rng(0).normal(50, 60, shape).astype(np.float32)
    voxels[:2] = 0
    case = Case({"CT": Volume(voxels, VolumeGeometry(shape, np.diag([4.0, 0.9, 1.1, 1.0])), "CT")})
    spec = source.spec.with_test_time_flips(())
    layers = segment(case, spec, source.build_networks(), device="cpu").layers
    assert layers.shape == (1, *shape)
    assert not layers[0, :2].any()
    assert set(np.unique(layers)) <= {0, 1, 2}


def test_a_model_is_read_without_torch(tmp_path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from MedAISegLib.formats import read_model\n"
        "print(read_model(Path(sys.argv[1])).spec.format, 'torch' in sys.modules)"
    )
    folder = write_model(tmp_path / "m")
    run = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["nnunet", "False"]


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotTrustedError):
        read_model(write_model(tmp_path / "m", checkpoint={"optimizer_state": Harmful()}))
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("place", "value"),
    [("network_class_name", "os.system"), ("conv_op", "os.system"), ("nonlin", "torch.hub.load")],
)
def test_plans_that_ask_for_other_classes_are_refused(tmp_path, place, value):
    described = architecture(3)
    (described if place in described else described["arch_kwargs"])[place] = value
    folder = write_model(tmp_path / "m")
    plans = json.loads((folder / "plans.json").read_text())
    plans["configurations"]["3d_fullres"]["architecture"] = described
    (folder / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(NotTrustedError, match=value):
        read_model(folder).build_networks()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preprocessor_name": "MyPreprocessor"}, "MyPreprocessor"),
        ({"resampling_fn_data": "resample_torch"}, "resample_torch.*not supported"),
        ({"resampling_fn_data_kwargs": {"order": 3, "order_z": 1}}, "order_z"),
        ({"resampling_fn_data_kwargs": {"order": 3, "force_separate_z": True}}, "different rules"),
        ({"resampling_fn_probabilities_kwargs": {"order": 3}}, "other than linearly"),
        ({"patch_size": [16]}, "window"),
        ({"spacing": [0.0, 1.0, 1.0]}, "impossible"),
        ({"normalization_schemes": ["Whitening"]}, "Whitening"),
    ],
)
def test_what_is_wrong_with_the_plans_is_named(tmp_path, changes, message):
    folder = write_model(tmp_path / "m", configurations={"3d_fullres": configuration()})
    plans = json.loads((folder / "plans.json").read_text())
    plans["configurations"]["3d_fullres"] |= changes
    (folder / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(ModelError, match=message):
        read_model(folder)


@pytest.mark.parametrize("labels", [{"liver": 1}, {"background": 0}, LABELS | {"cyst": 7}, {"background": 0, "a": "b"}])
def test_damaged_labels_are_named(tmp_path, labels):
    folder = write_model(tmp_path / "m")
    dataset = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(dataset | {"labels": labels}))
    with pytest.raises(ModelError, match="label"):
        read_model(folder)


def write_parts(root, **changes):
    """Two parts and a rough model to crop by."""
    for name in ("rough", "first", "second"):
        write_model(root / name, checkpoint={"inference_allowed_mirroring_axes": None})
    described = {
        "name": "Trunk",
        "labels": {"1": "spleen", "2": "kidney_right", "300": "vertebra L5"},
        "parts": [{"folder": "first", "paints": [0, 1, 2]}, {"folder": "second", "paints": [0, 300, 0]}],
        "crop": {"folder": "rough", "labels": [1], "margin_mm": 5},
        "orientation": "SAR",
    } | changes
    (root / "medaiseg.json").write_text(json.dumps(described))
    return root


def test_parts_become_stages_that_paint_one_result(tmp_path):
    source = read_model(write_parts(tmp_path / "trunk"))
    rough, first, second = source.spec.stages
    assert rough.crop is None
    assert first.crop == second.crop == CropToLabels(0, (1,), 5.0)
    assert (first.paints, second.paints) == ((0, 1, 2), (0, 300, 0))
    assert source.spec.merged == (1, 2)
    assert all(stage.preprocessing[0] == Orient("SAR") for stage in source.spec.stages)
    assert [(s.label_value, s.name) for s in source.spec.segments] == [
        (1, "spleen"),
        (2, "kidney_right"),
        (300, "vertebra L5"),
    ]
    assert source.spec.name == "Trunk"
    assert [len(networks) for networks in source.build_networks()] == [1, 1, 1]


def test_parts_run_one_after_the_other(tmp_path):
    source = read_model(write_parts(tmp_path / "trunk"))
    shape = (9, 30, 22)
    voxels = np.random.default_rng(0).normal(50, 60, shape).astype(np.float32)
    case = Case({"CT": Volume(voxels, VolumeGeometry(shape, np.diag([4.0, 0.9, 1.1, 1.0])), "CT")})
    layers = segment(case, source.spec, source.build_networks(), device="cpu").layers
    assert layers.shape == (1, *shape)
    assert {300} < set(np.unique(layers)) <= {0, 1, 2, 300}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": [{"folder": "third", "paints": [0, 1, 2]}]}, "third"),
        ({"parts": [{"folder": "../trunk", "paints": [0, 1, 2]}]}, "3 trained models"),
        ({"parts": [{"folder": "../../elsewhere", "paints": [0, 1, 2]}]}, "missing"),
        ({"parts": [{"folder": "first", "paints": [0, 1]}]}, "paints 2 values"),
        ({"parts": [{"folder": "first", "paints": [5, 1, 2]}]}, "background"),
        ({"labels": {"9": "nothing"}}, "no part paints its label 9"),
        ({"part": []}, "part"),
        ({"parts": 3}, "parts"),
    ],
)
def test_damaged_descriptions_of_parts_are_named(tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        read_model(write_parts(tmp_path / "trunk", **changes))


def looking_first(depth):
    """Models that look first, one within another."""
    return {"folder": "first"} | ({"crop": looking_first(depth - 1)} if depth > 1 else {})


@pytest.mark.parametrize(
    "changes",
    [{"parts": [{"folder": "first", "paints": [0, 1, 2]}] * 64}, {"crop": looking_first(63)}],
    ids=["parts", "crop"],
)
def test_more_parts_than_a_model_may_have_are_refused_before_one_is_read(tmp_path, monkeypatch, changes):
    monkeypatch.setattr(stages, "part_of", lambda *_: pytest.fail("a part was read"))
    with pytest.raises(ModelError, match="65 parts and rough models"):
        read_model(write_parts(tmp_path / "trunk", **changes))
