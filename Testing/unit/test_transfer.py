"""What is there of a file, and what a server sends of it: only parts of one version become a whole."""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("requests", reason="requests is not installed")

from MedAISegLib.core.errors import Cancelled, MedAISegError, ModelError, ResourceError
from MedAISegLib.core.progress import never
from MedAISegLib.models import transfer
from MedAISegLib.models.partial_file import PartialFile, Version
from MedAISegLib.models.transfer_failures import TryAgainError

from Testing.unit.publisher import Answer, Publisher, publishing

CONTENT = os.urandom(700_000)
HALF = 350_000
TAG = {"ETag": '"v1"'}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as there:
        there.files["/m.zip"] = CONTENT
        yield there


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "m.part"


def fetch(publisher: Publisher, part: Path, path: str = "/m.zip", **options: object) -> None:
    given = {"has_checksum": False, "on_bytes": lambda *_: None, "admit": lambda _: None, "poll": never, **options}
    transfer.fetch(publisher.url(path), part, policy=publisher.network.policy, **given)  # type: ignore[arg-type]


def rest(of: bytes, said: str, headers: dict[str, str]) -> Answer:
    return Answer(206, {"Content-Range": said, "Content-Length": str(len(of)), **headers}, of)


@pytest.mark.parametrize("has_checksum", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        rest(CONTENT[::-1][HALF:], "bytes 350000-699999/700000", {"ETag": '"v2"'}),
        rest(CONTENT[::-1][HALF:], "bytes 350000-699999/700000", {"Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT"}),
        rest(CONTENT[:1000], "bytes 350000-350999/351000", TAG),
        rest(CONTENT[HALF:], "bytes 350000-699999/*", TAG),
        rest(CONTENT[:HALF], "bytes 0-349999/700000", TAG),
        rest(CONTENT, "bytes 350000-699999/700000", TAG),
    ],
    ids=["other tag", "no tag", "other size", "no size", "other part", "too much"],
)
def test_what_does_not_go_on_with_the_same_version_is_not_put_behind_it(
    answer: Answer, has_checksum: bool, publisher: Publisher, part: Path
) -> None:
    publisher.faults = ["cut", answer]
    fetch(publisher, part, has_checksum=has_checksum)
    assert part.read_bytes() == CONTENT
    assert [asked for _, asked in publisher.asked] == ["", "bytes=350000-", ""]


@pytest.mark.parametrize("headers", [TAG, {}], ids=["same tag", "none"])
def test_a_part_shorter_than_the_rest_is_gone_on_with(
    headers: dict[str, str], publisher: Publisher, part: Path
) -> None:
    publisher.faults = ["cut", rest(CONTENT[HALF:400_000], "bytes 350000-399999/700000", headers)]
    fetch(publisher, part)
    assert part.read_bytes() == CONTENT
    assert publisher.asked[-1][1] == "bytes=400000-"


@pytest.mark.parametrize("stale", [b"", b"stale"])
@pytest.mark.parametrize(
    "answer",
    [rest(CONTENT[:1000], "bytes 0-999/700000", TAG), rest(CONTENT, "bytes 0-699999/700000", TAG)],
    ids=["less", "all"],
)
def test_a_part_that_nobody_asked_for_is_not_the_whole(
    answer: Answer, stale: bytes, publisher: Publisher, part: Path
) -> None:
    part.write_bytes(stale)
    publisher.faults = [answer]
    fetch(publisher, part)
    assert part.read_bytes() == CONTENT
    assert len(publisher.asked) == 2


def test_an_empty_file_is_none(publisher: Publisher, part: Path) -> None:
    publisher.files["/m.zip"] = b""
    with pytest.raises(ResourceError, match="empty file"):
        fetch(publisher, part)


def test_what_is_packed_for_the_way_is_refused(publisher: Publisher, part: Path) -> None:
    packed = gzip.compress(CONTENT)
    publisher.faults = [Answer(200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}, packed)]
    with pytest.raises(ModelError, match=r"packs it for the way \(gzip\)"):
        fetch(publisher, part)
    assert not part.exists()


