"""What the user has allowed: which model may run code of its own, and which licences were acknowledged.

A model is trusted by what it is, not by its name: by the SHA-256 of every file in its folder. If one of them changes,
it is another model. Whoever is about to run code of a model calls :func:`require_trust` just before, and nowhere else
is code of a model run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import LicenceError, ModelError, NotTrustedError
from .card import ModelCard
from .kept_records import change_record, read_record, reason_for_doubt

RECORD = "trust.json"
_TRUSTED, _LICENCES = "trusted", "licences"

_for_now: list[str] = []
"""Contents that are trusted while they are tried, each as often as that is done."""


def content_sha256(path: Path) -> str:
    """Of the names and contents of all files of a model's folder, or of its file; read anew at each call.

    Raises:
        ModelError: if a file cannot be read.
    """
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if not file.is_dir())
    total = hashlib.sha256()
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        # A name need not be Unicode where the system does not ask for that.
        total.update(f"{name}\0{file_sha256(file)}\0".encode(errors="surrogatepass"))
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """Of a file's content.

    Raises:
        ModelError: if it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"it cannot be read: {error.strerror}.", where=str(path)) from error


def is_trusted(path: Path) -> bool:
    """Whether the user has trusted this very model, be it under another name."""
    return bool(trusted_sha256(path))


def trusted_sha256(path: Path) -> str:
    """Of a model that the user has trusted as it is now; empty for any other.

    Raises:
        ModelError: if a file cannot be read; none is where no model at all is trusted.
    """
    known = {*_for_now, *_entries(_TRUSTED)}
    sha256 = content_sha256(path) if known else ""
    return sha256 if sha256 in known else ""


def was_trusted(path: Path) -> bool:
    """Whether trust was given under the name of this folder, and not withdrawn; its files are not read."""
    return any(path.name in _names(entry) for entry in _entries(_TRUSTED).values())


def require_trust(path: Path, what: str) -> None:
    """Let pass only a model that the user has trusted.

    Args:
        what: it would do, as the end of a sentence, e.g. ``run its own post-processing``.

    Raises:
        NotTrustedError: if the user has not trusted this very model.
    """
    if not is_trusted(path):
        others = " as it is now: its files are others than those that were trusted under its name"
        doubt = reason_for_doubt(RECORD)
        said = f" ({RECORD}, which says what is trusted: {doubt})" if doubt else others if was_trusted(path) else ""
        raise NotTrustedError(
            f"it would {what}, and it is not trusted{said}.",
            where=str(path),
            remedy="If you know who made it: medaiseg models trust M, models install ... --trust, or in the panel.",
        )


def trust_model(path: Path) -> None:
    """Remember that the user trusts this model as it is now.

    Raises:
        ResourceError: if that cannot be written down.
    """
    trust_content(content_sha256(path), path.name)


def trust_content(sha256: str, model_id: str) -> None:
    """Remember that the user trusts a model of this content.

    Raises:
        ResourceError: if that cannot be written down.
    """

    def remember(content: dict[str, Any]) -> None:
        trusted = _section(content, _TRUSTED)
        names = {*_names(trusted.get(sha256)), model_id}
        trusted[sha256] = {"models": sorted(names), "given": _now()}

    change_record(RECORD, remember, private=True)


@contextmanager
def trusted_for_now(path: Path) -> Iterator[str]:
    """Within, a model is trusted as it is now, whose SHA-256 this gives: to see whether it is sound.

    That is not written down, so that no trust is left where the process is ended meanwhile.
    """
    sha256 = content_sha256(path)
    _for_now.append(sha256)
    try:
        yield sha256
    finally:
        _for_now.remove(sha256)


def withdraw_trust(path: Path) -> bool:
    """Forget the trust in a model as it is now, in all its copies, and whatever was trusted under its name.

    Returns:
        Whether there was any.

    Raises:
        ModelError: if a file of it cannot be read; then the trust under its name is forgotten nevertheless.
        ResourceError: if that cannot be written down.
    """
    sha256 = ""
    try:
        sha256 = trusted_sha256(path)
    finally:
        there_was_any = withdraw_content(sha256, path.name)
    return there_was_any


def withdraw_content(sha256: str, model_id: str) -> bool:
    """Forget the trust in models of this content, and whatever was trusted under this name.

    Returns:
        Whether there was any.

    Raises:
        ResourceError: if that cannot be written down.
    """
    ended: list[str] = []

    def forget(content: dict[str, Any]) -> None:
        trusted = _section(content, _TRUSTED)
        ended.extend(known for known, entry in trusted.items() if known == sha256 or model_id in _names(entry))
        for known in ended:
            del trusted[known]

    change_record(RECORD, forget, private=True)
    return bool(ended)


def needs_acknowledgement(card: ModelCard) -> bool:
    """Whether the licence rules out commercial use, and the user has yet to acknowledge that of this model."""
    return card.commercial_use is False and _licence_key(card) not in _entries(_LICENCES)


def acknowledge_licence(card: ModelCard) -> None:
    """Write down that the user has acknowledged a licence.

    Raises:
        ResourceError: if that cannot be written.
    """
    entry = {"model": card.id, "licence": card.license, "acknowledged": _now()}
    change_record(
        RECORD, lambda content: _section(content, _LICENCES).update({_licence_key(card): entry}), private=True
    )


def acknowledged(card: ModelCard) -> str:
    """When the user acknowledged the licence of a model; empty where that was not done."""
    entry = _entries(_LICENCES).get(_licence_key(card))
    return str(entry.get("acknowledged", "")) if isinstance(entry, dict) else ""


def require_acknowledged(card: ModelCard) -> None:
    """Raises LicenceError if the user has yet to acknowledge the licence of a model."""
    if needs_acknowledgement(card):
        raise LicenceError(
            f"its licence does not allow commercial use: {card.license or 'see its publisher'}.",
            where=card.id,
            remedy="If that is how you use it, say so: --accept-licence.",
        )


def _licence_key(card: ModelCard) -> str:
    return hashlib.sha256(f"{card.id}\n{card.license}".encode()).hexdigest()


def _entries(section: str) -> dict[str, Any]:
    return _section(read_record(RECORD, private=True), section)


def _names(entry: object) -> tuple[str, ...]:
    """All names that a content was trusted under."""
    names = entry.get("models") if isinstance(entry, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _section(content: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(content.get(name), dict):
        content[name] = {}
    section: dict[str, Any] = content[name]
    return section


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
