"""Files of models from their publishers: nothing is used before it is known to be what it should be."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.data_home import data_home
from ..core.disk import os_errors_explained
from ..core.errors import ChangedFileError, ModelError, UsageError
from ..core.progress import Poll, never
from .extras import extra
from .locking import held
from .origins import DIGITS, Origin, known_sha256, origin_of, public_address, told_publicly
from .transfer import Policy, fetch, is_https
from .trust import file_sha256

OFFLINE_VARIABLE = "MEDAISEG_OFFLINE"
MIRROR_VARIABLE = "MEDAISEG_MIRROR"
_WAIT_FOR_OTHERS_S = 24 * 3600.0
_IN_EARNEST = Policy(is_https)


@dataclass(frozen=True)
class Remote:
    """A file of a publisher.

    Attributes:
        checksum: as the publisher gives it, ``sha256:`` or ``sha1:`` and hexadecimal digits; empty where none is given.
    """

    url: str
    checksum: str = ""


@dataclass(frozen=True)
class Network:
    """What may be asked, and where.

    Attributes:
        offline: nothing is.
        mirror: an address below which copies lie, ``{mirror}/{host}/{path}``; empty for the publishers' own.
    """

    offline: bool = False
    mirror: str = ""
    policy: Policy = _IN_EARNEST


@dataclass(frozen=True)
class Downloaded:
    """A file that is there.

    Attributes:
        is_first: only its own first download vouches for it.
        before: the SHA-256 of what came from its address before; empty where nothing did, or the same.
    """

    path: Path
    origin: Origin
    is_first: bool
    before: str = ""


def network_of(environment: Mapping[str, str] | None = None, *, offline: bool = False, mirror: str = "") -> Network:
    """The settings: ``MEDAISEG_OFFLINE``, ``MEDAISEG_MIRROR``; what is given here goes first."""
    environment = os.environ if environment is None else environment
    says_offline = environment.get(OFFLINE_VARIABLE, "").strip().lower() not in {"", "0", "false", "no"}
    return Network(offline or says_offline, mirror or environment.get(MIRROR_VARIABLE, "").strip())


def key_of(remote: Remote) -> str:
    """What the files of its download are named by."""
    return hashlib.sha256(remote.url.encode()).hexdigest()[:32]


@told_publicly()
def download(
    remote: Remote,
    target: Path,
    *,
    network: Network,
    on_bytes: Callable[[int, int], None] = lambda _done, _total: None,
    admit: Callable[[int], None] = lambda _total: None,
    poll: Poll = never,
    accept_changed: bool = False,
) -> Downloaded:
    """Fetch a file and check it; only then it lies at ``target``.

    Unless its publisher gives its SHA-256, it must be the one that was written down (:func:`.origins.note`) when a file
    from there was first found to be a model.

    Args:
        on_bytes: is told how much is there, and of how much (0 where the server does not say).
        admit: is given the size before anything is stored, or what is there as it grows, and may raise a MedAISegError.
        accept_changed: it need not be the same.

    Raises:
        UsageError: if nothing may be downloaded.
        ChangedFileError: if it is not what came first.
        ModelError: if it is not what it should be, or is refused.
        ResourceError: if it cannot be reached or there is no room.
        Cancelled: if ``poll`` raises it; what is there already is kept for the next time.
    """
    if network.offline:
        raise UsageError(
            "nothing is downloaded, since the program is set to stay offline.",
            where=remote.url,
            remedy="Turn strict offline off (Advanced, or MEDAISEG_OFFLINE), or bring the model as a file or a pack.",
        )
    _require_usable(remote)
    url = _address(remote.url, network.mirror)
    key = key_of(remote)
    part = data_home() / "downloads" / f"{key}.part"
    with os_errors_explained(part):
        part.parent.mkdir(parents=True, exist_ok=True)

    def downloader(_url: str, output: str, _pooch: Any) -> None:
        fetch(
            url,
            part,
            policy=network.policy,
            has_checksum=bool(remote.checksum),
            on_bytes=on_bytes,
            admit=admit,
            poll=poll,
        )
        part.replace(output)

    with held(f"downloads/{key}", poll, _WAIT_FOR_OTHERS_S):
        _retrieve(remote, target, downloader)
    return _checked(remote, target, accept_changed=accept_changed)


def _retrieve(remote: Remote, target: Path, downloader: Callable[[str, str, Any], None]) -> None:
    pooch = extra("pooch")
    pooch.get_logger().setLevel("ERROR")
    try:
        pooch.retrieve(
            remote.url, remote.checksum or None, fname=target.name, path=target.parent, downloader=downloader
        )
    except ValueError as error:
        raise ModelError(
            "what came is not what its publisher describes: the checksum differs.",
            where=remote.url,
            remedy="Try again; if it stays so, tell the publisher. Nothing was installed.",
        ) from error


def _checked(remote: Remote, target: Path, *, accept_changed: bool) -> Downloaded:
    origin = origin_of(remote.url, file_sha256(target), remote.checksum)
    known, sha256 = known_sha256(origin), origin.sha256
    before = "" if known == sha256 else known
    if before and not accept_changed and not origin.is_vouched_for:
        target.unlink()
        raise ChangedFileError(
            f"it is another file than at its first download (SHA-256 {before[:12]}..., now {sha256[:12]}...).",
            where=remote.url,
            remedy="If its publisher has announced a change, say so: --accept-changed. Nothing was installed.",
        )
    return Downloaded(target, origin, is_first=known != sha256 and not remote.checksum, before=before)


def _require_usable(remote: Remote) -> None:
    algorithm, _, digits = remote.checksum.partition(":")
    if remote.checksum and len(digits) != DIGITS.get(algorithm):
        raise ModelError(f"its checksum is of no known kind: {remote.checksum[:80]}.", where=remote.url)


def _address(url: str, mirror: str) -> str:
    """Where a file is asked for; a mirror does not hear of a login or key that is meant for the publisher."""
    if not mirror:
        return url
    return f"{mirror.rstrip('/')}/{public_address(url).partition('://')[2]}"
