"""Small JSON files in the program's data folder: written as a whole, and never overwritten unread.

Most of them only ever permit more, so that one which cannot be read permits nothing. One that binds forbids something:
taken for empty it would allow what it is there to prevent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.data_home import data_home
from ..core.disk import os_errors_explained, written_whole
from ..core.errors import ResourceError
from .locking import held

_LARGEST = 16 * 2**20
_DAMAGE = (ValueError, RecursionError)


def read_record(name: str, *, binds: bool = False) -> dict[str, Any]:
    """What a file holds; nothing where it is missing.

    Args:
        binds: the file forbids something; any other that cannot be read, or is damaged, holds nothing.

    Raises:
        ResourceError: if one that binds cannot be read, or is damaged.
    """
    path = data_home() / name
    try:
        return _content(path)
    except (OSError, *_DAMAGE) as error:
        if binds:
            raise _unreadable(path, error) from error
        return {}


def change_record(name: str, change: Callable[[dict[str, Any]], None], *, binds: bool = False) -> None:
    """Change what a file holds, alone among all programs; one that is damaged is set aside first.

    Where nothing changes nothing is written, so that a full disk does not matter.

    Args:
        binds: the file forbids something, and stays where it is if it is damaged.

    Raises:
        ResourceError: if it cannot be read or written; or if one that binds is damaged.
    """
    path = data_home() / name
    with held("records"):
        try:
            content = _content(path)
            before = _text(content)
        except OSError as error:
            raise _unreadable(path, error) from error
        except _DAMAGE as error:
            if binds:
                raise _unreadable(path, error) from error
            content, before = {}, ""
            with os_errors_explained(path):
                path.replace(path.with_name(f"{name}.damaged"))
        change(content)
        after = _text(content)
        if after != before:
            with written_whole(path) as stream:
                stream.write(after.encode())


def _content(path: Path) -> dict[str, Any]:
    """Raises OSError if a file that is there cannot be read, ValueError or RecursionError if it is damaged."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    return content


def _unreadable(path: Path, error: Exception) -> ResourceError:
    if isinstance(error, OSError):
        what, remedy = (
            f"it cannot be read: {error.strerror or error}.",
            "Check permissions and the disk.",
        )
    else:
        what, remedy = "it is damaged.", "Put a copy of it in its place, or delete it: what it says is lost then."
    return ResourceError(what, where=str(path), remedy=remedy)


def _text(content: dict[str, Any]) -> str:
    return f"{json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)}\n"
