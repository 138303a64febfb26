"""Radiographs and captures that Slicer has loaded have the values that our own reader gives them."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.readers import read_images
from MedAISegLib.slicer_io.dicom_candidate import series_candidate
from MedAISegLib.slicer_io.dicom_loading import load_series
from MedAISegLib.slicer_io.dicom_origin import read_origin
from MedAISegLib.slicer_io.image_pieces import picture_in_pieces
from MedAISegLib.slicer_io.inputs import candidate_of
from MedAISegLib.slicer_io.volume_node import node_voxels

from Testing.dicom_pictures import write_picture
from Testing.host.dicom_cases import all_series, finish, import_into

COLOURED = np.random.default_rng(7).integers(0, 256, (12, 16, 3), dtype=np.uint8)
TWELVE_BITS = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": 2, "RescaleIntercept": -10}


@pytest.fixture
def loaded(slicer_app, tmp_path):
    """Imports a file and loads its series; gives its UID and its node."""

    def call(path):
        ((_, uid),) = all_series(import_into(tmp_path / "db", path.parent)).items()
        return uid, load_series(uid)

    return call


@pytest.fixture
def file(tmp_path):
    (tmp_path / "study").mkdir()
    return tmp_path / "study" / "picture.dcm"


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_radiograph_is_bright_where_it_is_shown_bright(loaded, file, photometric):
    pixels = COLOURED[..., 0].astype(np.uint16) * 16
    uid, node = loaded(write_picture(file, pixels, photometric, "CR", **TWELVE_BITS))
    (expected,) = read_images(file)
    np.testing.assert_allclose(node_voxels(node), expected.voxels)
    origin = finish(read_origin(node))
    assert origin.problem is None
    assert origin.modality == "CR"
    assert finish(series_candidate(uid)).geometry.shape_kji == (1, 12, 16)


def test_a_colour_capture_is_a_picture_of_the_same_colours(loaded, file):
    uid, node = loaded(write_picture(file, COLOURED, "RGB"))
    assert candidate_of(node).attributes["PhotometricInterpretation"] == "RGB"
    candidate = finish(series_candidate(uid))
    assert candidate.problem is None
    assert candidate.attributes["PhotometricInterpretation"] == "RGB"
    for name, expected in zip("RGB", read_images(file), strict=True):
        work = picture_in_pieces(node, name)
        with pytest.raises(StopIteration) as end:
            next(work)
        np.testing.assert_array_equal(end.value.value.read(0, 1), expected.voxels)
