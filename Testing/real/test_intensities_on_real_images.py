"""Every step that changes values equals MONAI's transform of the same meaning to 1e-5 on real CT, MR, PET and X-ray."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from MedAISegLib.app.match import match
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.quantities import padding_to_air
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.readers import read_images
from monai import transforms as mt
from steps_compared import RAW_VALUE, STEP_UNIT, prepared, read, transformed

pytestmark = pytest.mark.engine

CHANNELS_OF_A_HEAD = ("T1post", "T1pre_reg", "T2_reg", "FLAIR_reg")
RAW_PET = Path("pet_raw_suv", "STS_001_FDG_PET", "image")


def quarter(volume: Volume, first: int) -> Volume:
    """Half of the rows and columns of each slice, from the given one on."""
    slices, rows, columns = volume.geometry.shape_kji
    return volume.window((0, first, first), (slices, rows // 2, columns // 2))


def padded_ct(folder: Path) -> Volume:
    """With a corner outside of the scanner's circle."""
    (volume,) = read_images(folder)
    return padding_to_air(quarter(volume, 0))


def head_in_four_channels(folder: Path) -> tuple[Volume, ...]:
    by_name = {volume.description: volume for volume in read_images(folder)}
    return tuple(quarter(by_name[name], 128) for name in CHANNELS_OF_A_HEAD)


def radiograph(path: Path) -> Volume:
    """Its red, as SimpleITK reads it."""
    picture = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[..., 0]
    return Volume(picture[None].astype(np.float32), VolumeGeometry((1, *picture.shape), np.eye(4)))


IMAGES: dict[str, Callable[[Path], tuple[Volume, ...]]] = {
    "CT": lambda data: (read(data / "ct_spleen" / "spleen_2_crop_ct.nii.gz"),),
    "CT of a trunk": lambda data: (read(data / "ct_totalsegmentator" / "images" / "example_ct_sm.nii.gz"),),
    "CT with padding": lambda data: (padded_ct(data / "ct_liver_dicom" / "CRLM-CT-1004"),),
    "MR of a head": lambda data: (read(data / "brain_t1" / "chris_t1.nii.gz"),),
    "MR in four channels": lambda data: head_in_four_channels(data / "brain_mr_dicom" / "study1"),
    "PET in SUV": lambda data: (read(data / "pet_ct_mr_sts" / "STS_002" / "nifti" / "PET_image.nii.gz"),),
    "PET in Bq/mL": lambda data: tuple(read_images(data / RAW_PET)),
    "X-ray": lambda data: (radiograph(data / "chest_xray" / "cxr_a_pneumocystis" / "image.jpg"),),
}
STEPS = {
    "clip": (
        op.Clip(-100.0, 200.0),
        mt.Compose(
            [
                mt.ThresholdIntensity(200.0, above=False, cval=200.0),
                mt.ThresholdIntensity(-100.0, above=True, cval=-100.0),
            ]
        ),
        RAW_VALUE,
    ),
    "range": (op.ScaleRange(-57, 164, 0, 1, clip=True), mt.ScaleIntensityRange(-57, 164, 0, 1, clip=True), STEP_UNIT),
    "range, not clipped": (op.ScaleRange(0, 1000, -1, 1), mt.ScaleIntensityRange(0, 1000, -1, 1), RAW_VALUE),
    "CT: HU / 1000": (op.ShiftScale(factor=0.001), mt.ScaleIntensity(None, None, factor=-0.999), STEP_UNIT),
    "CT: HU + 1024": (op.ShiftScale(offset=1024.0), mt.ShiftIntensity(1024.0), RAW_VALUE),
    "X-ray: grey / 255": (op.ShiftScale(factor=1 / 255), mt.ScaleIntensityRange(0, 255, 0, 1), RAW_VALUE),
    "X-ray: grey to 1024": (op.ScaleRange(0, 255, -1024, 1024), mt.ScaleIntensityRange(0, 255, -1024, 1024), RAW_VALUE),
    "min-max": (op.MinMax(-1, 1), mt.ScaleIntensity(-1, 1), STEP_UNIT),
    "min-max of each channel": (
        op.MinMax(0, 1, channel_wise=True),
        mt.ScaleIntensity(0, 1, channel_wise=True),
        STEP_UNIT,
    ),
    "z-score": (op.ZScore(), mt.NormalizeIntensity(), STEP_UNIT),
    "z-score of each channel": (op.ZScore(channel_wise=True), mt.NormalizeIntensity(channel_wise=True), STEP_UNIT),
    "z-score non-zero": (op.ZScore(nonzero=True), mt.NormalizeIntensity(nonzero=True), STEP_UNIT),
    "z-score non-zero of each channel": (
        op.ZScore(nonzero=True, channel_wise=True),
        mt.NormalizeIntensity(nonzero=True, channel_wise=True),
        STEP_UNIT,
    ),
    "z-score given": (op.ZScore(mean=(80.0,), std=(140.0,)), mt.NormalizeIntensity(80.0, 140.0), STEP_UNIT),
    "percentiles": (
        op.ScalePercentiles(2, 98, 0, 1, clip=True),
        mt.ScaleIntensityRangePercentiles(2, 98, 0, 1, clip=True),
        STEP_UNIT,
    ),
    "percentiles of each channel": (
        op.ScalePercentiles(1, 99, 0, 1, clip=True, channel_wise=True),
        mt.ScaleIntensityRangePercentiles(1, 99, 0, 1, clip=True, channel_wise=True),
        STEP_UNIT,
    ),
    "percentiles, not clipped": (
        op.ScalePercentiles(0.5, 99.5, -1, 1),
        mt.ScaleIntensityRangePercentiles(0.5, 99.5, -1, 1),
        STEP_UNIT,
    ),
}


