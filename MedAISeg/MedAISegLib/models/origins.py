"""How a model came: the files that it was downloaded as, where from, and the SHA-256 of what came.

What came from an address first is written down in ``downloads.json``. Where a publisher gives no checksum, or only a
weak one, what comes later has to be the same; where it gives the SHA-256 itself, that counts.

A pack (models.packs) brings what was written down of its models where it was made. That is its maker's word: it is
shown as such, what comes later is not held against it, and nothing is permitted by it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from .kept_records import change_record, read_record

RECORD = "downloads.json"
STRONG = "sha256:"
DIGITS = {"sha256": 64, "sha1": 40}
"""Kinds of checksums that publishers give, and how many hexadecimal digits each has."""

_ADDRESS = re.compile(r"https?://\S{1,2000}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T[\d:+]{8,20})?")
_LONGEST_SOURCE = 2100
_MOST_FILES = 1000


@dataclass(frozen=True)
class Origin:
    """A file of a publisher that came here.

    Attributes:
        sha256: of what came, in hexadecimal digits.
        checksum: as the publisher gives it, ``sha256:`` or ``sha1:`` and hexadecimal digits; empty where none is given.
    """

    url: str
    sha256: str
    checksum: str = ""

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
        return not self.pack and bool(self.files) and all(origin.url in addresses for origin in self.files)

    @property
    def to_share(self) -> Receipt:
        """Without what only who downloaded may know: logins, and keys that addresses have behind a question mark."""
        files = tuple(replace(origin, url=_public(origin.url)) for origin in self.files)
        return replace(self, source=_public(self.source), files=files)


def _origin_problem(origin: Origin) -> str:
    kind, _, digits = origin.checksum.partition(":")
    if not (_ADDRESS.fullmatch(origin.url) and origin.url.isprintable()):
        return "an address that is none"
    if not _is_hexadecimal(origin.sha256, DIGITS["sha256"]):
        return "a SHA-256 that is none"
    if origin.checksum and not _is_hexadecimal(digits, DIGITS.get(kind, 0)):
        return "a checksum that is none"
    if origin.is_vouched_for and digits != origin.sha256:
        return "a file that is not what its publisher describes"
    return ""


def _public(text: str) -> str:
    """An address without login, query and fragment; any other text as it is."""
    if "://" not in text:
        return text
    parts = urlsplit(text)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _is_hexadecimal(text: str, length: int) -> bool:
    return bool(text) and re.fullmatch(f"[0-9a-f]{{{length}}}", text) is not None


def known_sha256(url: str) -> str:
    """Of what came from an address last; empty where nothing did."""
    return str(read_record(RECORD).get(url, ""))


def note_sha256(url: str, sha256: str) -> None:
    """Write down what came from an address.

    Raises:
        ResourceError: if that cannot be written.
    """
    change_record(RECORD, lambda content: content.update({url: sha256}))


def has_changed(origin: Origin) -> bool:
    """Whether another file came from its address since."""
    return known_sha256(origin.url) not in ("", origin.sha256)
