"""Radiographs and secondary captures give what the same pixels give as PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_pictures import write_palette, write_picture
from MedAISegLib.app.study import read_case
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import InputError
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.readers import list_images, read_images
from pydicom.pixels import convert_color_space

RANDOM = np.random.default_rng(7)
COLOURED = RANDOM.integers(0, 256, (6, 8, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 4096, (6, 8), dtype=np.uint16)
TWELVE_BITS = {"BitsStored": 12, "HighBit": 11}


def spec(*names: str) -> ModelSpec:
    stage = InferenceStage((), Windows((0, 0, 1)), Argmax())
    return ModelSpec("flat", "Flat", "x", tuple(map(Channel, names)), (stage,), (SegmentSpec(1, "tool"),))


COLOURS, ONE = spec("R", "G", "B"), spec("image")


def as_png(folder: Path, pixels: np.ndarray, wanted: ModelSpec) -> Case:
    image = sitk.GetImageFromArray(pixels, isVector=pixels.ndim == 3)
    sitk.WriteImage(image, folder / "same.png")
    return read_case(wanted, folder / "same.png")


def assert_equal(found: Case, expected: Case, atol: float = 0.0) -> None:
    assert list(found.channels) == list(expected.channels)
    for name, volume in found.channels.items():
        np.testing.assert_allclose(volume.voxels, expected.channels[name].voxels.astype(np.float64), atol=atol)


@pytest.mark.parametrize("wanted", [COLOURS, ONE], ids=["colours", "grey"])
def test_an_rgb_capture_is_the_coloured_picture(tmp_path: Path, wanted: ModelSpec) -> None:
    path = write_picture(tmp_path / "a.dcm", COLOURED, "RGB")
    assert_equal(read_case(wanted, path), as_png(tmp_path, COLOURED, wanted))


def test_colours_that_lie_plane_by_plane_are_the_same(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(COLOURED.transpose(2, 0, 1)).tobytes()
    path = write_picture(tmp_path / "a.dcm", COLOURED, "RGB", PlanarConfiguration=1, PixelData=planes)
    assert_equal(read_case(COLOURS, path), as_png(tmp_path, COLOURED, COLOURS))


def test_ybr_is_converted_up_to_its_rounding(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.dcm", convert_color_space(COLOURED, "RGB", "YBR_FULL"), "YBR_FULL")
    assert_equal(read_case(COLOURS, path), as_png(tmp_path, COLOURED, COLOURS), atol=2)


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    palette = RANDOM.integers(0, 256, (16, 3), dtype=np.uint8)
    numbers = RANDOM.integers(0, 16, (6, 8), dtype=np.uint8)
    path = write_palette(tmp_path / "a.dcm", numbers, palette)
    assert_equal(read_case(COLOURS, path), as_png(tmp_path, palette[numbers], COLOURS))


def test_a_capture_that_is_grey_in_colours_is_one_image(tmp_path: Path) -> None:
    grey = np.repeat(COLOURED[..., :1], 3, axis=2)
    (volume,) = read_images(write_picture(tmp_path / "a.dcm", grey, "RGB"))
    np.testing.assert_array_equal(volume.voxels[0], COLOURED[..., 0])
    assert_equal(read_case(COLOURS, tmp_path / "a.dcm"), as_png(tmp_path, grey, COLOURS))
    assert "colour-to-grey" not in [notice.code for notice in volume.notices]


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("wanted", [COLOURS, ONE], ids=["colours", "grey"])
def test_a_radiograph_is_bright_where_it_is_shown_bright(tmp_path: Path, photometric: str, wanted: ModelSpec) -> None:
    stored = 4095 - GREY if photometric == "MONOCHROME1" else GREY
    path = write_picture(tmp_path / "a.dcm", stored, photometric, "CR", **TWELVE_BITS, PixelSpacing=[0.2, 0.2])
    found = read_case(wanted, path)
    assert_equal(found, as_png(tmp_path, GREY, wanted))
    np.testing.assert_allclose(found.geometry.spacing_mm, (1.0, 0.2, 0.2))
    assert ("inverted" in [n.code for n in found.first.notices]) == (photometric == "MONOCHROME1")


def test_a_coloured_capture_says_so_before_it_is_read(tmp_path: Path) -> None:
    (listing,) = list_images(write_picture(tmp_path / "a.dcm", COLOURED, "RGB"))
    assert listing.attributes["PhotometricInterpretation"] == "RGB"
    assert listing.problem is None


def test_a_clip_of_pictures_is_refused_with_the_reason(tmp_path: Path) -> None:
    clip = np.concatenate([COLOURED, COLOURED])
    path = write_picture(tmp_path / "a.dcm", clip, "RGB", "US", NumberOfFrames=2, Rows=6)
    with pytest.raises(InputError, match="colour image"):
        read_case(COLOURS, path)


def test_a_capture_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.dcm", COLOURED, "RGB")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="cut short"):
        read_case(COLOURS, path)


def test_pixels_measured_at_the_detector_are_said_to_be(tmp_path: Path) -> None:
    write_picture(tmp_path / "a", GREY, "MONOCHROME2", "DX", ImagerPixelSpacing=[0.2, 0.1])
    (volume,) = read_images(tmp_path / "a")
    (notice,) = (notice for notice in volume.notices if notice.code == "no-position")
    assert "at the detector" in notice.message
    assert volume.geometry.spacing_mm[1:] == pytest.approx((0.2, 0.1))
