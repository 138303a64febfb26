"""A model of two channels from the command line and from Python: images by name, other grids, a region."""

from __future__ import annotations

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from command_line import document
from MedAISegLib.app.images import segment_images
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.core.region import read_region
from MedAISegLib.readers import read_images
from read_back import read_nifti

safetensors = pytest.importorskip("safetensors.numpy")


@pytest.fixture(scope="session")
def two_channel_model(embedded_model, tmp_path_factory):
    """The embedded model with a second channel that it looks at with weights of zero: its labels must not change."""
    folder = tmp_path_factory.mktemp("models") / "two-channels"
    shutil.copytree(embedded_model, folder)
    for weights_file in (folder / "models").glob("*.safetensors"):
        weights = safetensors.load_file(weights_file)
        for name, array in weights.items():
            if array.ndim == 5 and array.shape[1] == 1:
                weights[name] = np.concatenate([array, np.zeros_like(array)], axis=1)
        safetensors.save_file(weights, weights_file)
    for file_name, change in (("metadata.json", _second_input), ("inference.json", _second_in_channel)):
        path = folder / "configs" / file_name
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return folder


def _second_input(metadata):
    image = metadata["network_data_format"]["inputs"]["image"]
    image["num_channels"] = 2
    image["channel_def"] = {"0": "T1", "1": "FLAIR"}


def _second_in_channel(configuration):
    for number in (0, 1):
        configuration[f"network_def_{number}"]["in_channels"] = 2
    for transform in configuration["preprocessing"]["transforms"]:
        if transform["_target_"].startswith("ScaleIntensityRangePercentiles"):
            transform["channel_wise"] = True


@pytest.fixture
def flair(tmp_path):
    """An image around the study's, on another grid."""
    affine = np.diag([1.7, 1.6, 1.5, 1.0])
    affine[:3, 3] = (-80.0, -90.0, -70.0)
    voxels = np.random.default_rng(1).normal(300.0, 50.0, (70, 75, 80)).astype(np.float32)
    nib.save(nib.Nifti1Image(voxels, affine), tmp_path / "flair.nii.gz")
    return tmp_path / "flair.nii.gz"


@pytest.mark.parametrize("region", [False, True], ids=["whole image", "region"])
def test_channels_are_named_by_files_and_folders(run, study, two_channel_model, flair, tmp_path, region):
    (volume,) = read_images(study)
    center = volume.geometry.index_to_lps((np.array(volume.geometry.shape_kji) - 1) / 2)
    limit = ",".join(f"{x - 14:.2f},{x + 14:.2f}" for x in center)
    options = ("--format", "nifti", "--json", *([f"--region={limit}"] if region else []))
    one = run("segment", study, "-m", "hippocampus", "-o", tmp_path / "one", *options)
    named = ("--channel", f"FLAIR={flair}", "--channel", f"T1={study}")
    two = run("segment", *named, "-m", two_channel_model, "-o", tmp_path / "two", *options)
    assert one.exit_code == two.exit_code == 0, one.stderr + two.stderr
    assert list(document(two)["inputs"]) == ["T1", "FLAIR"]
    assert "other-grid" in [notice["code"] for notice in document(two)["notices"]]
    expected, found = (read_nifti(tmp_path / name / "segmentation.nii.gz") for name in ("one", "two"))
    assert expected.layers.any()
    np.testing.assert_array_equal(found.layers, expected.layers)


def test_one_channel_is_named_and_the_other_found(run, study, two_channel_model, flair, tmp_path):
    result = run(
        "segment", study, "--channel", f"FLAIR={flair}", "-m", two_channel_model, "-o", tmp_path / "r", "--format",
        "nifti", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    inputs = document(result)["inputs"]
    assert inputs["T1"]["series_instance_uid"]
    assert inputs["FLAIR"]["size_ijk"] == [70, 75, 80]


def test_python_gives_what_the_command_line_gives(run, study, tmp_path):
    result = run("segment", study, "-m", "hippocampus", "-o", tmp_path / "r", "--format", "nifti", "--json")
    segmentation, record = segment_images(study, SegmentationJob(model="hippocampus"))
    np.testing.assert_array_equal(segmentation.layers[0], read_nifti(tmp_path / "r" / "segmentation.nii.gz").layers[0])
    assert [s.volume_ml for s in record.segments] == [s["volume_ml"] for s in document(result)["segments"]]
    region = read_region("0,60,-10,60,-60,40")
    job = SegmentationJob(model="hippocampus", labels=("Anterior hippocampus",), region=region)
    only, _ = segment_images(study, job)
    assert [s.name for s in only.segments] == ["Anterior hippocampus"]
    assert only.series is not None
