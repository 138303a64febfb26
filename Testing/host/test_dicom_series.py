"""Series of Slicer's DICOM database: listed from columns, matched by their tags, loaded by Slicer, and known again."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from MedAISegLib.app.match import assign
from MedAISegLib.core.errors import InputError, ResourceError
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.readers import read_images
from MedAISegLib.slicer_io import dicom_database
from MedAISegLib.slicer_io.dicom_candidate import series_candidate
from MedAISegLib.slicer_io.dicom_database import DatabaseState, database_problem, database_state
from MedAISegLib.slicer_io.dicom_loading import load_series
from MedAISegLib.slicer_io.dicom_origin import origin_of, read_origin
from MedAISegLib.slicer_io.volume_node import volume_from_node

from Testing.host.dicom_cases import all_series, finish, import_into

TUMOUR_MODEL = ModelSpec(
    "tumour",
    "Tumour",
    "test",
    tuple(Channel(name, "MR") for name in ("T1c", "T1", "T2", "FLAIR")),
    (InferenceStage((), Windows(), Argmax()),),
    (SegmentSpec(1, "tumour"),),
)


def opened_files(database):
    """The DICOM files whose headers the database has read since it was asked last."""
    from Testing.host.pythonqt import unwrap

    opened = unwrap(database)._store.opened
    files = list(opened)
    opened.clear()
    return files


@pytest.fixture
def brain(shared_data):
    return shared_data / "brain_mr_dicom" / "study1"


@pytest.fixture
def database(slicer_app, tmp_path, brain):
    found = import_into(tmp_path / "db", brain)
    opened_files(found)
    return found


class TestStates:
    def test_each_state_has_its_words(self, slicer_app, tmp_path):
        import slicer

        assert database_state() is DatabaseState.NONE
        assert dicom_database.patients() == ()
        import_into(tmp_path / "db")
        assert database_state() is DatabaseState.EMPTY
        slicer.dicomDatabase.closeDatabase()
        assert database_state() is DatabaseState.CLOSED
        texts = {str(database_problem(state)) for state in DatabaseState if state is not DatabaseState.READY}
        assert len(texts) == 3
        assert all("DICOM" in text for text in texts)
        with pytest.raises(ResourceError, match="not open"):
            load_series("1.2.3")


def test_the_listing_comes_from_the_columns_and_opens_no_file(database):
    (patient,) = dicom_database.patients()
    (study,) = dicom_database.studies(patient.patient)
    rows = dicom_database.series(study.study_uid)
    assert (study.description, study.date) == ("MR RCBV SEQUENCE", "2020-01-19")
    assert [row.number for row in rows] == sorted((row.number for row in rows), key=int)
    assert {row.description for row in rows} == {"T1post", "T1pre_reg", "FLAIR_reg", "T2_reg", "HippoCrop"}
    assert {(row.modality, row.instances) for row in rows} == {("MR", 22), ("MR", 32)}
    assert opened_files(database) == []


def test_the_four_channels_of_a_tumour_model_find_their_series(database):
    uids = all_series(database)
    candidates = [finish(series_candidate(uid)) for uid in uids.values()]
    assert opened_files(database) == []
    assert all(candidate.problem is None for candidate in candidates)
    matches = {found.channel.name: found.image.description for found in assign(TUMOUR_MODEL, candidates)}
    assert matches == {"T1c": "T1post", "T1": "T1pre_reg", "T2": "T2_reg", "FLAIR": "FLAIR_reg"}


def test_one_file_of_a_series_is_opened_for_its_candidate(database, monkeypatch):
    from MedAISegLib.readers import dicom_header

    opened, read = [], dicom_header.read_header
    monkeypatch.setattr(dicom_header, "read_header", lambda path: opened.append(path) or read(path))
    for number, uid in enumerate(all_series(database).values(), start=1):
        finish(series_candidate(uid))
        assert len(opened) == number
    assert opened_files(database) == []


def test_places_that_the_cache_does_not_know_are_read_from_the_files(database):
    uid = all_series(database)["HippoCrop"]
    before = finish(series_candidate(uid))
    for instance in database.instancesForSeries(uid):
        database.removeCachedTags(instance)
    after = finish(series_candidate(uid))
    assert after.geometry.matches(before.geometry)
    assert after.series == before.series


def test_a_candidate_is_what_the_files_reader_says(database, brain):
    for volume in read_images(brain):
        candidate = finish(series_candidate(volume.series.series_instance_uid))
        assert candidate.geometry.matches(volume.geometry, 1e-4)
        assert candidate.series == volume.series
        assert candidate.modality == volume.modality
        assert dict(candidate.attributes) == dict(volume.attributes)


def test_a_loaded_series_is_the_same_volume_as_the_files_reader_gives(database, brain):
    uid = all_series(database)["T1pre_reg"]
    node = load_series(uid)
    assert node.GetName() == "34909: T1pre_reg"
    (expected,) = read_images(brain, series_uid=uid)
    found = volume_from_node(node)
    assert found.geometry.matches(expected.geometry, 1e-3)
    np.testing.assert_array_equal(found.voxels, expected.voxels)
    origin = finish(read_origin(node))
    assert (origin.modality, origin.description, origin.problem, origin.question) == ("MR", "T1pre_reg", None, None)
    assert origin.series == expected.series
    assert dict(origin.attributes) == dict(expected.attributes)


def test_the_quick_origin_matches_as_the_full_one(database):
    node = load_series(all_series(database)["T1post"])
    opened_files(database)
    quick, full = origin_of(node), finish(read_origin(node))
    assert quick.attributes == full.attributes
    assert quick.series.series_instance_uid == full.series.series_instance_uid
    assert len(full.series.files) == 22
    assert quick.series.files == ()


def test_the_origin_is_known_after_the_database_is_closed(database):
    node = load_series(all_series(database)["T1post"])
    before = origin_of(node)
    database.closeDatabase()
    origin = origin_of(node)
    assert (origin.modality, origin.description) == ("MR", "T1post")
    assert origin.series.study_instance_uid == before.series.study_instance_uid
    assert origin.series.sop_instance_uids == before.series.sop_instance_uids
    assert origin.series.files == ()


def test_a_node_from_elsewhere_has_no_series(slicer_app):
    node = slicer_app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "from a file")
    origin = origin_of(node)
    assert origin.series is None
    assert (origin.modality, origin.description) == ("", "")


class TestFilesThatAreGone:
    @pytest.fixture
    def moved(self, slicer_app, tmp_path, brain):
        """A database whose files were moved after the import; the series' UID."""
        source = tmp_path / "source"
        shutil.copytree(brain / "13_HCropVolume", source)
        found = import_into(tmp_path / "db", source)
        ((_, uid),) = all_series(found).items()
        return source, uid

    def test_the_candidate_says_so_and_keeps_the_columns(self, moved):
        source, uid = moved
        (source / "1.dcm").unlink()
        candidate = finish(series_candidate(uid))
        assert candidate.modality == "MR"
        assert "1 of its 32 files are not where it was" in str(candidate.problem)

    def test_loading_is_refused_before_slicer_tries(self, moved, slicer_app):
        source, uid = moved
        shutil.rmtree(source)
        with pytest.raises(InputError, match="none of its files"):
            load_series(uid)
        assert slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0

    def test_a_node_that_was_loaded_before_keeps_its_series_without_files(self, moved):
        source, uid = moved
        node = load_series(uid)
        (source / "1.dcm").unlink()
        origin = finish(read_origin(node))
        assert origin.series.series_instance_uid == uid
        assert origin.series.files == ()
        assert {notice.code for notice in origin.notices} == {"files-gone"}


def test_a_series_that_is_not_in_the_database_is_named_as_such(database):
    with pytest.raises(InputError, match="no longer in"):
        load_series("9.9")
    with pytest.raises(InputError, match="no longer in"):
        next(series_candidate("9.9"))
