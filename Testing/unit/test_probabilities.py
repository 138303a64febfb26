"""Probabilities on request: a map a class on the image's grid, of every format, and of what was looked at only."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.probabilities import classes_of
from MedAISegLib.app.segment import LoadedModel, run
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import UsageError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.probabilities import probabilities_of
from MedAISegLib.models.operations import Orient, Resample, Zoom
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Channel,
    CropToLabels,
    InferenceStage,
    ModelSpec,
    Regions,
    Restore,
    RestoreOrder,
    SegmentSpec,
    Threshold,
    Windows,
)

pytestmark = pytest.mark.engine

SHAPE = (7, 10, 12)
AFFINE = np.array([[0.1, 0.9, 0, -30.0], [1.2, -0.1, 0, 12], [0, 0, -2.0, 5], [0, 0, 0, 1]])[:, [2, 0, 1, 3]]


class Scores(torch.nn.Module):
    """Two classes: 0, and the image."""

    def forward(self, values):
        return torch.cat([torch.zeros_like(values), values], dim=1)


def case() -> Case:
    voxels = np.random.default_rng(0).normal(0, 2, SHAPE).astype(np.float32)
    return Case({"image": Volume(voxels, VolumeGeometry(SHAPE, AFFINE), "CT")})


def model(*steps, decision=None, restore=None) -> LoadedModel:
    stage = InferenceStage(steps, Windows(), decision or Argmax(), restore or Restore(Activation.SOFTMAX))
    names = {1: "lung", 2: "heart"} if isinstance(decision, (Threshold, Regions)) else {1: "lung"}
    segments = tuple(SegmentSpec(value, name) for value, name in names.items())
    spec = ModelSpec("m", "M", "test", (Channel("image"),), (stage,), segments)
    return LoadedModel(spec, ((Scores(),),) * len(spec.stages))


def maps_of(loaded: LoadedModel, path, **job):
    segmentation, result = run(
        SegmentationJob(model="m", device="cpu", **job), case(), model=loaded, probabilities=path / "p.nii"
    )
    image = nib.load(path / "p.nii")
    np.testing.assert_allclose(image.affine, VolumeGeometry(SHAPE, AFFINE).affine_ras[:, [2, 1, 0, 3]], atol=1e-5)
    assert result.files["probabilities"] == (path / "p.nii", path / "p.json")
    description = json.loads((path / "p.json").read_text())
    return np.asarray(image.dataobj).transpose(3, 2, 1, 0), segmentation.layers[0], description["classes"]


def softmax():
    voxels = case().first.voxels
    return 1 / (1 + np.exp(-voxels))


def test_a_map_a_class_lies_on_the_images_grid(tmp_path):
    maps, labels, classes = maps_of(model(Orient("RAS")), tmp_path)
    np.testing.assert_allclose(maps[1], softmax(), atol=1e-6)
    np.testing.assert_allclose(maps.sum(axis=0), 1, atol=1e-6)
    assert (labels == maps.argmax(axis=0)).all()
    assert classes == [
        {"index": 0, "name": "background", "label_value": 0},
        {"index": 1, "name": "lung", "label_value": 1},
    ]


@pytest.mark.parametrize("activation", [Activation.SOFTMAX, Activation.NONE])
def test_scores_become_probabilities_before_or_after_they_come_back(tmp_path, activation):
    restore = Restore(
        activation, probability=Activation.NONE if activation is Activation.SOFTMAX else Activation.SOFTMAX
    )
    maps, _, _ = maps_of(model(restore=restore), tmp_path)
    np.testing.assert_allclose(maps[1], softmax(), atol=1e-6)


def test_scores_that_are_no_probabilities_are_not_called_so(tmp_path):
    loaded = model(restore=Restore(Activation.NONE))
    with pytest.raises(UsageError, match="no probabilities: the network's scores lie outside"):
        maps_of(loaded, tmp_path)
    run(SegmentationJob(model="m", device="cpu"), case(), model=loaded)


@pytest.mark.parametrize("score", [-0.01, 1.01])
def test_one_score_below_0_or_above_1_is_enough(score):
    scores = torch.tensor([0.5, score, 1.0])[:, None, None, None]
    with pytest.raises(UsageError, match="lie outside"):
        probabilities_of(scores, Argmax(), Restore(Activation.NONE))


@pytest.mark.parametrize(
    ("decision", "unseen"), [(Argmax(), [1, 0]), (Argmax((2, 0)), [0, 1]), (Threshold((1, 2)), [0, 0])]
)
def test_where_the_model_has_not_looked_nothing_is_probable_but_a_background(decision, unseen):
    scores = torch.tensor([[0.25, 0.25], [0.75, 0.75], [1.0, 0.0]])[..., None, None]
    before = scores.clone()
    found = probabilities_of(scores, decision, Restore(Activation.NONE)).flatten(1)
    assert found.T.tolist() == [[0.25, 0.75], unseen]
    assert (scores == before).all()


def test_labels_are_the_same_with_and_without(tmp_path):
    for n, restore in enumerate((Restore(order=RestoreOrder.DECIDE_THEN_LABELS), Restore())):
        loaded = model(Orient("RAS"), Resample((1.5, 1.5, 1.5)), restore=restore)
        maps, labels, _ = maps_of(loaded, tmp_path / str(n))
        plain, _ = run(SegmentationJob(model="m", device="cpu"), case(), model=loaded)
        np.testing.assert_array_equal(labels, plain.layers[0])
        np.testing.assert_allclose(maps.sum(axis=0), 1, atol=1e-5)


def test_of_a_model_whose_labels_come_back_by_the_nearest_voxel_they_come_back_linearly(tmp_path):
    maps, labels, _ = maps_of(model(Orient("SAR"), Zoom((3.0, 3.0, 3.0), whole_numbers=False)), tmp_path)
    assert ((maps[1] > 0.5) == (labels == 1)).mean() > 0.7
    assert len(np.unique(maps[1])) > 100


def test_each_class_of_overlapping_ones_has_its_own(tmp_path):
    loaded = model(decision=Threshold((1, 2)), restore=Restore(Activation.SIGMOID))
    maps, _, classes = maps_of(loaded, tmp_path)
    np.testing.assert_allclose(maps[1], softmax(), atol=1e-6)
    np.testing.assert_allclose(maps[0], 0.5)
    assert [(c["name"], c["label_value"]) for c in classes] == [("lung", 1), ("heart", 2)]


def test_outside_of_a_region_the_background_is_certain(tmp_path):
    geometry = VolumeGeometry(SHAPE, AFFINE)
    turned = np.array([[np.cos(0.6), np.sin(0.6), 0], [-np.sin(0.6), np.cos(0.6), 0], [0, 0, 1]])
    centre = geometry.index_to_lps(np.array([3.0, 5.0, 6.0]))
    box = OrientedBox(tuple(centre), tuple(map(tuple, turned)), (5.0, 5.0, 6.0))
    maps, labels, _ = maps_of(model(), tmp_path, region=box)
    inside = np.stack(list(box.mask_planes(geometry)))
    assert inside.any()
    assert not inside.all()
    np.testing.assert_allclose(maps[1][inside], softmax()[inside], atol=1e-6)
    assert (maps[:, ~inside] == np.array([1, 0])[:, None]).all()
    assert (labels == maps.argmax(axis=0)).all()


class Blob(torch.nn.Module):
    """Above 3 in a box that ends at (3, 6, 8)."""

    def forward(self, values):
        found = torch.zeros_like(values)
        found[:, :, 1:4, 2:7, 3:9] = 3.5
        return torch.cat([torch.zeros_like(values), found], dim=1)


def two_stages(threshold: float) -> LoadedModel:
    rough = InferenceStage((), Windows(), Threshold((0, 1), threshold), Restore(Activation.NONE))
    fine = InferenceStage((), Windows(), Argmax(), Restore(), crop=CropToLabels(0))
    spec = ModelSpec("m", "M", "test", (Channel("image"),), (rough, fine), (SegmentSpec(1, "lung"),))
    return LoadedModel(spec, ((Blob(),), (Scores(),)))


def test_outside_of_a_crop_too_and_where_there_was_none(tmp_path):
    maps, _, _ = maps_of(two_stages(3.0), tmp_path / "some")
    looked = np.zeros(SHAPE, dtype=bool)
    looked[1:4, 2:7, 3:9] = True
    assert (maps[:, ~looked] == np.array([1, 0])[:, None]).all()
    np.testing.assert_allclose(maps[1][looked], softmax()[looked], atol=1e-6)
    maps, _, _ = maps_of(two_stages(1000), tmp_path / "none")
    assert (maps == np.array([1, 0])[:, None, None, None]).all()


def test_parts_with_classes_of_their_own_have_none_in_common(tmp_path):
    loaded = two_stages(1.0)
    stages = tuple(InferenceStage((), Windows(), Argmax((0, 1)), Restore(), paints=(0, 1)) for _ in range(2))
    spec = ModelSpec("m", "M", "t", loaded.spec.channels, stages, loaded.spec.segments, merged=(0, 1))
    with pytest.raises(UsageError, match="2 networks"):
        run(
            SegmentationJob(model="m"),
            case(),
            model=LoadedModel(spec, loaded.networks),
            probabilities=tmp_path / "p.nii",
        )
    assert not list(tmp_path.iterdir())


def test_regions_are_named_as_such():
    stage = InferenceStage((), Windows(), Regions((1, 2)), Restore(Activation.SIGMOID))
    segments = (SegmentSpec(1, "whole tumour (rest)"), SegmentSpec(2, "core"))
    spec = ModelSpec("m", "M", "t", (Channel("image"),), (stage,), segments)
    assert [(c.name, c.label_value, c.certain_outside) for c in classes_of(spec)] == [
        ("whole tumour", 1, False),
        ("core", 2, False),
    ]
