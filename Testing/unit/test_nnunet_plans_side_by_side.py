"""A folder of several trained models of nnU-Net that share a configuration's name, by other plans or trainers."""

from __future__ import annotations

import json

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model

from Testing.nnunets import architecture, configuration, write_model

pytest.importorskip("dynamic_network_architectures")
pytestmark = pytest.mark.engine

PLAIN, RESIDUAL, LONGER = (
    "nnUNetTrainer__nnUNetPlans",
    "nnUNetTrainer__nnUNetResEncUNetMPlans",
    "nnUNetTrainer_2000epochs",
)
SIZES = {PLAIN: 16, RESIDUAL: 32, f"{LONGER}__nnUNetPlans": 8}


def write_dataset(root, *models):
    """The first axis of a window tells the plans and trainers apart."""
    for origin, name in models:
        plans = {
            "2d": configuration(patch_size=[24, 16], spacing=[1.5, 1.2], architecture=architecture(2)),
            "3d_fullres": configuration(patch_size=[SIZES[origin], 24, 16]),
            "3d_lowres": configuration(patch_size=[SIZES[origin], 24, 16], spacing=[4.0, 2.0, 2.0]),
            "3d_cascade_fullres": configuration(patch_size=[SIZES[origin], 24, 16], previous_stage="3d_lowres"),
        }
        inputs = 2 if name == "3d_cascade_fullres" else 0
        write_model(root / "liver" / f"{origin}__{name}", name=name, configurations=plans, extra_inputs=inputs)
    return root / "liver"


def two_plans(root):
    return write_dataset(root, *((origin, name) for origin in (RESIDUAL, PLAIN) for name in ("2d", "3d_fullres")))


def windows(path):
    return [stage.windows.size[0] for stage in read_model(path).spec.stages]


def test_the_plain_plans_go_first_and_all_others_are_named(tmp_path):
    root = two_plans(tmp_path)
    spec = read_model(root).spec
    assert windows(root) == [SIZES[PLAIN]]
    names = (
        "2d__nnUNetPlans",
        "3d_fullres__nnUNetPlans",
        "2d__nnUNetResEncUNetMPlans",
        "3d_fullres__nnUNetResEncUNetMPlans",
    )
    assert spec.variants == (*names, "ensemble")
    (told,) = [notice.message for notice in spec.notices if notice.code == "configuration"]
    assert "3d_fullres__nnUNetPlans is run" in told
    assert all(f"liver/{name}" in told for name in spec.variants if name != "3d_fullres__nnUNetPlans")


def test_each_is_read_by_its_name_and_called_by_it(tmp_path):
    root = two_plans(tmp_path)
    found = {name: read_model(root / name).spec for name in read_model(root).spec.variants}
    assert [spec.id for spec in found.values()] == [f"liver/{name}" for name in found]
    assert len({spec.name for spec in found.values()}) == len(found)
    assert windows(root / "3d_fullres__nnUNetResEncUNetMPlans") == [SIZES[RESIDUAL]]
    assert windows(root / "3d_fullres__nnUNetPlans+3d_fullres__nnUNetResEncUNetMPlans") == [16, 32]
    assert len(found["ensemble"].stages) == 4


def test_a_configuration_goes_before_the_plans(tmp_path):
    root = write_dataset(tmp_path, (PLAIN, "2d"), (RESIDUAL, "2d"), (RESIDUAL, "3d_fullres"))
    assert windows(root) == [SIZES[RESIDUAL]]
    assert windows(root / "3d_fullres") == [SIZES[RESIDUAL]]


def test_trainers_are_told_apart_and_the_usual_one_goes_first(tmp_path):
    root = write_dataset(tmp_path, (f"{LONGER}__nnUNetPlans", "3d_fullres"), (PLAIN, "3d_fullres"))
    assert windows(root) == [SIZES[PLAIN]]
    assert windows(root / f"3d_fullres__nnUNetPlans__{LONGER}") == [SIZES[f"{LONGER}__nnUNetPlans"]]


def test_a_cascade_is_given_the_first_step_of_its_own_plans(tmp_path):
    names = ("3d_lowres", "3d_cascade_fullres")
    root = write_dataset(tmp_path, *((origin, name) for origin in (PLAIN, RESIDUAL) for name in names))
    assert windows(root) == [16, 16]
    assert windows(root / "3d_cascade_fullres__nnUNetResEncUNetMPlans") == [32, 32]


def test_a_first_step_of_other_plans_does_not_serve(tmp_path):
    root = write_dataset(tmp_path, (PLAIN, "3d_lowres"), (RESIDUAL, "3d_cascade_fullres"))
    assert windows(root) == [SIZES[PLAIN]]
    with pytest.raises(ModelError, match="second step of a cascade"):
        read_model(root / "3d_cascade_fullres")


def test_what_nnunet_found_best_is_found_among_the_plans(tmp_path):
    root = two_plans(tmp_path)
    best = {"trainer": "nnUNetTrainer", "plans_identifier": "nnUNetResEncUNetMPlans", "configuration": "3d_fullres"}
    content = {"folds": [0], "best_model_or_ensemble": {"selected_model_or_models": [best]}}
    (root / "inference_information.json").write_text(json.dumps(content))
    assert windows(root) == [SIZES[RESIDUAL]]


def test_folders_that_do_not_tell_models_apart_are_not_chosen_from(tmp_path):
    for name in ("first", "second"):
        write_model(tmp_path / "liver" / name)
    with pytest.raises(ModelError, match=r"2 trained models.*first.*second"):
        read_model(tmp_path / "liver")
