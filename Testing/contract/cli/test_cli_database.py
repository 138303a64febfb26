"""``--slicer-database``: what Slicer has imported can be listed and segmented without naming its files."""

from __future__ import annotations

import pytest
from command_line import below, document
from MedAISegLib.readers import list_images

from Testing.host.dicom.store import Store
from Testing.host.dicom.tags import PRECACHED

USAGE, INPUT = 2, 3


@pytest.fixture(scope="session")
def database(study, tmp_path_factory):
    """A database of Slicer's that holds the study."""
    folder = tmp_path_factory.mktemp("Slicer DICOM Database ü")
    store = Store(folder / "ctkDICOM.sql")
    for file in sorted(study.iterdir()):
        store.insert(str(file), PRECACHED, copy=True)
    store.update_displayed_fields()
    store.close()
    return folder


@pytest.fixture(scope="session")
def uid(study):
    (listing,) = list_images(study)
    return listing.series_instance_uid


def test_a_series_of_the_database_gives_the_same_as_its_folder(run, database, study, uid, tmp_path):
    volumes = []
    for name, source in (("folder", (study,)), ("database", ("--slicer-database", database, "--series", uid))):
        result = run("segment", *source, "--model", "hippocampus", "--output", tmp_path / name, "--json")
        assert result.exit_code == 0, result.output
        found = document(result)
        assert "dicom-seg" in found["files"]
        volumes.append([segment["volume_ml"] for segment in found["segments"]])
    assert volumes[0] == volumes[1]


def test_a_channel_names_a_series_of_the_database(run, database, uid, tmp_path):
    options = ("--slicer-database", database, "--channel", f"T1={uid}", "--format", "nifti")
    result = run("segment", *options, "--model", "hippocampus", "--output", tmp_path / "result", "--json")
    assert result.exit_code == 0, result.output
    assert document(result)["inputs"]["T1"]["series_instance_uid"] == uid


def test_the_database_is_listed_by_its_index(run, database, uid):
    result = run("inspect", "--slicer-database", database, "--json")
    assert result.exit_code == 0, result.output
    (series,) = document(result)["series"]
    assert (series["series_instance_uid"], series["modality"], series["missing_files"]) == (uid, "MR", 0)
    table = run("inspect", "--slicer-database", database)
    assert table.exit_code == 0
    assert uid in table.stdout


def test_a_series_of_the_database_is_inspected_in_depth(run, database, study, uid):
    of_folder = document(run("inspect", study, "--json"))["images"]
    assert document(run("inspect", "--slicer-database", database, "--series", uid, "--json"))["images"] == of_folder


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("--slicer-database", "DATABASE"), USAGE, "not named"),
        (("STUDY", "--slicer-database", "DATABASE", "--series", "1"), USAGE, "either from INPUT or from the database"),
        (("--slicer-database", "DATABASE", "--series", "1.2.3"), USAGE, "no series 1.2.3"),
        (("--slicer-database", "STUDY", "--series", "1.2.3"), INPUT, "no Slicer DICOM database"),
        (("--series", "1.2.3"), USAGE, "no image is given"),
    ],
)
def test_what_cannot_be_meant_is_said(run, database, study, tmp_path, arguments, exit_code, words):
    (tmp_path / "out").mkdir()
    named = [{"DATABASE": database, "STUDY": study}.get(word, word) for word in arguments]
    result = run("segment", *named, "--model", "hippocampus", "--output", tmp_path / "out" / "result")
    assert result.exit_code == exit_code, result.output
    assert words in " ".join(result.stderr.split())
    assert below(tmp_path / "out") == []


def test_inspect_wants_one_place(run, database, study):
    for arguments in ((), (study, "--slicer-database", database), (study, "--series", "1")):
        assert run("inspect", *arguments).exit_code == USAGE
