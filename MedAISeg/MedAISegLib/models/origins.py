"""How a model came: the files that it was downloaded as, where from, and the SHA-256 of what came.

What came from an address first is written down in ``downloads.json``. Where a publisher gives no checksum, or only a
weak one, what comes later has to be the same; where it gives the SHA-256 itself, that counts.

An address may hold a login, or a key behind a question mark: neither is written down or shown. Such an address is known
again by its SHA-256.

A pack (models.packs) brings what was written down of its models where it was made. That is its maker's word: it is
shown as such, what comes later is not held against it, and nothing is permitted by it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..core.errors import MedAISegError
from .kept_records import change_record, read_record

RECORD = "downloads.json"
STRONG = "sha256:"
DIGITS = {"sha256": 64, "sha1": 40}
"""Kinds of checksums that publishers give, and how many hexadecimal digits each has."""

_ADDRESS = re.compile(r"https?://\S{1,2000}")
_KEY = re.compile(r"[^?#]*#[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T[\d:+]{8,20})?")
_LONGEST_SOURCE = 2100
_MOST_FILES = 1000


@dataclass(frozen=True)
class Origin:
    """A file of a publisher that came here.

    Attributes:
        url: as far as anybody may know it.
        sha256: of what came, in hexadecimal digits.
        checksum: as the publisher gives it, ``sha256:`` or ``sha1:`` and hexadecimal digits; empty where none is given.
        address_sha256: of the whole address, in hexadecimal digits; empty where ``url`` is all of it.
    """

    url: str
    sha256: str
    checksum: str = ""
    address_sha256: str = ""

    @property
    def is_vouched_for(self) -> bool:
        """Whether its publisher gives the SHA-256 itself."""
        return self.checksum.startswith(STRONG)


@dataclass(frozen=True)
class Receipt:
    """What is written down of a model when it comes.

    Attributes:
        source: what the user named: a folder, an archive, an address, a model of the catalogue.
        files: that were downloaded for it.
        acknowledged: when the user acknowledged a licence that allows no commercial use; empty where none was.
        pack: the pack that says all this of another machine; empty where it is this machine's own.
    """

    source: str = ""
    files: tuple[Origin, ...] = ()
    acknowledged: str = ""
    pack: str = ""

    @property
    def problem(self) -> str:
        """Why a stranger's receipt is not believed to be one; empty if it can be."""
        if len(self.source) > _LONGEST_SOURCE or not self.source.isprintable():
            return "a source that is none"
        if self.acknowledged and not _TIME.fullmatch(self.acknowledged):
            return "a time that is none"
        if len(self.files) > _MOST_FILES:
            return "more files than a model has"
        return next(filter(None, map(_origin_problem, self.files)), "")

    def came_from(self, addresses: Collection[str]) -> bool:
        """Whether this machine itself has downloaded the model's files, all from there."""
        known = {_said_of(address) for address in addresses}
        return not self.pack and bool(self.files) and all(_said(origin) in known for origin in self.files)

    @property
    def to_show(self) -> Receipt:
        """Without what an address holds that only who downloaded may know, as earlier versions have written it down."""
        files = []
        for origin in self.files:
            url, sha256 = _said(origin)
            files.append(replace(origin, url=url, address_sha256=sha256))
        return replace(self, source=public_address(self.source), files=tuple(files))

    @property
    def to_share(self) -> Receipt:
        """Without anything by which a login or key could be guessed."""
        shown = self.to_show
        return replace(shown, files=tuple(replace(origin, address_sha256="") for origin in shown.files))


def _origin_problem(origin: Origin) -> str:
    kind, _, digits = origin.checksum.partition(":")
    if not (_ADDRESS.fullmatch(origin.url) and origin.url.isprintable()):
        return "an address that is none"
    if not _is_hexadecimal(origin.sha256, DIGITS["sha256"]):
        return "a SHA-256 that is none"
    if origin.checksum and not _is_hexadecimal(digits, DIGITS.get(kind, 0)):
        return "a checksum that is none"
    if origin.address_sha256 and not _is_hexadecimal(origin.address_sha256, DIGITS["sha256"]):
        return "an address that is none"
    if origin.is_vouched_for and digits != origin.sha256:
        return "a file that is not what its publisher describes"
    return ""


def origin_of(address: str, sha256: str, checksum: str = "") -> Origin:
    """That of a file which came from an address."""
    url, address_sha256 = _said_of(address)
    return Origin(url, sha256, checksum, address_sha256)


def public_address(text: str) -> str:
    """An address without login, query and fragment; any other text as it is."""
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return f"{text.partition('://')[0]}://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@contextmanager
def told_publicly() -> Iterator[None]:
    """Within, an error names no address by more than anybody may know."""
    try:
        yield
    except MedAISegError as error:
        error.where = public_address(error.where)
        raise


def _said(origin: Origin) -> tuple[str, str]:
    return (origin.url, origin.address_sha256) if origin.address_sha256 else _said_of(origin.url)


def _said_of(address: str) -> tuple[str, str]:
    """What is written down of an address: what anybody may know, and the SHA-256 of all of it where that is more."""
    url = public_address(address)
    return url, "" if url == address else hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()


def _is_hexadecimal(text: str, length: int) -> bool:
    return bool(text) and re.fullmatch(f"[0-9a-f]{{{length}}}", text) is not None


def known_sha256(origin: Origin) -> str:
    """Of what came from its address last; empty where nothing did.

    Raises:
        ResourceError: if that cannot be read.
    """
    return str(_without_secrets(read_record(RECORD, binds=True)).get(_key(origin), ""))


def note(origin: Origin) -> None:
    """Write down what came from an address.

    Raises:
        ResourceError: if what is known already cannot be read, or that cannot be written.
    """

    def change(content: dict[str, Any]) -> None:
        known = _without_secrets(content)
        content.clear()
        content.update(known | {_key(origin): origin.sha256})

    change_record(RECORD, change, binds=True)


def has_changed(origin: Origin) -> bool:
    """Whether another file came from its address since.

    Raises:
        ResourceError: if that cannot be read.
    """
    return known_sha256(origin) not in ("", origin.sha256)


def _key(origin: Origin) -> str:
    return f"{origin.url}#{origin.address_sha256}" if origin.address_sha256 else origin.url


def _without_secrets(content: dict[str, Any]) -> dict[str, Any]:
    """What earlier versions have written down by whole addresses."""
    return {name if _KEY.fullmatch(name) else _key(origin_of(name, "")): value for name, value in content.items()}
