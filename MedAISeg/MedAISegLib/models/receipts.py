"""Where installed models came from, what they were then, and when they were last used."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from ..core.errors import ModelError, ResourceError
from ..core.records import from_json, to_json
from .kept_records import change_record, read_record
from .locking import held
from .names import model_id_problem
from .origins import Origin
from .store import InstalledModel, models_home
from .trust import content_sha256, withdraw_trust

RECORD = "installed.json"


def record_installation(model: InstalledModel, source: str, origins: tuple[Origin, ...] = ()) -> None:
    """Write down what a model is, and where it came from.

    Args:
        origins: the files that were downloaded for it.

    Raises:
        ResourceError: if that cannot be written.
    """
    with held("models"):
        # Meanwhile nobody puts another in its place.
        sha256 = content_sha256(model.path)
    entry: dict[str, Any] = {"source": source, "sha256": sha256, "installed": _today(), "used": _today()}
    if origins:
        entry["files"] = to_json(origins)
    change_record(RECORD, lambda content: content.update({model.id: entry}))


def forget_installation(model_id: str) -> None:
    """Of a model that is removed, the trust in it included."""
    change_record(RECORD, lambda content: content.pop(model_id, None))
    withdraw_trust(Path(model_id))


def record_use(model: str) -> None:
    """Write down that an installed model is used today; of others, and where nothing can be written, nothing is.

    Args:
        model: as the user named it, an id, perhaps with a configuration behind a slash, or a path.
    """
    head, _, variant = model.partition("/")
    model = head if "/" not in variant else model
    entry = _entry(model)
    if model_id_problem(model) or entry.get("used") == _today() or not (models_home() / model).is_dir():
        return
    try:
        change_record(RECORD, lambda content: content.update({model: entry | {"used": _today()}}))
    except ResourceError:
        # A run does not fail for this.
        return


def source_of(model_id: str) -> str:
    """Where a model came from; empty where that is not known."""
    return str(_entry(model_id).get("source", ""))


def origins_of(model_id: str) -> tuple[Origin, ...]:
    """The files that a model was downloaded as; none where it was not, or that is not known."""
    try:
        return from_json(tuple[Origin, ...], _entry(model_id).get("files", ()))
    except ValueError:
        return ()


def days_unused(model: InstalledModel, today: dt.date | None = None) -> int | None:
    """Since an installed model was last used, or installed; None where that is not known."""
    try:
        used = dt.date.fromisoformat(str(_entry(model.id).get("used", "")))
    except ValueError:
        return None
    return ((today or _date()) - used).days


def require_unchanged(model: InstalledModel) -> bool:
    """Compare a model with what it was when it was installed.

    Returns:
        Whether that is known at all.

    Raises:
        ModelError: if it has changed since.
    """
    known = _entry(model.id).get("sha256")
    if not known:
        return False
    if content_sha256(model.path) != known:
        raise ModelError(
            "its files have changed since it was installed.",
            where=str(model.path),
            remedy="If nobody meant to change them, install it again.",
        )
    return True


def _entry(model_id: str) -> dict[str, Any]:
    entry = read_record(RECORD).get(model_id)
    return entry if isinstance(entry, dict) else {}


def _date() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _today() -> str:
    return _date().isoformat()
