"""DICOM SEG by the panel's menu: into the database and to a folder, read again voxel by voxel."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from Testing.host.dicom_cases import all_series, import_into
from Testing.host.driver import wait_until
from Testing.host.menus import choose_from_menu, menu_entry
from Testing.host.panel import panel
from Testing.host.runs_in_scene import segmentations

sys.path.append(str(Path(__file__).parents[1]))

from read_back import read_dicom_seg
from segmentations import masks_in_world, points_of

__all__ = ["panel"]

pytest.importorskip("highdicom", reason="highdicom is not installed")

INTO_DATABASE = "DICOM segmentation into the DICOM database"
TO_FOLDER = "DICOM segmentation to a folder…"


@pytest.fixture
def database(panel, shared_data, tmp_path):
    # A copy, for the database refers to the files, and one test moves them.
    series = shutil.copytree(shared_data / "brain_mr_dicom" / "study1" / "13_HCropVolume", tmp_path / "series")
    return import_into(tmp_path / "Datenbank ä", series)


@pytest.fixture
def result(panel, database):
    """The segmentation of a run on a series of the database, all of it by the panel."""
    panel.choose("inputSelector0", "from the DICOM database")
    panel.select("seriesTree", panel.rows("seriesTree")[0][0])
    panel.click("chooseSeriesButton")
    wait_until(lambda: "DICOM database" in panel.find("inputSelector0").currentText, timeout=100)
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[-1].error is None
    (node,) = segmentations(panel.host.scene)
    return node


def written(panel, word):
    wait_until(lambda: word in panel.message("result"), timeout=200)


def assert_holds(path, node):
    """A DICOM SEG marks the same places of the world as the node's segments do now."""
    from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node

    now, read = segmentation_from_node(node), read_dicom_seg(path)
    names = [segment.name for segment in now.segments]
    assert [segment.name for segment in read.segments] == names
    points = points_of(now.geometry)
    expected = masks_in_world(now, names, points)
    assert expected.any(axis=1).all()
    np.testing.assert_array_equal(masks_in_world(read, names, points), expected)


def assert_refers(path, database, series_uid):
    dataset = pydicom.dcmread(path)
    source = dataset.ReferencedSeriesSequence[0]
    assert source.SeriesInstanceUID == series_uid
    known = set(database.instancesForSeries(series_uid))
    assert {item.ReferencedSOPInstanceUID for item in source.ReferencedInstanceSequence} <= known
    assert dataset.StudyInstanceUID == database.studyForSeries(series_uid)
    return dataset


def test_a_click_stores_it_in_the_database_under_the_study_of_the_image(panel, database, result):
    before = all_series(database)
    (source,) = before.values()
    choose_from_menu(panel, "exportButton", INTO_DATABASE)
    written(panel, "Stored in the DICOM database")
    assert "QuantitativeReporting" in panel.message("result")
    (stored,) = set(all_series(database).values()) - set(before.values())
    assert database.fieldForSeries("Modality", stored) == "SEG"
    assert database.studyForSeries(stored) == database.studyForSeries(source)
    (file,) = database.filesForSeries(stored)
    assert Path(file).is_relative_to(database.databaseDirectory)
    dataset = assert_refers(file, database, source)
    assert {item.SegmentAlgorithmType for item in dataset.SegmentSequence} == {"AUTOMATIC"}
    assert_holds(file, result)


def test_a_click_writes_it_to_a_folder_with_the_users_edits(panel, database, result, tmp_path, monkeypatch):
    import qt
    import slicer

    (source,) = all_series(database).values()
    image = result.GetNodeReference(result.GetReferenceImageGeometryReferenceRole())
    segment_id = result.GetSegmentation().GetSegmentIDs()[0]
    painted = slicer.util.arrayFromSegmentBinaryLabelmap(result, segment_id, image).astype(np.uint8) * 0
    painted[2, 3:9, 4:11] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(painted, result, segment_id, image)
    panel.settle()
    folder = tmp_path / "Ausgabe ü"
    folder.mkdir()
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(folder), raising=False)
    choose_from_menu(panel, "exportButton", TO_FOLDER)
    written(panel, "Written to")
    (file,) = folder.iterdir()
    dataset = assert_refers(file, database, source)
    kinds = {item.SegmentLabel: item.SegmentAlgorithmType for item in dataset.SegmentSequence}
    edited = result.GetSegmentation().GetSegment(segment_id).GetName()
    assert kinds.pop(edited) == "SEMIAUTOMATIC"
    assert set(kinds.values()) == {"AUTOMATIC"}
    assert_holds(file, result)


def test_with_the_database_closed_the_entries_say_so(panel, database, result):
    assert menu_entry(panel, "exportButton", TO_FOLDER)[0]
    database.closeDatabase()
    result.Modified()
    panel.settle()
    for text in (INTO_DATABASE, TO_FOLDER):
        can_be_chosen, why = menu_entry(panel, "exportButton", text)
        assert not can_be_chosen
        assert "database" in why
        assert "is not open" in why


def test_files_that_are_gone_are_told_after_the_click_and_nothing_is_stored(panel, database, result, tmp_path):
    (source,) = all_series(database).values()
    for file in database.filesForSeries(source):
        assert Path(file).is_relative_to(tmp_path)
        Path(file).rename(f"{file}.away")
    choose_from_menu(panel, "exportButton", INTO_DATABASE)
    written(panel, "are gone")
    assert list(all_series(database).values()) == [source]
