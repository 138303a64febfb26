"""Which checkpoints of an nnU-Net's folds are run where training did not end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model

from Testing.nnunets import configuration, write_model

pytest.importorskip("dynamic_network_architectures")
pytestmark = pytest.mark.engine

FINAL, BEST = "checkpoint_final.pth", "checkpoint_best.pth"


def stopped(root: Path, *folds: str) -> Path:
    """The model as training leaves it that was stopped before its end, in these folds."""
    for fold in folds:
        (root / f"fold_{fold}" / FINAL).rename(root / f"fold_{fold}" / BEST)
    return root


def finished(root: Path, *folds: str) -> Path:
    """The model as training leaves it at its end, in these folds."""
    for fold in folds:
        (root / f"fold_{fold}" / BEST).write_bytes((root / f"fold_{fold}" / FINAL).read_bytes())
    return root


def in_a_set(model: Path, *folds: str) -> Path:
    """The folder of a set whose only part runs these folds of the model."""
    part = {"folder": model.name, "paints": [0, 1, 2], "folds": folds}
    described = {"labels": {"1": "liver", "2": "tumour"}, "parts": [part]}
    (model.parent / "medaiseg.json").write_text(json.dumps(described))
    return model.parent


def told(spec):
    return {notice.code: notice.message for notice in spec.notices}


def test_the_best_checkpoints_are_run_where_training_did_not_end_and_that_is_said(tmp_path):
    source = read_model(stopped(write_model(tmp_path / "m", folds=("0", "1", "all")), "0", "1", "all"))
    assert len(source.build_networks()[0]) == 2
    assert BEST in told(source.spec)["checkpoint-best"]
    assert "fold-all" in told(source.spec)


def test_the_final_checkpoints_are_run_where_there_are_such(tmp_path):
    root = finished(write_model(tmp_path / "m", folds=("0", "1", "2")), "0", "1")
    source = read_model(stopped(root, "2"))
    assert len(source.build_networks()[0]) == 2
    assert "checkpoint-best" not in told(source.spec)
    assert "fold_2" in told(source.spec)["fold-unfinished"]


def test_folds_without_any_checkpoint_are_named_beside_the_best(tmp_path):
    root = stopped(write_model(tmp_path / "m", folds=("0", "1")), "0", "1")
    (root / "fold_1" / BEST).unlink()
    assert "fold_1" in told(read_model(root).spec)["fold-unfinished"]


def test_a_cascade_says_it_of_its_first_step(tmp_path):
    planned = {
        "3d_lowres": configuration(spacing=[4.0, 2.0, 2.0]),
        "3d_cascade_fullres": configuration(previous_stage="3d_lowres"),
    }
    for name in planned:
        write_model(tmp_path / f"nnUNetTrainer__nnUNetPlans__{name}", name=name, configurations=planned)
    stopped(tmp_path / "nnUNetTrainer__nnUNetPlans__3d_lowres", "0")
    assert "3d_lowres" in told(read_model(tmp_path).spec)["checkpoint-best"]


def test_folds_that_are_named_take_the_best_where_all_have_it(tmp_path):
    root = finished(write_model(tmp_path / "set" / "m", folds=("0", "1")), "0")
    source = read_model(in_a_set(stopped(root, "1"), "0", "1"))
    assert len(source.build_networks()[0]) == 2
    assert "checkpoint-best" in told(source.spec)


def test_folds_without_a_checkpoint_of_the_same_name_are_refused_by_name(tmp_path):
    root = stopped(write_model(tmp_path / "set" / "m", folds=("0", "1")), "1")
    with pytest.raises(ModelError, match=rf"fold_1 no {FINAL}, fold_0 no {BEST}"):
        read_model(in_a_set(root, "0", "1"))
    with pytest.raises(ModelError, match="its fold_2 is missing"):
        read_model(in_a_set(root, "0", "2"))


def test_a_model_without_weights_names_both_checkpoints(tmp_path):
    root = write_model(tmp_path / "m")
    (root / "fold_0" / FINAL).unlink()
    with pytest.raises(ModelError, match=rf"no fold has a {FINAL} or a {BEST}"):
        read_model(root)
