"""How much room models may take: what the disk has, and what the user allows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container, Mapping
from pathlib import Path

from ..core.disk import existing
from ..core.errors import ResourceError, UsageError
from .names import readable
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


def taken_bytes(without: Container[str] = ()) -> int:
    """By the models that were installed here, but for those of these ids."""
    return sum(size_bytes(model.path) for model in installed_models() if model.is_own and model.id not in without)


def free_bytes(folder: Path) -> int:
    """On the disk of a folder, which need not exist."""
    return shutil.disk_usage(next(filter(None, map(existing, (folder, *folder.parents))))).free


def require_within_quota(sizes: Mapping[str, int]) -> None:
    """Raises ResourceError if the models with these, which replace what is there of them, would take too much.

    Args:
        sizes: in bytes, by id.
    """
    quota = quota_bytes()
    if not quota:
        return
    taken = taken_bytes(without=sizes) + sum(sizes.values())
    if taken > quota:
        raise ResourceError(
            f"the models would take {taken / _GB:.2f} GB of {quota / _GB:g} GB that {QUOTA_VARIABLE} allows.",
            where=readable(", ".join(sizes)),
            remedy="Remove some, such as those that nobody uses (medaiseg models remove --unused DAYS), or allow more.",
        )


def require_room(sizes: Mapping[str, int], *, on_disk: int = 0) -> None:
    """Find out before anything is fetched whether models of these sizes can be kept together.

    Args:
        sizes: in bytes, by id.
        on_disk: bytes that they need meanwhile, where that is more.

    Raises:
        ResourceError: if the disk or the quota says no.
    """
    require_within_quota(sizes)
    wanted = max(sum(sizes.values()), on_disk)
    if free_bytes(models_home()) < wanted + _SPARE_BYTES:
        raise ResourceError(
            f"there is no room for the model{'s' if len(sizes) > 1 else ''}: {wanted / 1e6:.0f} MB are needed.",
            where=str(models_home()),
            remedy="Free some space, or choose a folder for models on another disk (Advanced, or MEDAISEG_HOME).",
        )
