"""Uncompressed pixels that are read from their place are what pydicom makes of the file; what is odd is left to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.readers import list_images, read_listing
from MedAISegLib.readers.dicom_header import read_header
from MedAISegLib.readers.dicom_pixels import stored_values, values_of
from MedAISegLib.readers.dicom_records import Frame
from phantom import Phantom, straight, write_enhanced, write_series
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

TWELVE_BITS = {"BitsStored": 12, "HighBit": 11}


def write(folder: Path, **tags: Any) -> Path:
    write_series(folder, Phantom(straight(1), slope=1.0), **tags)
    (path,) = folder.iterdir()
    return path


def frames_of(path: Path) -> tuple[Frame, ...]:
    instance = read_header(path)
    assert instance is not None
    return instance.frames


def overlaid(signed: bool) -> bytes:
    """6 x 5 values of 12 bits with something else above them."""
    values = np.arange(30, dtype=np.uint16) * 136 % 4096 | 0x5000
    return values.astype("<u2" if not signed else "<i2").tobytes()


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"PixelRepresentation": 0},
        TWELVE_BITS | {"PixelData": overlaid(signed=True)},
        TWELVE_BITS | {"PixelData": overlaid(signed=False), "PixelRepresentation": 0},
        {"BitsStored": 12, "HighBit": 15, "PixelData": overlaid(signed=True)},
        {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelData": bytes(range(240, 256)) + bytes(range(14))},
        {"Rows": 5, "Columns": 5, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelData": bytes(range(26))},
    ],
    ids=["signed", "unsigned", "12 bits signed", "12 bits unsigned", "high bits", "8 bits", "odd length"],
)
def test_plain_pixels_are_what_pydicom_says(tmp_path: Path, tags: dict[str, Any]) -> None:
    path = write(tmp_path, **tags)
    frames = frames_of(path)
    assert frames[0].plain is not None
    np.testing.assert_array_equal(list(values_of(frames)), list(stored_values(path, [0])))


def test_every_frame_of_an_enhanced_file_is_at_its_place(tmp_path: Path) -> None:
    write_enhanced(tmp_path / "enhanced", Phantom(straight(4)))
    frames = frames_of(tmp_path / "enhanced")
    assert frames[3].plain is not None
    expected = list(stored_values(tmp_path / "enhanced", [3, 0, 2]))
    np.testing.assert_array_equal(list(values_of([frames[3], frames[0], frames[2]])), expected)
    assert not np.array_equal(expected[0], expected[1])


@pytest.mark.parametrize(
    "tags",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"SamplesPerPixel": 3},
        {"BitsStored": 17},
        {"BitsStored": None},
        {"BitsAllocated": 32},
        {"PixelData": bytes(58)},
        {"PixelData": bytes(62)},
        {"ModalityLUTSequence": [[Dataset()]]},
    ],
    ids=lambda tags: " ".join(f"{name} {type(value).__name__}" for name, value in tags.items()),
)
def test_what_is_odd_is_left_to_pydicom(tmp_path: Path, tags: dict[str, Any]) -> None:
    assert frames_of(write(tmp_path, **tags))[0].plain is None


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda syntax: syntax.name)
def test_other_encodings_of_the_header_change_no_pixel(tmp_path: Path, syntax: Any) -> None:
    (dataset,) = write_series(tmp_path / "as written", Phantom(straight(1)))
    expected = list(stored_values(next((tmp_path / "as written").iterdir()), [0]))
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, dtype="<i2").astype(">i2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(tmp_path / "other", implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    frames = frames_of(tmp_path / "other")
    assert (frames[0].plain is not None) == syntax.is_little_endian
    np.testing.assert_array_equal(list(values_of(frames)), expected)


def test_a_file_that_changed_since_it_was_listed_is_parsed_again(tmp_path: Path) -> None:
    path = write(tmp_path)
    (listing,) = list_images(tmp_path)
    (volume,) = read_listing(listing)
    before = path.read_bytes()
    path.write_bytes(before[:-60] + bytes(len(before[-60:])) + b"\0\0")
    (changed,) = read_listing(listing)
    assert volume.voxels.any()
    assert len(np.unique(changed.voxels)) == 1


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    (listing,) = list_images(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=path.name):
        read_listing(listing)


def test_values_in_the_upper_bits_are_shifted_down(tmp_path: Path) -> None:
    stored = np.arange(-15, 15, dtype=np.int16)
    path = write(tmp_path, BitsStored=12, HighBit=15, PixelData=((stored << 4) | 0x9).astype("<i2").tobytes())
    for values in (next(values_of(frames_of(path))), next(stored_values(path, [0]))):
        np.testing.assert_array_equal(values.ravel(), stored)
