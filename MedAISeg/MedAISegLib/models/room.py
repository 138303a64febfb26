"""How much room models may take: what the disk has, and what the user allows."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..core.disk import existing
from ..core.errors import ResourceError, UsageError
from .store import installed_models, models_home, size_bytes

QUOTA_VARIABLE = "MEDAISEG_QUOTA_GB"
_GB = 10**9
_SPARE_BYTES = 256 * 2**20


def quota_bytes() -> int:
    """What ``MEDAISEG_QUOTA_GB`` allows the installed models to take; 0 for as much as there is.

    Raises:
        UsageError: if it is no number.
    """
    text = os.environ.get(QUOTA_VARIABLE, "").strip()
    if not text:
        return 0
    try:
        return max(round(float(text) * _GB), 0)
    except (ValueError, OverflowError) as error:
        raise UsageError("it is no number of gigabytes.", where=f"{QUOTA_VARIABLE}={text}") from error


def taken_bytes(without: str = "") -> int:
    """By the models that were installed here, but for the one of that id."""
    return sum(size_bytes(model.path) for model in installed_models() if model.is_own and model.id != without)


def free_bytes(folder: Path) -> int:
    """On the disk of a folder, which need not exist."""
    return shutil.disk_usage(next(filter(None, map(existing, (folder, *folder.parents))))).free


def require_within_quota(model_id: str, size: int) -> None:
    """Raises ResourceError if the models with this one, which replaces what is there of it, would take too much."""
    quota = quota_bytes()
    if not quota:
        return
    taken = taken_bytes(without=model_id) + size
    if taken > quota:
        raise ResourceError(
            f"the models would take {taken / _GB:.2f} GB of {quota / _GB:g} GB that {QUOTA_VARIABLE} allows.",
            where=model_id,
            remedy="Remove some, such as those that nobody uses (medaiseg models remove --unused DAYS), or allow more.",
        )


def require_room(model_id: str, size: int, *, on_disk: int = 0) -> None:
    """Find out before anything is fetched whether a model of that size can be kept.

    Args:
        size: of the model.
        on_disk: that it needs meanwhile, where that is more.

    Raises:
        ResourceError: if the disk or the quota says no.
    """
    require_within_quota(model_id, size)
    wanted = max(size, on_disk)
    if free_bytes(models_home()) < wanted + _SPARE_BYTES:
        raise ResourceError(
            f"there is no room for the model, which needs {wanted / 1e6:.0f} MB.",
            where=str(models_home()),
            remedy="Free some space, or choose a folder for models on another disk (Advanced, or MEDAISEG_HOME).",
        )
