"""The embedded model on real cases that it was never trained on: its card's figures, on any grid."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.core.region import OrientedBox, read_region
from MedAISegLib.core.segmentation import Segmentation
from MedAISegLib.models.store import find_model, size_bytes
from MedAISegLib.readers import read_images

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).parents[2]
LEAST_MEAN_DICE = {"anterior": 0.89, "posterior": 0.87}
MOST_BYTES = 10_000_000
HIPPOCAMPI_OF_THE_104_CLASSES = {"left": 77, "right": 78}
BOX_MM = np.array([45.0, 65.0, 50.0])


def validation_names() -> list[str]:
    folds = REPOSITORY / "training" / "hippocampus" / "folds.json"
    names: list[str] = json.loads(folds.read_text(encoding="utf-8"))["validation"][0]
    return names


@cache
def model() -> Any:
    from MedAISegLib.app.segment import load_model, open_model

    return load_model(open_model("hippocampus"))


def segmented(path: Path, region: OrientedBox | None = None) -> Segmentation:
    from MedAISegLib.app.segment import run

    job = SegmentationJob("hippocampus", device="cpu", region=region)
    segmentation, _ = run(job, read_images(path), model=model())
    return segmentation


def dice(found: np.ndarray, true: np.ndarray) -> float:
    return 2 * np.count_nonzero(found & true) / (np.count_nonzero(found) + np.count_nonzero(true))


def scores(shared_data: Path, name: str) -> list[float]:
    segmentation = segmented(shared_data / "hippocampus" / "images" / f"{name}.nii.gz")
    labels = np.asarray(nib.load(shared_data / "hippocampus" / "labels" / f"{name}.nii.gz").dataobj).T
    return [dice(segmentation.mask(segment), labels == segment.label_value) for segment in segmentation.segments]


def test_it_fits_into_ten_megabytes() -> None:
    assert size_bytes(find_model("hippocampus")) <= MOST_BYTES


@pytest.mark.slow
def test_its_mean_dice_is_that_of_its_card(shared_data: Path) -> None:
    card = json.loads((find_model("hippocampus") / "configs" / "metadata.json").read_text(encoding="utf-8"))
    values = np.array([scores(shared_data, name) for name in validation_names()])
    assert len(values) == 40
    for (part, least), mean in zip(LEAST_MEAN_DICE.items(), values.mean(axis=0), strict=True):
        assert mean >= least, f"{part}: {mean:.4f}"
        assert mean == pytest.approx(card["eval_metrics"][f"mean_dice_{part}"], abs=1e-3)


@pytest.mark.parametrize("side", HIPPOCAMPI_OF_THE_104_CLASSES)
def test_in_a_box_of_a_whole_head_it_agrees_with_another_network_as_its_card_says(shared_data: Path, side: str) -> None:
    labels = sitk.ReadImage(str(shared_data / "models" / "meshnet" / "reference_t1_crop_model21_104class.nii.gz"))
    expected = sitk.GetArrayFromImage(labels) == HIPPOCAMPI_OF_THE_104_CLASSES[side]
    ends = np.argwhere(expected)[:, ::-1].astype(float)
    points = np.array([labels.TransformContinuousIndexToPhysicalPoint(index) for index in ends[::20]])
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    box = zip(center - BOX_MM / 2, center + BOX_MM / 2, strict=True)
    region = read_region(",".join(f"{end:.2f}" for ends_mm in box for end in ends_mm))
    found = segmented(shared_data / "brain_t1" / "t1_crop.nii.gz", region)
    assert dice(found.layers[0] > 0, expected) > 0.75


@pytest.mark.parametrize("axes", ["LPS", "IRP", "SLA"])
def test_the_order_of_the_axes_does_not_matter(shared_data: Path, tmp_path: Path, axes: str) -> None:
    path = shared_data / "hippocampus" / "images" / f"{validation_names()[0]}.nii.gz"
    image = nib.load(path)
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(axes))
    nib.save(image.as_reoriented(turn), tmp_path / "turned.nii")
    expected = nib.Nifti1Image(segmented(path).layers[0].T, image.affine).as_reoriented(turn)
    found = segmented(tmp_path / "turned.nii").layers[0].T
    assert np.count_nonzero(found) > 1000
    np.testing.assert_array_equal(found, np.asarray(expected.dataobj))


@pytest.mark.parametrize("change", [(3.7, 250.0), (0.02, 0.0)])
def test_the_unit_of_the_intensities_does_not_matter(shared_data: Path, tmp_path: Path, change: tuple) -> None:
    path = shared_data / "hippocampus" / "images" / f"{validation_names()[0]}.nii.gz"
    image = nib.load(path)
    factor, offset = change
    voxels = np.asarray(image.dataobj, dtype=np.float32) * factor + offset
    nib.save(nib.Nifti1Image(voxels.astype(np.float32), image.affine), tmp_path / "changed.nii")
    found, expected = segmented(tmp_path / "changed.nii").layers[0], segmented(path).layers[0]
    assert dice(found > 0, expected > 0) > 0.999
