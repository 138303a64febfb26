"""Downloads: checked before they are used, gone on with after a failure, and only over https."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from MedAISegLib.core.errors import Cancelled, ChangedFileError, ModelError, ResourceError, UsageError
from MedAISegLib.models.download import Downloaded, Network, Remote, download, network_of
from MedAISegLib.models.origins import note

from Testing.unit.publisher import Publisher, publishing, self_signed

CONTENT = os.urandom(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SHA1 = hashlib.sha1(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MEDAISEG_OFFLINE", "MEDAISEG_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    (tmp_path / "into").mkdir()
    return tmp_path / "home"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as there:
        there.files["/m.zip"] = CONTENT
        yield there


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "into" / "m.zip"


def get(publisher: Publisher, target: Path, checksum: str = f"sha256:{SHA256}", **options: object) -> Downloaded:
    return download(Remote(publisher.url("/m.zip"), checksum), target, network=publisher.network, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("checksum", [f"sha256:{SHA256}", f"sha1:{SHA1}", ""], ids=["sha256", "sha1", "none"])
def test_a_file_comes_whole_and_nothing_else_is_left(
    checksum: str, publisher: Publisher, target: Path, home: Path
) -> None:
    told: list[tuple[int, int]] = []
    got = get(publisher, target, checksum, on_bytes=lambda done, total: told.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert (got.path, got.origin.sha256, got.is_first) == (target, SHA256, not checksum)
    assert not (home / "downloads.json").exists(), "nobody knows yet that it is a model"
    assert told[-1] == (700_000, 700_000)
    assert [path.name for path in target.parent.iterdir()] == ["m.zip"]
    assert [path for path in (home / "downloads").iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize("fault", ["cut", "reset", 500, 503, 520, 429])
def test_after_a_failure_it_goes_on(fault: int | str, publisher: Publisher, target: Path) -> None:
    publisher.faults = [fault]
    get(publisher, target)
    assert target.read_bytes() == CONTENT
    assert len(publisher.asked) == 2
    if fault == "cut":
        assert publisher.asked[1][1] == "bytes=350000-", "what was there is not fetched twice"


def test_a_server_that_knows_no_ranges_is_asked_for_the_whole(publisher: Publisher, target: Path) -> None:
    publisher.faults, publisher.ranges = ["cut"], False
    get(publisher, target)
    assert target.read_bytes() == CONTENT


def test_parts_of_two_versions_are_not_put_together(publisher: Publisher, target: Path) -> None:
    publisher.faults = ["cut", 404]
    with pytest.raises(ModelError):
        get(publisher, target)
    publisher.files["/m.zip"], publisher.tag = CONTENT[::-1], '"v2"'
    get(publisher, target, "")
    assert target.read_bytes() == CONTENT[::-1]


def test_a_later_try_goes_on_where_the_first_gave_up(publisher: Publisher, target: Path) -> None:
    publisher.faults = ["cut", 500, 500, 500]
    with pytest.raises(ResourceError, match=r"error 500.*goes on"):
        get(publisher, target)
    assert not target.exists()
    get(publisher, target)
    assert target.read_bytes() == CONTENT
    assert publisher.asked[-1][1] == "bytes=350000-"


def test_a_part_that_is_too_long_is_thrown_away(publisher: Publisher, target: Path) -> None:
    publisher.faults = ["cut", 404]
    with pytest.raises(ModelError):
        get(publisher, target)
    publisher.files["/m.zip"] = CONTENT[:1000]
    get(publisher, target, f"sha256:{hashlib.sha256(CONTENT[:1000]).hexdigest()}")
    assert target.read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("checksum", ["sha256:" + "0" * 64, "sha1:" + "0" * 40])
def test_what_is_not_as_described_is_not_used(checksum: str, publisher: Publisher, target: Path) -> None:
    target.write_bytes(b"what was there before")
    with pytest.raises(ModelError, match="checksum differs"):
        get(publisher, target, checksum)
    assert target.read_bytes() == b"what was there before"
    assert [path.name for path in target.parent.iterdir()] == ["m.zip"]


def test_an_unknown_kind_of_checksum_is_not_passed_over(publisher: Publisher, target: Path) -> None:
    with pytest.raises(ModelError, match="no known kind"):
        get(publisher, target, "md5:" + "0" * 32)
    assert publisher.asked == []


def test_without_a_checksum_the_first_one_counts(publisher: Publisher, target: Path, home: Path) -> None:
    first = get(publisher, target, "")
    assert first.is_first
    note(first.origin)
    assert json.loads((home / "downloads.json").read_text()) == {publisher.url("/m.zip"): SHA256}
    target.unlink()
    assert not get(publisher, target, "").is_first
    target.unlink()
    publisher.files["/m.zip"] = b"another"
    with pytest.raises(ModelError, match="another file than at its first download"):
        get(publisher, target, "")
    assert not target.exists()
    assert get(publisher, target, "", accept_changed=True).is_first


def test_a_weak_checksum_of_the_publishers_does_not_let_another_file_pass(publisher: Publisher, target: Path) -> None:
    note(get(publisher, target, f"sha1:{SHA1}").origin)
    target.unlink()
    publisher.files["/m.zip"] = b"another"
    other = f"sha1:{hashlib.sha1(b'another').hexdigest()}"
    with pytest.raises(ChangedFileError, match="another file than at its first download"):
        get(publisher, target, other)
    assert not target.exists()
    assert get(publisher, target, other, accept_changed=True).before == SHA256


def test_another_file_that_the_publisher_vouches_for_is_reported(
    publisher: Publisher, target: Path, home: Path
) -> None:
    first = get(publisher, target)
    assert first.before == ""
    note(first.origin)
    target.unlink()
    publisher.files["/m.zip"] = b"another"
    other = hashlib.sha256(b"another").hexdigest()
    got = get(publisher, target, f"sha256:{other}")
    assert (got.before, got.origin.sha256, got.is_first) == (SHA256, other, False)
    note(got.origin)
    assert json.loads((home / "downloads.json").read_text()) == {publisher.url("/m.zip"): other}
    target.unlink()
    assert get(publisher, target, f"sha256:{other}").before == ""


def test_a_redirect_is_followed(publisher: Publisher, target: Path) -> None:
    publisher.redirects = {"/m.zip": "/elsewhere.zip"}
    publisher.files["/elsewhere.zip"] = CONTENT
    get(publisher, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "address", ["http://localhost:1/m.zip", "ftp://127.0.0.1/m.zip", "file:///etc/passwd", "//h/x"]
)
def test_a_redirect_away_from_https_is_refused(address: str, publisher: Publisher, target: Path) -> None:
    publisher.redirects = {"/m.zip": address}
    with pytest.raises(ModelError, match="without https"):
        get(publisher, target)
    assert not target.exists()
    assert len(publisher.asked) == 1


def test_a_redirect_to_no_address_is_said(publisher: Publisher, target: Path) -> None:
    publisher.redirects = {"/m.zip": "https://[x/m.zip"}
    with pytest.raises(ResourceError, match="one that it leads to"):
        get(publisher, target)
    assert len(publisher.asked) == 1


def test_redirects_in_a_circle_end(publisher: Publisher, target: Path) -> None:
    publisher.redirects = {"/m.zip": "/m.zip"}
    with pytest.raises(ModelError, match="without end"):
        get(publisher, target)


def test_in_earnest_only_https_is_asked(publisher: Publisher, target: Path) -> None:
    for url in (publisher.url("/m.zip"), "file:///etc/passwd", "m.zip", "https:///m.zip", "https://[x/m.zip"):
        with pytest.raises(ModelError, match="only https"):
            download(Remote(url), target, network=network_of({}))
    assert publisher.asked == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which makes the certificate, is not installed")
def test_only_an_accepted_certificate_will_do(
    publisher: Publisher, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    monkeypatch.setenv("NO_PROXY", "localhost")
    with publishing((certificate, key)) as secure:
        secure.files["/m.zip"] = CONTENT
        remote = Remote(secure.url("/m.zip"), f"sha256:{SHA256}")
        with pytest.raises(ResourceError, match="certificate is not accepted"):
            download(remote, target, network=network_of({}))
        assert secure.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        download(remote, target, network=network_of({}))
        target.unlink()
        secure.redirects = {"/m.zip": publisher.url("/m.zip")}
        with pytest.raises(ModelError, match="without https"):
            download(remote, target, network=network_of({}))
    assert not target.exists()
    assert publisher.asked == []


@pytest.mark.parametrize(
    ("status", "why"), [(404, "nothing at this address"), (403, "does not hand it out"), (401, "signing in")]
)
def test_a_refusal_is_said_at_once(status: int, why: str, publisher: Publisher, target: Path) -> None:
    publisher.faults = [status]
    with pytest.raises(ModelError, match=why):
        get(publisher, target)
    assert len(publisher.asked) == 1


def test_a_server_that_says_nothing_more_can_be_left_at_once(publisher: Publisher, target: Path) -> None:
    publisher.faults = ["stall"]
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()

    def poll() -> None:
        if cancelled.is_set():
            raise Cancelled

    begin = time.perf_counter()
    with pytest.raises(Cancelled):
        get(publisher, target, poll=poll)
    assert time.perf_counter() - begin < 2
    publisher.released.set()
    get(publisher, target)
    assert target.read_bytes() == CONTENT


def test_a_server_that_is_not_there_is_named(publisher: Publisher, target: Path) -> None:
    publisher.address = "http://127.0.0.1:9"
    with pytest.raises(ResourceError, match="connection failed"):
        get(publisher, target)


def test_a_full_disk_is_seen_before(publisher: Publisher, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10, 9, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ResourceError, match="no room for the download, which needs 1 MB"):
        get(publisher, target)


def test_a_disk_that_fills_up_under_a_file_of_unknown_size_is_not_filled(
    publisher: Publisher, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.says_size = False
    usage = namedtuple("usage", "total used free")
    left = iter([2**40, 2**40, 2**20])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**41, 2**40, next(left)))
    with pytest.raises(ResourceError, match="no room for the rest"):
        get(publisher, target)
    assert not target.exists()


def test_a_file_of_unknown_size_comes_whole(publisher: Publisher, target: Path) -> None:
    publisher.says_size = False
    get(publisher, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("value", "is_offline"), [("1", True), ("yes", True), ("0", False), ("", False), ("false", False)]
)
def test_offline_is_offline(value: str, is_offline: bool, publisher: Publisher, target: Path) -> None:
    network = network_of({"MEDAISEG_OFFLINE": value})
    assert network.offline == is_offline
    if is_offline:
        with pytest.raises(UsageError, match="stay offline"):
            download(Remote(publisher.url("/m.zip")), target, network=network)
        assert publisher.asked == []


def test_a_mirror_is_asked_in_place_of_the_publisher(publisher: Publisher, target: Path) -> None:
    publisher.files["/mirror/example.org/a/m.zip"] = CONTENT
    network = Network(mirror=publisher.url("/mirror/"), policy=publisher.network.policy)
    download(Remote("https://example.org/a/m.zip?x=1", f"sha256:{SHA256}"), target, network=network)
    assert target.read_bytes() == CONTENT
    assert network_of({"MEDAISEG_MIRROR": " https://m/ "}).mirror == "https://m/"


def test_two_that_want_the_same_file_do_not_spoil_it(publisher: Publisher, tmp_path: Path) -> None:
    folders = [tmp_path / f"{n}" for n in range(4)]
    threads = []
    for folder in folders:
        folder.mkdir()
        threads.append(threading.Thread(target=get, args=(publisher, folder / "m.zip")))
        threads[-1].start()
    for thread in threads:
        thread.join(20)
    assert all((folder / "m.zip").read_bytes() == CONTENT for folder in folders)