@pytest.fixture(scope="module")
def images(shared_data: Path) -> Callable[[str], tuple[Volume, ...]]:
    return cache(lambda name: IMAGES[name](shared_data))


def compared(name: str, step: str) -> object:
    """A CT, a PET and an X-ray with every step, several channels with what tells them apart; the others take long."""
    quick = name in ("CT", "PET in Bq/mL", "X-ray") or (name == "MR in four channels" and "of each channel" in step)
    return pytest.param(name, step, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("name", "step"), [compared(name, step) for name in IMAGES for step in STEPS])
def test_a_step_on_values_equals_monai(images, name, step):
    operation, transform, tolerance = STEPS[step]
    ours, theirs = prepared([operation], *images(name)), transformed([transform], *images(name))
    np.testing.assert_allclose(ours.values, theirs.as_tensor(), **tolerance)


def suv_from_the_tags(folder: Path) -> np.ndarray:
    """(k, j, i) g/mL of a series whose values are corrected for decay to the start of the scan."""
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    activity = np.stack([one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices])
    tracer = slices[0].RadiopharmaceuticalInformationSequence[0]
    waited_s = seconds(slices[0].SeriesTime) - seconds(tracer.RadiopharmaceuticalStartTime)
    left_bq = float(tracer.RadionuclideTotalDose) * 0.5 ** (waited_s / float(tracer.RadionuclideHalfLife))
    return activity * float(slices[0].PatientWeight) * 1000 / left_bq


def seconds(clock: str) -> float:
    return 3600 * int(clock[:2]) + 60 * int(clock[2:4]) + float(clock[4:])


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_the_logarithm_of_suv_equals_the_formula_from_the_tags_of_a_raw_pet(shared_data, images, scale):
    stage = InferenceStage((op.LogCompress(scale),), Windows(), Argmax())
    spec = ModelSpec(
        id="lesion",
        name="Lesion",
        format="test",
        channels=(Channel("PET", "PT", "SUV"),),
        stages=(stage,),
        segments=(SegmentSpec(1, "Lesion"),),
    )
    ours = prepare(match(spec, images("PET in Bq/mL")), stage).values[0].numpy()
    suv = suv_from_the_tags(shared_data / RAW_PET)
    assert suv.max() > 5
    np.testing.assert_allclose(ours, np.log(1 + np.maximum(suv, 0) / scale), **STEP_UNIT)
