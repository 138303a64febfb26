"""The sample study: the same for the same seed, oblique, complete as DICOM, and labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from MedAISegLib.app.sample_study import (
    ATLAS_FILE,
    CENTRE_LPS_MM,
    SHAPE_KJI,
    SPACING_KJI_MM,
    Sample,
    draw_sample,
    write_sample_study,
)
from pydicom.dataset import Dataset

SEED = 3


@pytest.fixture(scope="module")
def sample() -> Sample:
    return draw_sample(SEED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_sample_study(folder, seed=SEED, with_labels=True)
    return folder


@pytest.fixture(scope="module")
def slices(folder: Path) -> list[Dataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]


def test_the_atlas_is_small_keeps_no_more_than_five_modes_and_says_its_licence() -> None:
    assert ATLAS_FILE.stat().st_size < 2_000_000
    with np.load(ATLAS_FILE) as atlas:
        assert len(atlas["shape_modes"]) == len(atlas["intensity_modes"]) == len(atlas["variance_share"]) <= 5
    assert "CC BY-SA 4.0" in ATLAS_FILE.with_name("LICENSE").read_text(encoding="utf-8")


def test_same_seed_draws_the_same_sample(sample: Sample) -> None:
    again = draw_sample(SEED)
    assert np.array_equal(again.voxels, sample.voxels)
    assert np.array_equal(again.labels, sample.labels)


def test_other_seed_draws_another_shape(sample: Sample) -> None:
    other = draw_sample(SEED + 1)
    assert (other.labels != sample.labels).sum() > 50


def test_same_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for path in write_sample_study(tmp_path, seed=SEED):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_both_parts_have_a_plausible_volume(sample: Sample) -> None:
    voxel_ml = np.prod(SPACING_KJI_MM) / 1000
    anterior_ml, posterior_ml = np.bincount(sample.labels.ravel(), minlength=3)[1:] * voxel_ml
    assert 1.0 < anterior_ml < 2.6
    assert 0.9 < posterior_ml < 2.2


def test_anterior_part_lies_in_front_of_the_posterior_part(sample: Sample) -> None:
    anterior, posterior = (_centroid_lps(sample, value) for value in (1, 2))
    assert posterior[1] - anterior[1] > 8  # y runs to the posterior side


def test_hippocampus_stays_at_its_place_in_the_patient(sample: Sample) -> None:
    index = np.argwhere(sample.labels > 0).mean(0)
    assert np.allclose(sample.affine_lps[:3, :3] @ index + sample.affine_lps[:3, 3], CENTRE_LPS_MM, atol=4)


def test_no_axis_lies_along_the_patient(sample: Sample) -> None:
    directions = sample.affine_lps[:3, :3] / np.linalg.norm(sample.affine_lps[:3, :3], axis=0)
    assert np.allclose(directions.T @ directions, np.eye(3))
    assert np.abs(directions).max() < np.cos(np.radians(10))


def test_slice_geometry_is_that_of_the_affine(sample: Sample, slices: list[Dataset]) -> None:
    for k, dataset in enumerate(slices):
        along_i, along_j = np.reshape(np.array(dataset.ImageOrientationPatient, float), (2, 3))
        row_spacing, column_spacing = map(float, dataset.PixelSpacing)
        assert np.allclose(np.array(dataset.ImagePositionPatient, float), (sample.affine_lps @ [k, 0, 0, 1])[:3])
        assert np.allclose(along_j * row_spacing, sample.affine_lps[:3, 1])
        assert np.allclose(along_i * column_spacing, sample.affine_lps[:3, 2])


def test_pixels_are_the_voxels(sample: Sample, slices: list[Dataset]) -> None:
    stored = np.stack([np.frombuffer(s.PixelData, "<i2").reshape(s.Rows, s.Columns) for s in slices])
    assert stored.shape == SHAPE_KJI
    assert np.abs(stored - sample.voxels).max() <= 0.5


def test_series_is_one_and_each_slice_its_own_instance(slices: list[Dataset]) -> None:
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPClassUID"):
        assert len({dataset[keyword].value for dataset in slices}) == 1
    uids = {dataset.SOPInstanceUID for dataset in slices}
    assert len(uids) == len(slices)
    assert all(uid.is_valid and uid.startswith("2.25.") for uid in uids)
    assert all(s.file_meta.MediaStorageSOPInstanceUID == s.SOPInstanceUID for s in slices)


def test_series_says_what_it_is(slices: list[Dataset]) -> None:
    first = slices[0]
    assert (first.Modality, first.SeriesDescription) == ("MR", "T1 hippocampus sample")
    assert str(first.PatientName) == "MedAISeg^Sample"
    assert first.ImageType[0] == "DERIVED"


def test_labels_are_saved_only_when_asked_for(sample: Sample, folder: Path, tmp_path: Path) -> None:
    write_sample_study(tmp_path, seed=SEED)
    assert not list(tmp_path.glob("*.npz"))
    with np.load(folder / "labels.npz") as saved:
        assert np.array_equal(saved["labels"], sample.labels)
        assert np.array_equal(saved["affine_lps"], sample.affine_lps)


def _centroid_lps(sample: Sample, value: int) -> np.ndarray:
    index = np.argwhere(sample.labels == value).mean(0)
    return sample.affine_lps[:3, :3] @ index + sample.affine_lps[:3, 3]
