"""Slicer's DICOM database is read as Slicer wrote it, and every way in which it cannot be read is said."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError, UsageError
from MedAISegLib.readers import list_files
from MedAISegLib.readers.slicer_database import list_series, series_files
from phantom import Phantom, write_series

from Testing.host.dicom.store import Store
from Testing.host.dicom.tags import PRECACHED


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of a name that an address has to escape."""
    folder = tmp_path / "Bilder für #1 100%"
    write_series(
        folder,
        Phantom(
            [np.array([0.0, 0.0, 5.0 * n]) for n in range(3)],
            tags={"PatientName": "Secret^Person", "PatientID": "secret-7"},
        ),
    )
    return folder


def make_database(folder: Path, source: Path, *, copy: bool) -> Path:
    folder.mkdir(parents=True)
    store = Store(folder / "ctkDICOM.sql")
    for file in sorted(source.iterdir()):
        store.insert(str(file), PRECACHED, copy=copy)
    store.update_displayed_fields()
    store.close()
    return folder


@pytest.fixture
def database(tmp_path: Path, source: Path) -> Path:
    return make_database(tmp_path / "Datenbank & Co ?x=1", source, copy=False)


def change(database: Path, statement: str) -> None:
    with sqlite3.connect(database / "ctkDICOM.sql") as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("file_name", ["", "ctkDICOM.sql"])
def test_a_database_is_named_by_its_folder_or_its_file(database, source, file_name):
    (series,) = list_series(database / file_name)
    assert series.modality == "CT"
    assert set(series.files) == set(source.iterdir())
    assert (series.missing, series.remote) == (0, 0)


def test_the_files_of_a_series_are_read_as_from_a_folder(database, source):
    (series,) = list_series(database)
    (listing,) = list_files(series_files(database, series.series_instance_uid))
    assert listing.problem is None
    assert listing.geometry.shape_kji == (3, 6, 5)


def test_copies_inside_the_database_move_with_it(tmp_path, source):
    made = make_database(tmp_path / "made", source, copy=True)
    moved = tmp_path / "moved"
    shutil.move(made, moved)
    shutil.rmtree(source)
    (series,) = list_series(moved)
    files = series_files(moved, series.series_instance_uid)
    assert len(files) == 3
    assert all(file.is_file() and file.is_relative_to(moved) for file in files)


def test_nothing_in_the_database_is_changed(database):
    before = {path: path.read_bytes() for path in database.iterdir()}
    list_series(database)
    assert {path: path.read_bytes() for path in database.iterdir()} == before


def test_no_patient_is_in_the_listing(database):
    (series,) = list_series(database)
    assert "secret" not in repr(series).lower()


def test_files_that_are_gone_are_counted_and_named_as_the_reason(database, source):
    next(source.iterdir()).unlink()
    (series,) = list_series(database)
    assert series.missing == 1
    with pytest.raises(InputError, match="1 of its 3 files are no longer where they were"):
        series_files(database, series.series_instance_uid)


def test_images_that_lie_on_a_server_are_named_as_the_reason(database):
    change(database, "UPDATE Images SET Filename = '', URL = 'https://server/image' WHERE rowid = 1")
    (series,) = list_series(database)
    assert (len(series.files), series.remote) == (2, 1)
    with pytest.raises(InputError, match="on a server"):
        series_files(database, series.series_instance_uid)


def test_a_series_that_is_not_there(database):
    with pytest.raises(UsageError, match="there is no series"):
        series_files(database, "1.2.3")


def test_a_study_date_reads_the_same_whether_the_browser_has_updated_it_or_not(database):
    dates = []
    for written in ("2020-01-19", "20200119"):
        change(database, f"UPDATE Studies SET StudyDate = '{written}'")
        dates.append(list_series(database)[0].study_date)
    assert dates == ["2020-01-19"] * 2


class TestWhatIsNoDatabaseOfSlicer:
    def test_a_folder_without_one(self, tmp_path):
        with pytest.raises(InputError, match="no Slicer DICOM database"):
            list_series(tmp_path)

    def test_a_file_of_something_else(self, tmp_path):
        (tmp_path / "ctkDICOM.sql").write_text("Dear diary, " * 500)
        with pytest.raises(InputError, match="cannot be read"):
            list_series(tmp_path)

    def test_a_database_of_something_else(self, tmp_path):
        with sqlite3.connect(tmp_path / "ctkDICOM.sql") as connection:
            connection.execute("CREATE TABLE Songs (Title)")
        connection.close()
        with pytest.raises(InputError, match="not Slicer's DICOM database"):
            list_series(tmp_path)

    @pytest.mark.parametrize(("version", "word"), [("0.5.3", "older"), ("0.10.0", "newer"), ("1.0.0", "newer")])
    def test_another_version(self, database, version, word):
        change(database, f"UPDATE SchemaInfo SET Version = '{version}'")
        with pytest.raises(InputError, match=f"{version}, {word}"):
            list_series(database)

    def test_a_database_that_is_being_written(self, database, monkeypatch):
        monkeypatch.setattr("MedAISegLib.readers.slicer_database._SECONDS_TO_WAIT", 0.05)
        writer = sqlite3.connect(database / "ctkDICOM.sql", isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        try:
            with pytest.raises(InputError, match="locked"):
                list_series(database)
        finally:
            writer.close()
