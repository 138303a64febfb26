"""What every exporter owes: the same labels in the same place, whole files or none, errors that a user understands."""

from __future__ import annotations

import csv
import errno
import os
import threading
from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.errors import Cancelled, ResourceError, UsageError
from MedAISegLib.exporters import EXPORTERS
from MedAISegLib.slicer_io.files import MRML_EXPORTERS
from read_back import read_dicom_seg, read_nifti, read_seg_nrrd
from segmentations import masks_in_world, oblique_geometry, organs, points_of, result_of, write_source

ALL = EXPORTERS | MRML_EXPORTERS
VOXEL_FORMATS = {"seg.nrrd": read_seg_nrrd, "dicom-seg": read_dicom_seg, "nifti": read_nifti}
FOUND = ["liver", "Niere/links ä"]


def needs_slicer_core(name):
    return pytest.param(name, marks=pytest.mark.slicer) if name in MRML_EXPORTERS else name


every_format = pytest.mark.parametrize("name", [needs_slicer_core(name) for name in ALL])
every_voxel_format = pytest.mark.parametrize("name", VOXEL_FORMATS)


@pytest.fixture(autouse=True)
def _slicer_core(request):
    if request.node.get_closest_marker("slicer"):
        pytest.importorskip("slicer_core", reason="slicer-core is not installed")


@pytest.fixture
def study(tmp_path):
    """Makes organs on a grid, with a DICOM series behind them."""

    def make(geometry=None, **options):
        geometry = geometry or oblique_geometry()
        return organs(geometry, series=write_source(tmp_path / "source", geometry), **options)

    return make


@every_voxel_format
@pytest.mark.parametrize("overlap", [False, True], ids=["apart", "overlapping"])
def test_every_voxel_comes_back_in_its_place_in_the_patient(name, overlap, study, tmp_path):
    segmentation = study(overlap=overlap)
    written = ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out")
    read = VOXEL_FORMATS[name](written.files[0])
    points = points_of(segmentation.geometry)
    expected = masks_in_world(segmentation, FOUND, points)
    assert expected.any(axis=1).all()
    assert (expected.all(axis=0)).any() == overlap
    np.testing.assert_array_equal(masks_in_world(read, FOUND, points), expected)
    elsewhere = masks_in_world(segmentation, FOUND, points_of(read.geometry))
    np.testing.assert_array_equal(masks_in_world(read, FOUND, points_of(read.geometry)), elsewhere)


@every_voxel_format
def test_a_sheared_grid_stays_in_place_or_says_that_it_was_resampled(name, study, tmp_path):
    segmentation = study(oblique_geometry((6, 20, 24), shear=0.7))
    written = ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out")
    read = VOXEL_FORMATS[name](written.files[0])
    assert any("tilt" in notice.message for notice in written.notices)
    points = points_of(segmentation.geometry)
    expected = masks_in_world(segmentation, FOUND, points)
    actual = masks_in_world(read, FOUND, points)
    overlap = 2 * (expected & actual).sum(axis=1) / (expected.sum(axis=1) + actual.sum(axis=1))
    assert (overlap > 0.9).all()


@every_voxel_format
def test_a_single_slice_comes_back(name, study, tmp_path):
    segmentation = study(oblique_geometry((1, 9, 12)))
    segmentation.layers[0, 0, 2:5, 3:9] = 3
    segmentation.layers[0, 0, 6:8, 2:5] = 7
    written = ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out")
    points = points_of(segmentation.geometry)
    read = VOXEL_FORMATS[name](written.files[0])
    np.testing.assert_array_equal(masks_in_world(read, FOUND, points), masks_in_world(segmentation, FOUND, points))


@every_format
def test_nothing_but_the_named_files_is_left_in_the_folder(name, study, tmp_path):
    segmentation = study()
    written = ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out")
    assert written.files
    assert sorted(written.files) == sorted((tmp_path / "out").iterdir())


@every_format
def test_an_existing_file_is_kept_unless_it_may_be_overwritten(name, study, tmp_path):
    segmentation = study()
    out = tmp_path / "out"
    *others, kept = ALL[name].write(segmentation, result_of(segmentation), out).files
    kept.write_bytes(b"precious")
    for other in others:
        other.unlink()
    with pytest.raises(UsageError, match="there already") as refused:
        ALL[name].write(segmentation, result_of(segmentation), out)
    assert kept.name in str(refused.value)
    assert kept.read_bytes() == b"precious"
    assert list(out.iterdir()) == [kept]
    ALL[name].write(segmentation, result_of(segmentation), out, overwrite=True)
    assert kept.stat().st_size > len(b"precious")


@every_format
def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(name, study, tmp_path):
    segmentation = study()
    (tmp_path / "file").write_bytes(b"no folder")
    with pytest.raises(ResourceError) as refused:
        ALL[name].write(segmentation, result_of(segmentation), tmp_path / "file" / "out")
    assert refused.value.remedy
    assert (tmp_path / "file").read_bytes() == b"no folder"


@every_format
def test_a_full_disk_leaves_nothing_behind(name, study, tmp_path):
    resource = pytest.importorskip("resource", reason="no limit on a file's size can be set here")
    segmentation = study(oblique_geometry((10, 30, 40)))
    result = result_of(segmentation)
    ALL[name].write(segmentation, result, tmp_path / "rehearsal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(ResourceError) as refused:
            ALL[name].write(segmentation, result, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.value.remedy
    assert not (tmp_path / "out").exists()


@every_format
def test_an_interruption_leaves_nothing_behind(name, study, tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    segmentation = study()
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@every_format
def test_a_stopped_export_leaves_nothing_behind(name, study, tmp_path):
    segmentation, polls = study(), []

    def count():
        # How often another thread looks meanwhile depends on how busy the machine is.
        if threading.current_thread() is threading.main_thread():
            polls.append(1)

    ALL[name].write(segmentation, result_of(segmentation), tmp_path / "whole", poll=count)
    assert polls

    def stop():
        if threading.current_thread() is not threading.main_thread():
            return
        polls.pop()
        if not polls:
            polls.append(1)
            raise Cancelled

    for calls in (1, len(polls)):
        polls[:] = [1] * calls
        (tmp_path / "out").mkdir(exist_ok=True)
        with pytest.raises(Cancelled):
            ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out", poll=stop)
        assert list((tmp_path / "out").iterdir()) == []


@every_format
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_the_systems_errors_are_said_in_a_users_words(name, code, study, tmp_path, monkeypatch):
    def fail(_):
        raise OSError(code, os.strerror(code))

    segmentation = study()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ResourceError, match="full" if code == errno.ENOSPC else "cannot be written"):
        ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out")


@every_format
def test_a_result_without_a_voxel_is_no_error(name, study, tmp_path):
    segmentation = study(empty=True)
    written = ALL[name].write(segmentation, result_of(segmentation), tmp_path / "out")
    assert written.files or written.notices


def test_no_name_in_a_table_is_a_formula_and_numbers_stay_numbers(tmp_path):
    segmentation = organs(oblique_geometry())
    result = result_of(segmentation)
    found = replace(result.segments[0], name='=HYPERLINK("http://a")', mean=-12.5)
    (path,) = EXPORTERS["tables"].write(segmentation, replace(result, segments=(found,)), tmp_path).files
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["name"], row["mean"]) == ('\'=HYPERLINK("http://a")', "-12.5")
