"""A folder of several trained models of nnU-Net: what it runs as such, by configuration, and as an ensemble."""

from __future__ import annotations

import json

import numpy as np
import pytest
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import ModelError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.models.operations import KeepLargestComponent
from MedAISegLib.models.spec import Argmax, Ensemble, Regions
from MedAISegLib.models.store import find_model

from Testing.nnunets import architecture, configuration, write_model

pytest.importorskip("dynamic_network_architectures")
pytestmark = pytest.mark.engine

PLANS = {
    "2d": configuration(patch_size=[24, 16], spacing=[1.5, 1.2], architecture=architecture(2)),
    "3d_fullres": configuration(),
    "3d_lowres": configuration(spacing=[4.0, 2.0, 2.0]),
    "3d_cascade_fullres": configuration(previous_stage="3d_lowres"),
}


def write_dataset(root, names=("2d", "3d_fullres"), folds=("0",), **changes):
    for name in names:
        write_model(
            root / "Dataset003_Liver" / f"nnUNetTrainer__nnUNetPlans__{name}",
            name=name,
            configurations=PLANS,
            folds=folds,
            **changes,
        )
    return root / "Dataset003_Liver"


def write_information(root, *names, folds=(0,), pickle=""):
    selected = [{"configuration": n, "trainer": "nnUNetTrainer", "plans_identifier": "nnUNetPlans"} for n in names]
    best = {"selected_model_or_models": selected, "postprocessing_file": pickle}
    content = {"folds": list(folds), "best_model_or_ensemble": best}
    (root / "inference_information.json").write_text(json.dumps(content))


def codes(spec):
    return [notice.code for notice in spec.notices]


def test_the_usual_configuration_is_run_and_the_others_are_named(tmp_path):
    spec = read_model(write_dataset(tmp_path)).spec
    assert spec.id == "Dataset003_Liver"
    assert spec.variants == ("2d", "3d_fullres", "ensemble")
    assert spec.stages[0].windows.size == (16, 24, 16)
    assert "configuration" in codes(spec)


def test_a_configuration_is_chosen_by_name(tmp_path):
    root = write_dataset(tmp_path)
    spec = read_model(root / "2d").spec
    assert (spec.id, spec.stages[0].windows.size) == ("Dataset003_Liver/2d", (1, 24, 16))
    assert "configuration" not in codes(spec)
    assert spec.sha256 != read_model(root / "3d_fullres").spec.sha256


@pytest.mark.parametrize("name", ["ensemble", "2d+3d_fullres"])
def test_configurations_are_averaged(tmp_path, name):
    source = read_model(write_dataset(tmp_path) / name)
    assert source.spec.ensemble == Ensemble((0, 1), Argmax((0, 1, 2)))
    assert [stage.windows.size for stage in source.spec.stages] == [(1, 24, 16), (16, 24, 16)]
    assert len(source.build_networks()) == 2


def test_regions_of_an_ensemble_are_decided_by_their_mean_probability(tmp_path):
    labels = {"background": 0, "whole": [1, 2], "core": [2]}
    root = write_dataset(tmp_path, labels=labels, dataset={"regions_class_order": [1, 2]})
    assert read_model(root / "ensemble").spec.ensemble.decision == Regions((1, 2), 0.5)


def test_a_cascade_of_an_ensemble_is_given_its_first_step(tmp_path):
    root = write_dataset(tmp_path, ("3d_fullres", "3d_lowres", "3d_cascade_fullres"))
    spec = read_model(root / "3d_fullres+3d_cascade_fullres").spec
    assert [stage.labels_of for stage in spec.stages] == [None, None, 1]
    assert spec.ensemble.stages == (0, 2)
    assert [stage.labels_of for stage in read_model(root / "3d_cascade_fullres").spec.stages] == [None, 0]


def test_a_cascade_without_its_first_step_is_refused_and_no_part_of_the_ensemble(tmp_path):
    root = write_dataset(tmp_path, ("2d", "3d_fullres", "3d_cascade_fullres"))
    with pytest.raises(ModelError, match="3d_lowres"):
        read_model(root / "3d_cascade_fullres")
    assert len(read_model(root / "ensemble").spec.ensemble.stages) == 2


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no configuration '3d_lowres'.*2d, 3d_fullres"):
        read_model(write_dataset(tmp_path) / "3d_lowres")


def test_a_results_folder_of_several_datasets_names_them(tmp_path):
    write_dataset(tmp_path)
    write_model(tmp_path / "Dataset004_Spleen" / "nnUNetTrainer__nnUNetPlans__3d_fullres")
    with pytest.raises(ModelError, match=r"2 datasets.*Dataset003_Liver, Dataset004_Spleen"):
        read_model(tmp_path)


