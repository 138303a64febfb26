"""The files that a model was downloaded as: where from, and the SHA-256 of what came.

What came from an address first is written down in ``downloads.json``. Where a publisher gives no checksum, or only a
weak one, what comes later has to be the same; where it gives the SHA-256 itself, that counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from .kept_records import change_record, read_record

RECORD = "downloads.json"
STRONG = "sha256:"


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
    def vouched_by(self) -> str:
        """Who says that it is the right one."""
        if self.checksum.startswith(STRONG):
            return "as its publisher says"
        return "its publisher gives none; what comes later must be the same"


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
