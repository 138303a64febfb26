"""What the worker writes of segments as they are now: what a person changed, what is said of it, where it lies."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from MedAISegLib.app import result_requests
from MedAISegLib.app.exchange import record_segmentation
from MedAISegLib.app.protocol import ExportReply, ExportRequest
from MedAISegLib.core.errors import UsageError
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.progress import Progress
from MedAISegLib.core.segmentation import AlgorithmType, Segmentation
from MedAISegLib.exporters.written import Written

from Testing.segmentations import oblique_geometry, organs, result_of

SAID = Notice("rounded", "Values are rounded.")


class Format:
    """Writes an empty file and says something, or has nothing to write; keeps what it was given."""

    def __init__(self, *files: str) -> None:
        self.files = files
        self.given: Segmentation | None = None

    def write(self, segmentation: Segmentation, _: Any, folder: Path, **__: Any) -> Written:
        self.given = segmentation
        for name in self.files:
            (folder / name).touch()
        return Written(tuple(folder / name for name in self.files), (SAID,))


@pytest.fixture
def formats(monkeypatch: pytest.MonkeyPatch) -> dict[str, Format]:
    found = {"one": Format("a"), "two": Format("b", "c"), "nothing": Format()}
    monkeypatch.setattr(result_requests, "EXPORTERS", found)
    return found


def exported(folder: Path, names: tuple[str, ...], edited: tuple[str, ...] = ()) -> ExportReply:
    segmentation = organs(oblique_geometry())
    record = record_segmentation(folder, "labels", segmentation)
    request = ExportRequest(folder, record, result_of(segmentation), names, folder / "output", edited=edited)
    return result_requests.export(SimpleNamespace(request=request, progress=Progress()))  # type: ignore[arg-type]


def test_what_a_person_changed_is_semiautomatic_and_the_rest_the_models(
    formats: dict[str, Format], tmp_path: Path
) -> None:
    first, second = organs(oblique_geometry()).segments[:2]
    exported(tmp_path, ("one",), edited=(second.name,))
    given = formats["one"].given
    assert given is not None
    assert [segment.algorithm_type for segment in given.segments[:2]] == [
        AlgorithmType.AUTOMATIC,
        AlgorithmType.SEMIAUTOMATIC,
    ]
    assert [segment.name for segment in given.segments[:2]] == [first.name, second.name]
    np.testing.assert_array_equal(given.layers, organs(oblique_geometry()).layers)


def test_files_are_told_by_format_where_they_lie_and_what_several_say_is_said_once(
    formats: dict[str, Format], tmp_path: Path
) -> None:
    output = tmp_path / "output"
    reply = exported(tmp_path, tuple(formats))
    assert reply.files == {"one": (output / "a",), "two": (output / "b", output / "c")}
    assert all(path.is_file() for paths in reply.files.values() for path in paths)
    assert reply.notices == (SAID,)


def test_a_format_that_there_is_not_is_named_and_nothing_is_written(formats: dict[str, Format], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'three' is no format"):
        exported(tmp_path, ("one", "three"))
    assert formats["one"].given is None
    assert not (tmp_path / "output").exists()
