"""What the program keeps in small files is neither lost nor believed where it cannot be read."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

pytest.importorskip("filelock", reason="filelock is not installed")

from MedAISegLib.core.errors import NotTrustedError, ResourceError
from MedAISegLib.models.kept_records import change_record, read_record
from MedAISegLib.models.origins import known_sha256, note, origin_of
from MedAISegLib.models.trust import require_trust, trust_model

DAMAGED = pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "[" * 100_000, "\x00"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    return tmp_path


def add(name: str, *, private: bool = False) -> None:
    change_record("r.json", lambda content: content.update({name: 1}), private=private)


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


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the user's folders")
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022])
def test_a_private_record_is_the_users_alone(umask: int, home: Path) -> None:
    before = os.umask(umask)
    try:
        add("one", private=True)
        add("two", private=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / "r.json").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the user's folders")
def test_a_record_of_trust_that_others_can_write_is_not_believed_and_that_is_told(home: Path) -> None:
    model = home / "liver"
    model.mkdir()
    trust_model(model)
    (home / "trust.json").chmod(0o666)
    with pytest.raises(NotTrustedError, match=r"not trusted \(trust\.json, .*others can write it"):
        require_trust(model, "run its own network")
    with pytest.raises(ResourceError, match=r"others can write it.*chmod 600"):
        trust_model(model)
    (home / "trust.json").chmod(0o600)
    require_trust(model, "run its own network")


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the user's folders")
def test_records_may_be_shared_and_lie_on_disks_without_permissions(home: Path) -> None:
    origin = origin_of("https://example.org/m.zip", "1" * 64)
    note(origin)
    add("one")
    for name in ("r.json", "downloads.json"):
        (home / name).chmod(0o777)
    add("two")
    assert read_record("r.json") == {"one": 1, "two": 1}
    assert known_sha256(origin) == "1" * 64


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the user's folders")
def test_a_private_record_of_another_user_is_not_believed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add("one", private=True)
    owner = (home / "r.json").stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert read_record("r.json", private=True) == ({"one": 1} if owner == 0 else {}), "root may do anything as it is"
    if owner == 0:
        os.chown(home / "r.json", 12345, -1)
    assert read_record("r.json", private=True) == {}
    with pytest.raises(ResourceError, match="belongs to another user"):
        add("two", private=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the user's folders")
def test_a_group_of_the_users_own_may_write_a_private_record(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add("one", private=True)
    (home / "r.json").chmod(0o664)
    assert read_record("r.json", private=True) == {"one": 1}
    group = (home / "r.json").stat().st_gid
    monkeypatch.setattr(os, "getegid", lambda: group + 1)
    assert read_record("r.json", private=True) == {}