def test_what_nnunet_found_best_is_run_and_cleaned_as_it_found(tmp_path):
    root = write_dataset(tmp_path, folds=("0", "1"))
    place = root / "ensembles" / "ensemble___a___b___0"
    place.mkdir(parents=True)
    name = "remove_all_but_largest_component_from_segmentation"
    kwargs = [{"labels_or_regions": [1, 2]}, {"labels_or_regions": 2}]
    found = {"postprocessing_fns": [name, name], "postprocessing_kwargs": kwargs}
    (place / "postprocessing.json").write_text(json.dumps(found))
    (place / "postprocessing.pkl").write_bytes(b"never opened")
    pickle = f"/home/a/results/Dataset003_Liver/ensembles/{place.name}/postprocessing.pkl"
    write_information(root, "2d", "3d_fullres", folds=(1,), pickle=pickle)
    source = read_model(root)
    assert source.spec.ensemble.stages == (0, 1)
    assert source.spec.postprocessing == (
        KeepLargestComponent((1, 2), together=True),
        KeepLargestComponent((2,), together=True),
    )
    assert [len(networks) for networks in source.build_networks()] == [1, 1]
    assert read_model(root / "3d_fullres").spec.postprocessing == ()


@pytest.mark.parametrize(
    ("pickle", "content"),
    [
        ("C:\\x\\ensembles\\e\\postprocessing.pkl", None),
        ("/x/ensembles/e/postprocessing.pkl", {"postprocessing_fns": ["os.system"], "postprocessing_kwargs": [{}]}),
        ("/x/ensembles/e/postprocessing.pkl", {"postprocessing_fns": 3}),
        ("/../../../postprocessing.pkl", None),
    ],
)
def test_postprocessing_that_cannot_be_followed_is_said(tmp_path, pickle, content):
    root = write_dataset(tmp_path)
    write_information(root, "3d_fullres", pickle=pickle)
    if content is not None:
        (root / "ensembles" / "e").mkdir(parents=True)
        (root / "ensembles" / "e" / "postprocessing.json").write_text(json.dumps(content))
    spec = read_model(root).spec
    assert spec.postprocessing == ()
    assert "nnunet-postprocessing" in codes(spec)


def test_a_best_configuration_that_is_not_there_does_not_count(tmp_path):
    root = write_dataset(tmp_path)
    write_information(root, "3d_lowres")
    assert read_model(root).spec.stages[0].windows.size == (16, 24, 16)


def test_configurations_are_found_below_an_installed_model_and_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    root = write_dataset(tmp_path / "home" / "models")
    assert find_model("Dataset003_Liver/2d") == root / "2d"
    assert find_model(root / "2d+3d_fullres") == root / "2d+3d_fullres"
    with pytest.raises(ModelError, match="no such model"):
        find_model(tmp_path / "nowhere" / "2d")


def case_of(shape=(18, 34, 26)):
    voxels = np.random.default_rng(0).normal(50, 60, shape).astype(np.float32)
    voxels[:3] = 0
    return Case({"CT": Volume(voxels, VolumeGeometry(shape, np.diag([4.0, 0.9, 1.1, 1.0])), "CT")})


class Maps:
    """Probabilities as they come."""

    def __init__(self, classes, shape):
        self.values = np.full((classes, *shape), np.nan, dtype=np.float32)

    def put(self, start, values):
        a, b, c = (slice(first, first + n) for first, n in zip(start, values.shape[1:], strict=True))
        assert np.isnan(self.values[:, a, b, c]).all()
        self.values[:, a, b, c] = values


def test_the_mean_of_probabilities_decides(tmp_path):
    root, case = write_dataset(tmp_path), case_of()
    maps = {name: Maps(3, case.geometry.shape_kji) for name in ("2d", "3d_fullres", "ensemble")}
    layers = {}
    for name, found in maps.items():
        source = read_model(root / name)
        spec = source.spec.with_test_time_flips(())
        layers[name] = segment(case, spec, source.build_networks(), device="cpu", probabilities=found).layers
    mean = (maps["2d"].values + maps["3d_fullres"].values) / 2
    np.testing.assert_allclose(maps["ensemble"].values, mean, atol=2e-3)
    assert (layers["ensemble"][0] == maps["ensemble"].values.argmax(axis=0)).all()
    assert (layers["2d"][0] != layers["3d_fullres"][0]).any()
    assert (maps["ensemble"].values[:, :3] == np.array([1, 0, 0])[:, None, None, None]).all()
    np.testing.assert_allclose(maps["ensemble"].values.sum(axis=0), 1.0, atol=1e-5)
