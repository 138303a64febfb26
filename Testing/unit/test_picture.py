"""Pictures: a slice or several; colours serve the channels named after them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.app.match import match
from MedAISegLib.app.study import read_case
from MedAISegLib.core.errors import ConfirmationRequired, InputError
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.readers import list_images, read_images

RANDOM = np.random.default_rng(4)
COLOURED = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 65536, (5, 7), dtype=np.uint16)


def write(path: Path, pixels: np.ndarray) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=pixels.ndim > 2 and pixels.shape[-1] in (2, 3, 4)), path)
    return path


def spec(names: tuple[str, ...], *, windows: Windows) -> ModelSpec:
    stage = InferenceStage((), windows, Argmax())
    return ModelSpec("flat", "Flat", "x", tuple(map(Channel, names)), (stage,), (SegmentSpec(1, "tool"),))


SLICES = Windows((0, 0, 1))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.BMP"])
def test_a_coloured_picture_is_a_volume_a_colour(tmp_path: Path, name: str) -> None:
    volumes = read_images(write(tmp_path / name, COLOURED))
    assert [volume.description for volume in volumes] == [f"{name} ({c})" for c in ("R, red", "G, green", "B, blue")]
    for number, volume in enumerate(volumes):
        np.testing.assert_array_equal(volume.voxels, COLOURED[None, :, :, number])
    assert volumes[0].geometry.shape_kji == (1, 5, 7)
    np.testing.assert_array_equal(volumes[0].geometry.index_to_lps([0, 2, 3]), [3, 2, 0])
    assert [notice.code for notice in volumes[0].notices] == ["picture-scale"]


def test_a_grey_picture_is_one_image_of_its_own_depth(tmp_path: Path) -> None:
    (volume,) = read_images(write(tmp_path / "a.png", GREY))
    assert volume.voxels.dtype == np.uint16
    np.testing.assert_array_equal(volume.voxels[0], GREY)


def test_a_grey_picture_stored_in_colours_is_one_image(tmp_path: Path) -> None:
    (volume,) = read_images(write(tmp_path / "a.png", np.repeat(COLOURED[..., :1], 3, axis=2)))
    np.testing.assert_array_equal(volume.voxels[0], COLOURED[..., 0])


def test_transparency_is_left_out_and_said(tmp_path: Path) -> None:
    volumes = read_images(write(tmp_path / "a.png", np.dstack([COLOURED, COLOURED[..., :1]])))
    assert len(volumes) == 3
    assert "picture-transparency" in [notice.code for notice in volumes[0].notices]


def test_pages_are_slices(tmp_path: Path) -> None:
    pages = RANDOM.integers(0, 256, (4, 5, 7), dtype=np.uint8)
    (volume,) = read_images(write(tmp_path / "a.tif", pages))
    np.testing.assert_array_equal(volume.voxels, pages)


def test_a_preview_beside_an_image_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "preview.png", COLOURED)
    write(tmp_path / "scan.nii.gz", GREY.astype(np.float32)[None].repeat(4, axis=0))
    (listing,) = list_images(tmp_path)
    assert listing.description == "scan.nii.gz"
    assert "files-passed-over" in [notice.code for notice in listing.notices]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n half a header"])
def test_a_damaged_picture_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_images(tmp_path / "a.png")


@pytest.mark.parametrize("names", [("R", "G", "B"), ("red", "green", "blue"), ("B", "G", "R")])
def test_colours_serve_the_channels_that_are_named_after_them(tmp_path: Path, names: tuple[str, ...]) -> None:
    case = read_case(spec(names, windows=SLICES), write(tmp_path / "a.png", COLOURED))
    assert list(case.channels) == list(names)
    for name, volume in case.channels.items():
        np.testing.assert_array_equal(volume.voxels[0], COLOURED[..., "rgb".index(name[0].lower())])


@pytest.mark.parametrize("names", [("R", "G", "B"), ("B", "G", "R")])
def test_the_volumes_of_a_picture_serve_as_the_picture_itself(tmp_path: Path, names: tuple[str, ...]) -> None:
    wanted, path = spec(names, windows=SLICES), write(tmp_path / "a.png", COLOURED)
    case = match(wanted, read_images(path))
    for name, volume in case.channels.items():
        np.testing.assert_array_equal(volume.voxels[0], COLOURED[..., "RGB".index(name)])


def test_the_volumes_of_two_pictures_are_not_taken_for_one(tmp_path: Path) -> None:
    volumes = [*read_images(write(tmp_path / "a.png", COLOURED)), *read_images(write(tmp_path / "b.png", COLOURED))]
    with pytest.raises(InputError, match="there are 6 volumes of colours, and a picture has three"):
        match(spec(("R", "G", "B"), windows=SLICES), volumes)


def test_a_grey_picture_serves_all_colours(tmp_path: Path) -> None:
    case = read_case(spec(("R", "G", "B"), windows=SLICES), write(tmp_path / "a.png", GREY))
    assert len(case.channels) == 3
    for volume in case.channels.values():
        np.testing.assert_array_equal(volume.voxels[0], GREY)


def test_a_model_of_grey_images_gets_the_luminance_of_a_coloured_one_and_it_is_said(tmp_path: Path) -> None:
    case = read_case(spec(("image",), windows=SLICES), write(tmp_path / "a.png", COLOURED))
    luma = COLOURED @ np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(case.first.voxels[0], luma, rtol=1e-5)
    assert "colour-to-grey" in [notice.code for notice in case.first.notices]


def test_of_two_pictures_the_user_has_to_choose_one(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.png", COLOURED), write(tmp_path / "b.png", COLOURED[::-1])
    wanted = spec(("R", "G", "B"), windows=SLICES)
    with pytest.raises(InputError, match=r"a\.png"):
        read_case(wanted, tmp_path)
    case = read_case(wanted, None, channels={"R": str(two)})
    np.testing.assert_array_equal(case.channels["B"].voxels[0], COLOURED[::-1, :, 2])
    assert one.exists()


def test_a_model_of_slices_takes_a_single_one_without_asking(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", COLOURED)
    assert list(read_case(spec(("R", "G", "B"), windows=SLICES), path).channels) == ["R", "G", "B"]
    with pytest.raises(ConfirmationRequired, match="made for volumes"):
        read_case(spec(("R", "G", "B"), windows=Windows()), path)
