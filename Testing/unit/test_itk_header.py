"""Units and frames of NRRD and MetaImage: honoured where they are stated, said or asked about where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.core.errors import ConfirmationRequired
from MedAISegLib.core.volume import Volume
from MedAISegLib.readers import list_images, read_images

SIZE_IJK = (4, 5, 6)
VOXELS = np.arange(120, dtype="<i2")
PLACED = "space directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)"
SPACED = "spacings: 1 1 2"


def write_nrrd(folder: Path, *lines: str, sizes: str = "4 5 6") -> Path:
    head = f"NRRD0005\ntype: short\ndimension: {len(sizes.split())}\nsizes: {sizes}\nencoding: raw\nendian: little\n"
    path = folder / "a.nrrd"
    path.write_bytes((head + "\n".join(lines) + "\n\n").encode() + VOXELS.tobytes())
    return path


def write_metaimage(folder: Path, *lines: str) -> Path:
    head = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    tail = "DimSize = 4 5 6\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    path = folder / "a.mha"
    path.write_bytes((head + "".join(f"{line}\n" for line in lines) + tail).encode() + VOXELS.tobytes())
    return path


def read_one(path: Path) -> tuple[Volume, list[str]]:
    (volume,) = read_images(path)
    np.testing.assert_array_equal(volume.voxels.ravel(), VOXELS)
    return volume, [notice.code for notice in volume.notices]


def question_of(path: Path) -> str:
    (listing,) = list_images(path)
    assert isinstance(listing.problem, ConfirmationRequired)
    (volume,) = read_images(path, accept=True)
    assert "assumption-accepted" in [notice.code for notice in volume.notices]
    return listing.problem.what


@pytest.mark.parametrize(
    ("unit", "factor"), [("m", 1000), ("cm", 10), ("um", 1e-3), ("µm", 1e-3), ("microns", 1e-3), ("mm", 1)]
)
def test_lengths_of_a_nrrd_are_converted_from_the_unit_that_it_states(tmp_path, unit, factor) -> None:
    path = write_nrrd(tmp_path, "space: RAS", f'space units: "{unit}" "{unit}" "{unit}"', PLACED)
    volume, codes = read_one(path)
    np.testing.assert_allclose(volume.geometry.spacing_mm, np.multiply((2, 1, 1), factor))
    np.testing.assert_allclose(volume.geometry.origin_lps, np.multiply((-1, -2, 3), factor))
    assert volume.geometry.axis_codes() == "SAR"
    assert codes == (["units"] if factor != 1 else [])


def test_units_of_the_axes_count_where_there_is_no_space(tmp_path) -> None:
    volume, codes = read_one(write_nrrd(tmp_path, SPACED, 'units: "cm" "cm" "cm"'))
    np.testing.assert_allclose(volume.geometry.spacing_mm, (20, 10, 10))
    assert codes == ["units", "no-orientation"]


@pytest.mark.parametrize("units", ['"furlong" "furlong" "furlong"', '"mm" "cm" "mm"', '"mm" "mm" ""'])
def test_lengths_in_no_one_unit_are_asked_about(tmp_path, units) -> None:
    path = write_nrrd(tmp_path, "space: LPS", f"space units: {units}", PLACED)
    assert "no one unit of length" in question_of(path)


@pytest.mark.parametrize("space", ["scanner-xyz", "3D-right-handed"])
def test_a_frame_that_is_not_the_patients_is_said(tmp_path, space) -> None:
    volume, codes = read_one(write_nrrd(tmp_path, f"space: {space}", PLACED))
    assert codes == ["no-orientation"]
    assert space in volume.notices[0].message


def test_a_left_handed_frame_is_asked_about(tmp_path) -> None:
    assert "left and right may be exchanged" in question_of(write_nrrd(tmp_path, "space: 3D-left-handed", PLACED))


@pytest.mark.parametrize(
    ("space", "codes"), [("RAST", "SAR"), ("LAST", "SAL"), ("LPST", "SPL"), ("RAS", "SAR"), ("LAS", "SAL")]
)
def test_a_patients_frame_with_time_is_turned_as_that_without(tmp_path, space, codes) -> None:
    lines = PLACED.replace(")", ",0)") + "\nkinds: domain domain domain time"
    lines = lines.replace("(0,0,2,0)", "(0,0,2,0) (0,0,0,3)") if space.endswith("T") else PLACED
    path = write_nrrd(tmp_path, f"space: {space}", lines, sizes="4 5 3 2" if space.endswith("T") else "4 5 6")
    volume = read_images(path)[0]
    assert volume.geometry.axis_codes() == codes
    signs = {"R": (-1, -1, 1), "L": (1, 1, 1)} if "AS" not in space else {"R": (-1, -1, 1), "L": (1, -1, 1)}
    np.testing.assert_allclose(volume.geometry.origin_lps, np.multiply((1, 2, 3), signs[space[0]]))


@pytest.mark.parametrize("line", ["", "space: LPS", "spacings: 1 1 nan"])
def test_a_nrrd_without_spacing_is_asked_about(tmp_path, line) -> None:
    assert "1 mm is assumed" in question_of(write_nrrd(tmp_path, *([line] if line else [])))


@pytest.mark.parametrize("spacing", ["-1 1 2", "0 1 2", "1 1 1e308"])
def test_a_spacing_that_is_no_length_is_refused(tmp_path, spacing) -> None:
    for path in (
        write_metaimage(tmp_path, "TransformMatrix = 1 0 0 0 1 0 0 0 1", f"ElementSpacing = {spacing}"),
        write_nrrd(tmp_path, f"spacings: {spacing}"),
    ):
        (listing,) = list_images(path, accept=True)
        assert listing.problem is not None


MATRIX = "TransformMatrix = 1 0 0 0 1 0 0 0 1"


@pytest.mark.parametrize(("unit", "factor"), [("cm", 10), ("um", 1e-3), ("m", 1000), ("mm", 1), ("?", 1)])
def test_lengths_of_a_metaimage_are_converted_from_the_unit_that_it_states(tmp_path, unit, factor) -> None:
    path = write_metaimage(tmp_path, MATRIX, "Offset = 1 2 3", "ElementSpacing = 1 1 2", f"DistanceUnits = {unit}")
    volume, codes = read_one(path)
    np.testing.assert_allclose(volume.geometry.spacing_mm, np.multiply((2, 1, 1), factor))
    np.testing.assert_allclose(volume.geometry.origin_lps, np.multiply((1, 2, 3), factor))
    assert codes == (["units"] if factor != 1 else [])


@pytest.mark.parametrize("line", ["", "AnatomicalOrientation = ???"])
def test_a_metaimage_that_does_not_say_how_it_lies_is_said_to(tmp_path, line) -> None:
    _, codes = read_one(write_metaimage(tmp_path, "ElementSpacing = 1 1 2", *([line] if line else [])))
    assert codes == ["no-orientation"]


@pytest.mark.parametrize("line", ["Rotation = 1 0 0 0 1 0 0 0 1", MATRIX, "AnatomicalOrientation = RAI"])
def test_a_metaimage_that_says_how_it_lies_needs_no_word(tmp_path, line) -> None:
    _, codes = read_one(write_metaimage(tmp_path, "ElementSize = 1 1 2", line))
    assert not codes


def test_letters_that_programs_read_in_opposite_ways_are_asked_about(tmp_path) -> None:
    path = write_metaimage(tmp_path, "ElementSpacing = 1 1 2", "AnatomicalOrientation = RAS")
    assert "AnatomicalOrientation RAS only" in question_of(path)


def test_a_metaimage_without_spacing_is_asked_about(tmp_path) -> None:
    assert "1 mm is assumed" in question_of(write_metaimage(tmp_path, MATRIX))


@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
@pytest.mark.parametrize("size", [SIZE_IJK, SIZE_IJK[:2]])
def test_what_itk_writes_leaves_nothing_open(tmp_path, name, size) -> None:
    sitk.WriteImage(sitk.Image(size, sitk.sitkInt16), str(tmp_path / name))
    (listing,) = list_images(tmp_path / name)
    assert listing.problem is None
    assert "units" not in {notice.code for notice in listing.notices}


def test_a_flat_image_in_other_units_is_a_millimetre_thick(tmp_path) -> None:
    path = write_nrrd(tmp_path, "spacings: 1 2", 'units: "cm" "cm"', sizes="4 30")
    volume, _ = read_one(path)
    np.testing.assert_allclose(volume.geometry.spacing_mm, (1, 20, 10))
