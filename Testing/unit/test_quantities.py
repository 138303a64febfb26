"""HU without padding, SUV by body weight, values that are numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.quantities import (
    GE_SCAN_DATE_TIME,
    PADDING_VALUES,
    PHILIPS_ACTIVITY_FACTOR,
    PHILIPS_SUV_FACTOR,
    check_finite,
    padding_to_air,
    to_suv_bw,
)
from MedAISegLib.core.volume import SeriesReference, Volume

PET = {
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": "DECY\\ATTN\\SCAT",
    "PatientWeight": "70",
    "RadionuclideTotalDose": "3.5E8",
    "RadionuclideHalfLife": "6586.2",
    "RadiopharmaceuticalStartTime": "100000",
    "SeriesDate": "20200102",
    "SeriesTime": "110000.00",
    "AcquisitionDate": "20200102",
    "AcquisitionTime": "110000",
}
AFTER_AN_HOUR = 70_000 / (3.5e8 * 0.5 ** (3600 / 6586.2))


def volume(values: object, attributes: dict[str, str] | None = None, dtype: type = np.float32) -> Volume:
    voxels = np.array(values, dtype=dtype).reshape(1, 2, -1)
    return Volume(voxels, VolumeGeometry(voxels.shape, np.eye(4)), attributes=attributes or {}, description="scan")


def factor(**changes: str | None) -> float:
    attributes = {key: value for key, value in (PET | changes).items() if value is not None}
    return float(to_suv_bw(volume([1.0, 2.0], attributes)).voxels[0, 1, 0] / 2.0)


def test_values_that_are_numbers_pass() -> None:
    check_finite(volume([1.0, -2.0]))
    check_finite(volume([1, 2], dtype=np.int16))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_counted(bad: float) -> None:
    with pytest.raises(InputError, match="2 of its 4 voxels"):
        check_finite(volume([1.0, bad, bad, 2.0]))
    with pytest.raises(InputError, match="no voxel of it"):
        check_finite(volume([bad, bad]))


def test_padding_becomes_air() -> None:
    scan = volume([-3024, -1024, -1000, 40], {PADDING_VALUES: "-3024\\-3024"}, np.int16)
    air = padding_to_air(scan)
    assert air.voxels.ravel().tolist() == [-1024, -1024, -1000, 40]
    assert air.voxels.dtype == np.int16
    assert [notice.code for notice in air.notices] == ["padding-to-air"]
    assert scan.voxels.ravel()[0] == -3024


def test_a_range_of_padding_becomes_air() -> None:
    scan = volume([-1010, -1005, -1000, 40], {PADDING_VALUES: "-1010\\-1005"}, np.int16)
    assert padding_to_air(scan).voxels.ravel().tolist() == [-1024, -1024, -1000, 40]


def test_what_lies_below_air_becomes_air_without_a_tag() -> None:
    assert padding_to_air(volume([-2000.0, 5.0])).voxels.ravel().tolist() == [-1024.0, 5.0]


def test_a_ct_without_padding_is_left_alone() -> None:
    scan = volume([-1024, 30], {PADDING_VALUES: "-3024\\-3024"}, np.int16)
    assert padding_to_air(scan) is scan


def test_a_padding_value_that_is_tissue_too_stays_and_is_said() -> None:
    scan = padding_to_air(volume([0, 30], {PADDING_VALUES: "0\\0"}, np.int16))
    assert scan.voxels.ravel().tolist() == [0, 30]
    assert [notice.code for notice in scan.notices] == ["padding-ambiguous"]


def test_activity_becomes_suv_by_weight_and_decayed_dose() -> None:
    assert factor() == pytest.approx(AFTER_AN_HOUR, rel=1e-6)


def test_an_image_corrected_to_the_administration_needs_no_decay() -> None:
    assert factor(DecayCorrection="ADMIN", RadionuclideHalfLife=None) == pytest.approx(70_000 / 3.5e8, rel=1e-6)


def test_a_scan_after_midnight_follows_an_injection_before_it() -> None:
    shifted = factor(RadiopharmaceuticalStartTime="233000", SeriesTime="003000", AcquisitionTime="003000")
    assert shifted == pytest.approx(AFTER_AN_HOUR, rel=1e-6)


@pytest.mark.parametrize("rest", ["", ".00+0100", ".00-0500", "\\20200102103000"])
def test_a_full_injection_time_is_preferred_without_its_zone_and_what_comes_after_the_first(rest: str) -> None:
    found = factor(RadiopharmaceuticalStartDateTime=f"20200102100000{rest}", RadiopharmaceuticalStartTime="093000")
    assert found == pytest.approx(AFTER_AN_HOUR, rel=1e-6)


def test_a_fraction_of_a_second_counts() -> None:
    found = factor(RadiopharmaceuticalStartTime="095959.5")
    assert found == pytest.approx(AFTER_AN_HOUR * 2 ** (0.5 / 6586.2), rel=1e-6)


def test_a_series_time_after_the_acquisition_is_that_of_reprocessing() -> None:
    assert factor(SeriesTime="170000") == pytest.approx(AFTER_AN_HOUR, rel=1e-6)
    found = factor(SeriesTime="170000", AcquisitionTime="111500", **{GE_SCAN_DATE_TIME: "20200102110000.00"})
    assert found == pytest.approx(AFTER_AN_HOUR, rel=1e-6)


def test_suv_is_never_made_twice() -> None:
    once = to_suv_bw(volume([1.0, 2.0], PET))
    assert once.attributes["Units"] == "GML"
    assert to_suv_bw(once) is once


def test_an_image_without_units_is_taken_as_suv_and_said() -> None:
    found = to_suv_bw(volume([1.0, 2.0]))
    assert found.voxels.ravel().tolist() == [1.0, 2.0]
    assert [notice.code for notice in found.notices] == ["suv-assumed"]


def test_a_dicom_pet_without_units_is_refused() -> None:
    scan = replace(volume([1.0] * 4), modality="PT", series=SeriesReference("1", "2"), attributes={})
    with pytest.raises(InputError, match="Units is missing"):
        to_suv_bw(scan)


def test_counts_use_the_makers_factors() -> None:
    assert factor(Units="CNTS", **{PHILIPS_SUV_FACTOR: "0.002"}) == pytest.approx(0.002)
    by_activity = factor(Units="CNTS", **{PHILIPS_SUV_FACTOR: "0", PHILIPS_ACTIVITY_FACTOR: "1.5"})
    assert by_activity == pytest.approx(1.5 * AFTER_AN_HOUR, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PatientWeight": None}, "PatientWeight is missing"),
        ({"PatientWeight": "0"}, "PatientWeight is 0"),
        ({"RadionuclideTotalDose": None}, "RadionuclideTotalDose"),
        ({"RadionuclideTotalDose": "350"}, "looks like MBq"),
        ({"RadionuclideHalfLife": None}, "RadionuclideHalfLife"),
        ({"RadiopharmaceuticalStartTime": None}, "RadiopharmaceuticalStartTime"),
        ({"RadiopharmaceuticalStartTime": "noon"}, "is no time"),
        ({"SeriesTime": None, "AcquisitionTime": None}, "SeriesTime and AcquisitionTime"),
        ({"DecayCorrection": "NONE"}, "DecayCorrection is NONE"),
        ({"DecayCorrection": None}, "DecayCorrection is missing"),
        ({"CorrectedImage": "DECY"}, "ATTN"),
        ({"RadiopharmaceuticalStartDateTime": "20200102120000"}, "before the injection"),
        ({"RadiopharmaceuticalStartDateTime": "20180102100000"}, "after the injection"),
        ({"Units": "CNTS"}, "Philips"),
        ({"Units": "CNTS", PHILIPS_SUV_FACTOR: "none"}, "Philips"),
        ({"PatientWeight": "inf"}, "PatientWeight is inf"),
        ({"Units": "PROPCPS"}, "PROPCPS"),
        ({"Units": "GML", "SUVType": "LBM"}, "LBM"),
    ],
)
def test_what_the_calculation_lacks_is_named(changes: dict[str, str | None], named: str) -> None:
    with pytest.raises(InputError, match=named):
        factor(**changes)
