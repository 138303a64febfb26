"""What the program keeps in small files is neither lost nor believed where it cannot be read."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

pytest.importorskip("filelock", reason="filelock is not installed")

from MedAISegLib.core.errors import ResourceError
from MedAISegLib.models.kept_records import change_record, read_record
from MedAISegLib.models.origins import known_sha256, note, origin_of

DAMAGED = pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "[" * 100_000, "\x00"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    return tmp_path


def add(name: str) -> None:
    change_record("r.json", lambda content: content.update({name: 1}))


def test_a_record_that_cannot_be_read_for_once_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    add("one")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", fail)
        assert read_record("r.json") == {}
        with pytest.raises(ResourceError, match=r"r\.json: it cannot be read: Input/output error\. Check"):
            add("two")
    add("three")
    assert set(read_record("r.json")) == {"one", "three"}


@DAMAGED
def test_a_damaged_record_is_set_aside(content: str, home: Path) -> None:
    (home / "r.json").write_text(content)
    assert read_record("r.json") == {}
    add("one")
    assert (home / "r.json.damaged").read_text() == content
    assert json.loads((home / "r.json").read_text()) == {"one": 1}


@DAMAGED
def test_a_damaged_record_of_downloads_is_told_of_and_not_taken_for_empty(content: str, home: Path) -> None:
    origin = origin_of("https://example.org/m.zip", "1" * 64)
    (home / "downloads.json").write_text(content)
    for act in (known_sha256, note):
        with pytest.raises(ResourceError, match=r"downloads\.json: it is damaged\. .*delete it"):
            act(origin)
    assert (home / "downloads.json").read_text() == content
    (home / "downloads.json").unlink()
    note(origin)
    assert known_sha256(origin) == "1" * 64


def test_nothing_is_written_where_nothing_changes(home: Path) -> None:
    change_record("r.json", lambda content: content.pop("one", None))
    assert not (home / "r.json").exists()
