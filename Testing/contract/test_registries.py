"""What every plugin of a family has to offer, whichever there are."""

from __future__ import annotations

import inspect
import os
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError, MedAISegError, ModelError
from MedAISegLib.exporters import EXPORTERS
from MedAISegLib.formats import CLASSIFIERS, FORMATS, OWN_CODE, read_model
from MedAISegLib.readers import READERS, list_images

STRAY_FILES = {
    "empty": b"",
    "text": b"Dear diary,\nno image today.\n",
    "noise": np.random.default_rng(4).bytes(4096),
    "zeros": bytes(4096),
    "json": b'{"a": 1}',
}


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", READERS)
def test_a_reader_has_its_three_functions(name: str) -> None:
    reader = import_module(READERS[name])
    assert parameters(reader.recognises) == ["path"]
    assert parameters(reader.list_images) == ["paths", "accept", "poll"]
    assert parameters(reader.read) == ["listing", "accept", "progress"]


@pytest.mark.parametrize("stray", STRAY_FILES)
@pytest.mark.parametrize("name", READERS)
def test_a_reader_leaves_files_without_a_name_alone_that_are_no_images(name: str, stray: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(STRAY_FILES[stray])
    assert import_module(READERS[name]).recognises(path) is False


@pytest.mark.parametrize("stray", STRAY_FILES)
@pytest.mark.parametrize("suffix", ["", ".dcm", ".nii", ".nii.gz", ".nrrd", ".mha", ".hdr", ".mnc", ".mgz"])
def test_damaged_files_of_any_name_are_an_error_of_the_input(suffix: str, stray: str, tmp_path: Path) -> None:
    (tmp_path / f"file{suffix}").write_bytes(STRAY_FILES[stray])
    try:
        listings = list_images(tmp_path)
    except InputError:
        return
    assert listings
    assert all(isinstance(listing.problem, InputError) for listing in listings)


def test_what_takes_over_from_a_format_has_its_function() -> None:
    assert {*CLASSIFIERS, *OWN_CODE} <= set(FORMATS)
    for place in CLASSIFIERS.values():
        assert parameters(import_module(place).read) == ["path"]
    for place in OWN_CODE.values():
        assert parameters(import_module(place).read) == ["path", "refused"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_model_format_has_its_two_functions(name: str) -> None:
    adapter = import_module(FORMATS[name])
    assert parameters(adapter.recognises) == ["path"]
    assert parameters(adapter.read) == ["path"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_model_format_does_not_claim_what_it_is_not(name: str, tmp_path: Path) -> None:
    recognises = import_module(FORMATS[name]).recognises
    assert recognises(tmp_path) is False
    assert recognises(tmp_path / "missing") is False
    (tmp_path / "notes.txt").write_text("no model", encoding="utf-8")
    assert recognises(tmp_path) is False
    assert recognises(tmp_path / "notes.txt") is False


def test_a_folder_of_no_format_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=next(iter(FORMATS))):
        read_model(tmp_path)


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_writer_takes_what_every_writer_takes(name: str) -> None:
    first, second, third, overwrite, *own = inspect.signature(EXPORTERS[name].load()).parameters.values()
    assert [first.name, second.name, third.name, overwrite.name] == ["segmentation", "result", "path", "overwrite"]
    assert all(parameter.default is not parameter.empty for parameter in (overwrite, *own))


def test_no_two_writers_write_the_same_file() -> None:
    names = [exporter.file_name for exporter in EXPORTERS.values()]
    assert len(set(names)) == len(names)
    assert all(Path(name).name == name for name in names)


@pytest.mark.skipif(os.name != "posix", reason="files have no such permission here")
def test_a_file_that_may_not_be_read_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "image.nii"
    path.write_bytes(bytes(400))
    path.chmod(0)
    with pytest.raises(MedAISegError):
        raise next(listing.problem for listing in list_images(path) if listing.problem is not None)
