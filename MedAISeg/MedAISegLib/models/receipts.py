"""Where installed models came from, what they were then, and when they were last used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..core.errors import ModelError, ResourceError
from ..core.records import from_json, to_json
from .kept_records import change_record, read_record
from .origins import Receipt
from .store import InstalledModel, installed_models
from .trust import content_sha256, withdraw_content

RECORD = "installed.json"
_SAID = tuple(field.name for field in fields(Receipt))


def record_installation(model_id: str, sha256: str, receipt: Receipt) -> None:
    """Write down what a model is, and how it came, while nobody can put another in its place.

    Args:
        sha256: of its content.

    Raises:
        ResourceError: if that cannot be written.
    """
    said = {name: value for name, value in to_json(receipt.to_show).items() if name in _SAID and value}
    entry = said | {"sha256": sha256, "installed": _today(), "used": _today()}
    change_record(RECORD, lambda content: content.update({model_id: entry}))


@contextmanager
def record_set_aside(model_id: str) -> Iterator[None]:
    """Until the block notes something, nothing is noted of a model; if it fails, what was noted is noted again.

    Raises:
        ResourceError: if that cannot be written.
    """
    entry = _entry(model_id)
    _forget(model_id)
    try:
        yield
    except BaseException:
        _forget(model_id)
        change_record(RECORD, lambda content: content.update({model_id: entry} if entry else {}))
        raise


def _forget(model_id: str) -> None:
    change_record(RECORD, lambda content: content.pop(model_id, None))


def forget_installation(model_id: str, sha256: str) -> None:
    """Of a model that is removed, the trust in it included.

    Args:
        sha256: of its content where that was trusted, empty where not.

    Raises:
        ResourceError: if that cannot be written.
    """
    _forget(model_id)
    withdraw_content(sha256, model_id)


def record_use(model: str) -> None:
    """Write down that an installed model is used today; of others, and where nothing can be written, nothing is.

    Args:
        model: as the user named it, an id, perhaps with a configuration behind a slash, or a path.
    """
    model_id, used = _own_id(model), {"used": _today()}
    if not model_id or _entry(model_id).get("used") == _today():
        return
    try:
        change_record(RECORD, lambda content: content.update({model_id: _of(content, model_id) | used}))
    except ResourceError:
        # A run does not fail for this.
        return


def receipt_of(model: InstalledModel) -> Receipt:
    """How a model came; all of it empty where that is not known, or it was not installed here."""
    entry = _entry(model.id) if model.is_own else {}
    try:
        return from_json(Receipt, {name: entry[name] for name in _SAID if name in entry}).to_show
    except ValueError:
        return Receipt()


def days_unused(model: InstalledModel, today: dt.date | None = None) -> int | None:
    """Since an installed model was last used, or installed; None where that is not known.

    Nothing is known of a folder that is newer than what was noted under its name: others have put it there.
    """
    try:
        used = dt.date.fromisoformat(str(_entry(model.id).get("used", "")))
        came = dt.datetime.fromtimestamp(model.path.stat().st_mtime, dt.UTC).date()
    except (OSError, OverflowError, ValueError):
        return None
    return None if came > used else ((today or _date()) - used).days


def require_unchanged(model: InstalledModel, sha256: str = "") -> bool:
    """Compare a model with what it was when it was installed.

    Args:
        sha256: of its content, where that is known already.

    Returns:
        Whether that is known at all.

    Raises:
        ModelError: if it has changed since.
    """
    known = _entry(model.id).get("sha256") if model.is_own else None
    if not known:
        return False
    if (sha256 or content_sha256(model.path)) != known:
        raise ModelError(
            "its files have changed since it was installed.",
            where=str(model.path),
            remedy="If nobody meant to change them, install it again.",
        )
    return True


def _own_id(model: str) -> str:
    """That of a model in the store which is named by its id, or a path that leads into it; empty for any other."""
    own = [installed for installed in installed_models() if installed.is_own]
    head, _, variant = model.partition("/")
    if any(installed.id == head for installed in own) and "/" not in variant:
        return head
    try:
        path = Path(model).expanduser().resolve()
        return next((installed.id for installed in own if path.is_relative_to(installed.path.resolve())), "")
    except (OSError, RuntimeError, ValueError):  # a name that cannot be a path's, a user that does not exist
        return ""


def _entry(model_id: str) -> dict[str, Any]:
    return _of(read_record(RECORD), model_id)


def _of(content: dict[str, Any], model_id: str) -> dict[str, Any]:
    entry = content.get(model_id)
    return entry if isinstance(entry, dict) else {}


def _date() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _today() -> str:
    return _date().isoformat()