def test_an_archive_of_that_kind_is_let_pass(publisher: Publisher, part: Path) -> None:
    publisher.faults = [Answer(200, {"Content-Encoding": "x-gzip"}, CONTENT)]
    fetch(publisher, part, "/m.tar.gz")
    assert part.read_bytes() == CONTENT


def test_a_try_that_was_left_writes_no_more(publisher: Publisher, part: Path) -> None:
    late = threading.Event()
    publisher.faults = [Answer(200, {"Content-Length": "700000", **TAG}, CONTENT[::-1], late), "stall"]

    def leave() -> None:
        if len(publisher.faults) < 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(publisher, part, poll=leave)
    again = threading.Thread(target=fetch, args=(publisher, part))
    again.start()
    _wait_until(lambda: part.exists() and part.stat().st_size > 300_000)
    late.set()
    time.sleep(0.5)
    publisher.released.set()
    again.join(20)
    assert part.read_bytes() == CONTENT


def test_a_part_belongs_to_the_try_that_came_last(part: Path) -> None:
    first, second = PartialFile(part), PartialFile(part)
    first.begin(Version('"v1"', 4))
    first.write(b"ab")
    first.stop()
    second.go_on()
    for act in (lambda: first.begin(Version()), first.go_on, lambda: first.write(b"xy"), first.discard):
        with pytest.raises(TryAgainError):
            act()
    second.write(b"cd")
    second.stop()
    assert part.read_bytes() == b"abcd"
    assert second.version() == Version('"v1"', 4)


@pytest.mark.parametrize("validator", ["\u4e2d", "a\r\nX: y"])
def test_a_validator_that_cannot_be_sent_is_none(validator: str, publisher: Publisher, part: Path) -> None:
    part.write_bytes(CONTENT[:100])
    part.with_name("m.part.json").write_text(json.dumps({"validator": validator}))
    fetch(publisher, part)
    assert publisher.asked == [("/m.zip", "")]


def test_of_unknown_size_it_is_asked_whether_there_is_room_as_it_grows(
    publisher: Publisher, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_ADMITTED_BYTES", 100_000)
    publisher.says_size = False
    admitted: list[int] = []
    fetch(publisher, part, admit=admitted.append)
    assert admitted[-1] == 700_000
    assert max(b - a for a, b in zip([0, *admitted], admitted, strict=False)) < 200_000

    def refuse(size: int) -> None:
        if size > 300_000:
            raise MedAISegError("no room")

    with pytest.raises(MedAISegError, match="no room"):
        fetch(publisher, part, admit=refuse)
    assert part.stat().st_size < 500_000


def test_a_small_one_of_unknown_size_is_asked_about_too(publisher: Publisher, part: Path) -> None:
    publisher.says_size = False
    admitted: list[int] = []
    fetch(publisher, part, admit=admitted.append)
    assert admitted == [700_000]


def test_what_is_too_large_is_not_kept(publisher: Publisher, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_LARGEST_BYTES", 100_000)
    with pytest.raises(ModelError, match="too large"):
        fetch(publisher, part)
    assert not part.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_link_in_the_place_of_a_part_is_not_followed(
    has_checksum: bool, publisher: Publisher, part: Path, tmp_path: Path
) -> None:
    for name in ("m.part", "m.part.json"):
        (tmp_path / f"other {name}").write_bytes(b"mine")
        (tmp_path / name).symlink_to(tmp_path / f"other {name}")
    fetch(publisher, part, has_checksum=has_checksum)
    assert part.read_bytes() == CONTENT
    assert not part.is_symlink()
    assert [(tmp_path / f"other {name}").read_bytes() for name in ("m.part", "m.part.json")] == [b"mine"] * 2


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_a_link_laid_there_meanwhile_is_not_followed(part: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"mine")
    part.symlink_to(tmp_path / "other")
    with pytest.raises(ResourceError):
        PartialFile(part).go_on()


def _wait_until(true: object) -> None:
    end_s = time.monotonic() + 10
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end_s
        time.sleep(0.01)
