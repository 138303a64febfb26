"""One file over HTTPS into a partial file that a later try goes on with."""

from __future__ import annotations

import re
import shutil
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..core.errors import MedAISegError, ModelError, ResourceError
from ..core.progress import Poll
from .extras import extra, extra_or_none
from .partial_file import PartialFile, Version, usable_validator
from .transfer_failures import TryAgainError, failure_of, require_accepted

_PIECE = 2**16
_TIMEOUTS_S = (15.0, 30.0)
_STEP_S = 0.1
_MOST_REDIRECTS = 10
_LARGEST_BYTES = 50 * 2**30
_SPARE_BYTES = 256 * 2**20
_ADMITTED_BYTES = 64 * 2**20
"""A file of unknown size is asked about anew whenever so much more of it is there."""

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")


@dataclass(frozen=True)
class Policy:
    """How files are fetched.

    Attributes:
        allows: whether an address may be asked, redirects included.
        attempts: how often a file is tried; each goes on where the one before ended.
        pause_s: before the second attempt, doubled before each further one.
    """

    allows: Callable[[str], bool]
    attempts: int = 4
    pause_s: float = 1.0


def is_https(url: str) -> bool:
    """The only addresses that are asked in earnest."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


@dataclass
class _Transfer:
    """The state of one file on its way, shared with the thread that reads from the network."""

    url: str
    part: PartialFile
    resumable_unchecked: bool
    policy: Policy
    admit: Callable[[int], None]
    done_bytes: int = 0
    total_bytes: int = 0
    failure: Exception | None = None
    finished: bool = False


def fetch(
    url: str,
    target: Path,
    *,
    policy: Policy,
    has_checksum: bool,
    on_bytes: Callable[[int, int], None],
    admit: Callable[[int], None],
    poll: Poll,
) -> None:
    """Fetch a file, going on with what an earlier try left in ``target``.

    Args:
        has_checksum: the whole is checked afterwards, so that a part need not be told from that of another version.
        on_bytes: is told how much is there, and of how much (0 where the server does not say).
        admit: is given the size of the whole before anything is stored, or where the server does not say it, now and
            then what is there; may raise a MedAISegError.

    Raises:
        ModelError: if the address may not be asked, or the server refuses.
        ResourceError: if the server cannot be reached, or there is no room.
        Cancelled: if ``poll`` raises it; ``target`` stays for the next try.
    """
    pause_s = policy.pause_s
    for attempt in range(policy.attempts):
        transfer = _Transfer(url, PartialFile(target), has_checksum, policy, admit)
        try:
            _watched(transfer, on_bytes, poll)
        except TryAgainError as error:
            if attempt + 1 == policy.attempts:
                raise ResourceError(
                    f"it could not be downloaded: {error}.",
                    where=url,
                    remedy="Check the network and the proxy settings; the next try goes on where this one ended.",
                ) from error
            _wait(pause_s, poll)
            pause_s *= 2
        else:
            transfer.part.forget_version()
            return


def _wait(seconds: float, poll: Poll) -> None:
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        poll()
        time.sleep(min(_STEP_S, left_s))


def _watched(transfer: _Transfer, on_bytes: Callable[[int, int], None], poll: Poll) -> None:
    """The network is read in a thread of its own, since a server that says nothing would make this one deaf."""
    thread = threading.Thread(target=_run, args=(transfer,), daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            poll()
            on_bytes(transfer.done_bytes, transfer.total_bytes)
            thread.join(_STEP_S)
    finally:
        transfer.part.stop()
    if transfer.failure is not None:
        raise transfer.failure
    if not transfer.finished:
        raise TryAgainError("the connection failed")
    on_bytes(transfer.done_bytes, transfer.total_bytes)


def _run(transfer: _Transfer) -> None:
    requests, urllib3 = extra("requests"), extra("urllib3")
    try:
        with _session(requests) as session:
            _receive(session, transfer)
        transfer.finished = True
    except (MedAISegError, TryAgainError) as error:
        transfer.failure = error
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
        transfer.failure = failure_of(error, transfer.url)


def _receive(session: Any, transfer: _Transfer) -> None:
    part = transfer.part
    kept = part.version()
    start = part.size_bytes() if kept.validator or transfer.resumable_unchecked else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-"} | ({"If-Range": kept.validator} if kept.validator else {})
    with _followed(session, transfer, headers) as response:
        if response.status_code == 416:
            part.discard()
            raise TryAgainError("what was there of it did not fit")
        require_accepted(response, transfer.url)
        first, version = _sent(response)
        goes_on = response.status_code == 206
        if goes_on and not (start and first == start and version.may_be_of(kept)):
            part.discard()
            raise TryAgainError("the server sent another part than it was asked for")
        transfer.done_bytes = start if goes_on else 0
        transfer.total_bytes = version.total_bytes
        _require_room(transfer)
        if goes_on:
            part.go_on()
        else:
            part.begin(version)
        _store(response, transfer)
    if not transfer.done_bytes:
        raise TryAgainError("the server sent an empty file")
    if transfer.done_bytes < transfer.total_bytes:
        raise TryAgainError("the connection ended too early")


def _store(response: Any, transfer: _Transfer) -> None:
    admitted = 0
    while piece := response.raw.read(_PIECE, decode_content=False):
        transfer.part.write(piece)
        transfer.done_bytes += len(piece)
        if transfer.done_bytes > _LARGEST_BYTES:
            transfer.part.discard()
            raise ModelError("it is too large for a model.", where=transfer.url)
        if transfer.total_bytes:
            if transfer.done_bytes > transfer.total_bytes:
                transfer.part.discard()
                raise TryAgainError("the server sent more than it said")
            continue
        _require_free(transfer, 0)
        if transfer.done_bytes - admitted >= _ADMITTED_BYTES:
            admitted = transfer.done_bytes
            transfer.admit(admitted)
    if not transfer.total_bytes:
        transfer.admit(transfer.done_bytes)


def _followed(session: Any, transfer: _Transfer, headers: dict[str, str]) -> Any:
    """The response at the end of the redirects, each of which must lead to an address that may be asked."""
    url = transfer.url
    for _ in range(_MOST_REDIRECTS):
        if not transfer.policy.allows(url):
            what = (
                "only https addresses are asked"
                if url == transfer.url
                else f"it leads to an address at {urlsplit(url).hostname or 'nowhere'} without https"
            )
            remedy = "Addresses, that of a mirror too, begin with https://." if url == transfer.url else ""
            raise ModelError(f"it is not downloaded: {what}.", where=transfer.url, remedy=remedy)
        response = session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=_TIMEOUTS_S)
        if not response.is_redirect:
            return response
        url = urljoin(url, response.headers["Location"])
        response.close()
    raise ModelError("its address leads from one to another without end.", where=transfer.url)


def _require_room(transfer: _Transfer) -> None:
    if transfer.total_bytes:
        transfer.admit(transfer.total_bytes)
    _require_free(transfer, max(transfer.total_bytes - transfer.done_bytes, 0))


def _require_free(transfer: _Transfer, wanted: int) -> None:
    if shutil.disk_usage(transfer.part.path.parent).free < wanted + _SPARE_BYTES:
        raise ResourceError(
            f"there is no room for the download, which needs {wanted / 1e6:.0f} MB."
            if wanted
            else "there is no room for the rest of the download, whose size the server does not say.",
            where=str(transfer.part.path.parent),
            remedy="Free some space, or set MEDAISEG_HOME to a folder on another disk.",
        )


def _sent(response: Any) -> tuple[int, Version]:
    """The first byte of what comes, -1 where a part does not say it or of how much it is one; and of which version."""
    headers = response.headers
    tag = headers.get("ETag", "")
    validator = usable_validator(tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", ""))
    if response.status_code == 206:
        said = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        return (int(said[1]), Version(validator, int(said[2]))) if said else (-1, Version(validator))
    length = "" if "Transfer-Encoding" in headers else headers.get("Content-Length", "")
    return 0, Version(validator, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0)


def _session(requests: Any) -> Any:
    """Follows the system's proxy settings and believes the certificates that the system does."""
    truststore = extra_or_none("truststore")
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if truststore else ssl.create_default_context()
    adapter = requests.adapters.HTTPAdapter()
    adapter.init_poolmanager(1, 1, ssl_context=context)
    adapter.proxy_manager_for = partial(adapter.proxy_manager_for, ssl_context=context)
    session = requests.Session()
    session.mount("https://", adapter)
    session.headers["User-Agent"] = "MedAISeg"
    return session
