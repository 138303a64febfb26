"""The published MeshNet models give, by the command line, the labels of a plain run of the same network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.resampling import Outside, resample
from MedAISegLib.formats import read_model
from MedAISegLib.models.operations import Conform, Interpolation, MinMax, ScalePercentiles
from MedAISegLib.models.spec import Argmax, InferenceStage, Windows
from MedAISegLib.readers import list_images, read_listing

from benchmarks.measure import TreePeak

pytestmark = pytest.mark.engine

LARGEST_PEAK_GB = 6.0
SMALLEST_COMPARED_ML = 1.0


@dataclass(frozen=True)
class Run:
    """What a command of its own process gave: (k, j, i) labels, its JSON document, and the peak that the system saw."""

    labels: sitk.Image
    document: dict
    peak_gb: float

    def mask(self, name):
        (value,) = (s["label_value"] for s in self.document["segments"] if s["name"] == name)
        return sitk.GetArrayViewFromImage(self.labels) == value


def run(image, model, folder):
    command = [sys.executable, "-c", "from MedAISegLib.cli.start import main; main()", "segment", str(image)]
    command += ["--model", str(model), "--output", str(folder), "--format", "nifti", "--device", "cpu", "--json"]
    with (folder.parent / "stdout").open("wb") as stdout:
        process = subprocess.Popen(command, stdout=stdout)
        with TreePeak(process.pid) as peak:
            assert process.wait() == 0
    document = json.loads((folder.parent / "stdout").read_text())
    labels = sitk.ReadImage(str(folder / "segmentation.nii.gz"))
    return Run(labels, document, peak.bytes / 1e9)


def dice_by_label(found: sitk.Image, expected: sitk.Image):
    """Of the labels of at least 1 mL in the expected image."""
    found_at, expected_at = sitk.GetArrayViewFromImage(found), sitk.GetArrayViewFromImage(expected)
    count = int(max(found_at.max(), expected_at.max())) + 1
    pairs = np.bincount(expected_at.ravel().astype(np.int64) * count + found_at.ravel(), minlength=count**2)
    pairs = pairs.reshape(count, count)
    voxel_ml = float(np.prod(expected.GetSpacing())) / 1000
    sizes, other_sizes = pairs.sum(axis=1), pairs.sum(axis=0)
    return {
        label: 2 * pairs[label, label] / (sizes[label] + other_sizes[label])
        for label in range(1, count)
        if sizes[label] * voxel_ml >= SMALLEST_COMPARED_ML
    }


def model_folder(shared_data, tmp_path, name, scaling):
    published = shared_data / "models" / "meshnet" / name
    if scaling is None:
        return published
    copy = tmp_path / name
    shutil.copytree(published, copy)
    copy.chmod(0o755)
    (copy / "medaiseg.json").write_text(json.dumps({"scaling": scaling}))
    return copy


def compared(shared_data: Path, tmp_path: Path, image, name, reference, scaling=None):
    expected = sitk.ReadImage(str(shared_data / "models" / "meshnet" / f"reference_{image}_{reference}.nii.gz"))
    model = model_folder(shared_data, tmp_path, name, scaling)
    result = run(shared_data / "brain_t1" / f"{image}.nii.gz", model, tmp_path / "out")
    dice = dice_by_label(result.labels, expected)
    print(f"{name} on {image}: Dice {min(dice.values()):.4f}.. of {len(dice)}, {result.peak_gb:.2f} GB,")
    print({stage: round(seconds, 1) for stage, seconds in result.document["timings_s"].items()})
    assert result.labels.GetSize() == expected.GetSize()
    assert result.peak_gb <= LARGEST_PEAK_GB
    return dice, result


@pytest.mark.parametrize(
    ("name", "count", "scaling"),
    [
        ("model5_gw_ae", 2, MinMax()),
        ("model18cls", 17, MinMax()),
        ("subcortical", 17, MinMax()),
        ("model21_104class", 103, MinMax()),
        ("mindgrab", 1, ScalePercentiles(2, 98, clip=True)),
    ],
)
def test_the_published_models_are_known_and_complete(shared_data, name, count, scaling):
    source = read_model(shared_data / "models" / "meshnet" / name)
    assert (source.spec.license, source.spec.commercial_use, source.spec.notices) == ("MIT", True, ())
    assert len(source.spec.segments) == count
    assert source.spec.stages[0].preprocessing[-1] == scaling
    ((network,),) = source.build_networks()
    assert network(torch.rand(1, 1, 5, 6, 7)).shape == (1, count + 1, 5, 6, 7)


def test_a_head_conforms_to_what_the_donors_made_of_it(shared_data):
    """The two files are one scan, the second one conformed by its donors; a voxel off would be 0.98 or less."""
    raw, theirs = (only_volume(shared_data / "brain_t1" / f"{name}.nii.gz") for name in ("chris_t1", "t1_crop"))
    stage = InferenceStage((Conform(256, 1.0, "LIA"),), Windows(), Argmax())
    ours = prepare(Case({"T1": raw}), stage)
    index_map = theirs.geometry.index_to(ours.geometry)
    shape = theirs.geometry.shape_kji
    sampled = resample(ours.values, index_map, shape, Interpolation.LINEAR, Outside.ZERO)[0].numpy()
    assert ours.geometry.axis_codes() == "LIA"
    assert np.corrcoef(sampled.ravel(), theirs.voxels.ravel())[0, 1] > 0.998


def only_volume(path):
    (volume,) = (volume for listing in list_images(path) for volume in read_listing(listing))
    return volume


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reference", "scaling", "count"),
    [
        ("model5_gw_ae", "model5_gw_ae", None, 2),
        ("model5_gw_ae", "model5_gw_ae_q2-98", "percentiles 2-98", 2),
        ("model18cls", "model18cls", None, 17),
        ("model18cls", "model18cls_q2-98", "percentiles 2-98", 17),
        ("subcortical", "subcortical", None, 17),
        ("mindgrab", "mindgrab", None, 1),
    ],
)
def test_on_a_conformed_head_the_labels_are_those_of_the_plain_network(
    shared_data, tmp_path, name, reference, scaling, count
):
    dice, _ = compared(shared_data, tmp_path, "t1_crop", name, reference, scaling)
    assert len(dice) == count
    assert min(dice.values()) >= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model5_gw_ae", "model18cls"])
def test_on_a_head_that_is_yet_to_be_conformed_they_nearly_are(shared_data, tmp_path, name):
    dice, _ = compared(shared_data, tmp_path, "chris_t1", name, name)
    assert min(dice.values()) >= 0.94


@pytest.mark.slow
def test_a_hundred_classes_of_a_whole_head_with_left_on_the_left(shared_data, tmp_path):
    dice, result = compared(shared_data, tmp_path, "t1_crop", "model21_104class", "model21_104class")
    assert len(dice) >= 80
    assert min(dice.values()) >= 0.98
    volumes = {segment["name"]: segment["volume_ml"] for segment in result.document["segments"]}
    assert volumes["Left-Hippocampus"] == pytest.approx(4.0, abs=0.1)
    assert volumes["Right-Hippocampus"] == pytest.approx(5.1, abs=0.1)
    for name in ("Hippocampus", "Caudate", "Putamen", "Cerebral-White-Matter", "Cerebellum-Cortex"):
        assert mean_x_lps(result, f"Left-{name}") > 5
        assert mean_x_lps(result, f"Right-{name}") < -5


def mean_x_lps(result, name):
    k, j, i = np.argwhere(result.mask(name)).mean(axis=0)
    return result.labels.TransformContinuousIndexToPhysicalPoint((i, j, k))[0]
