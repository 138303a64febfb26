"""Small JSON files in the program's data folder: written as a whole, and never overwritten unread.

Most of them only ever permit more, so that one which cannot be read permits nothing. One that binds forbids something:
taken for empty it would allow what it is there to prevent. A private one, such as that of trust, is written for the
user alone, and is not believed where others can write it; the others may be shared, and lie on disks that know no
permissions.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core.data_home import data_home
from ..core.disk import os_errors_explained, written_whole
from ..core.errors import ResourceError
from .locking import held

_LARGEST = 16 * 2**20
_DAMAGE = (ValueError, RecursionError)


def read_record(name: str, *, binds: bool = False, private: bool = False) -> dict[str, Any]:
    """What a file holds; nothing where it is missing, or private and not believed.

    Args:
        binds: the file forbids something; any other that cannot be read, or is damaged, holds nothing.
        private: nobody else may write it.

    Raises:
        ResourceError: if one that binds cannot be read, or is damaged.
    """
    path = data_home() / name
    if private and reason_for_doubt(name):
        return {}
    try:
        return _content(path)
    except (OSError, *_DAMAGE) as error:
        if binds:
            raise _unreadable(path, error) from error
        return {}


def change_record(
    name: str, change: Callable[[dict[str, Any]], None], *, binds: bool = False, private: bool = False
) -> None:
    """Change what a file holds, alone among all programs; one that is damaged is set aside first.

    Where nothing changes nothing is written, so that a full disk does not matter.

    Args:
        binds: the file forbids something, and stays where it is if it is damaged.
        private: nobody else may write it, or read it.

    Raises:
        ResourceError: if it cannot be read or written; if one that binds is damaged, or a private one not believed.
    """
    path = data_home() / name
    with held("records"):
        if private:
            _require_own(path)
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
                if private:
                    # Some disks know no permissions.
                    with suppress(OSError):
                        Path(stream.name).chmod(stat.S_IRUSR | stat.S_IWUSR)
                stream.write(after.encode())


def learn(name: str, key: str, change: Callable[[object], dict[str, Any]], *, most: int) -> None:
    """Change one entry, None where it is new, of a file of so many that can be learnt anew.

    A folder that cannot be written costs nothing but that.
    """

    def change_one(content: dict[str, Any]) -> None:
        content[key] = change(content.get(key))
        for surplus in [other for other in content if other != key][: max(0, len(content) - most)]:
            del content[surplus]

    with suppress(ResourceError):
        change_record(name, change_one)


def reason_for_doubt(name: str) -> str:
    """Why a file is not believed: who else can write it; empty if nobody can, or Windows keeps the user's folders."""
    try:
        status = (data_home() / name).stat()
    except OSError:
        return ""
    if os.name == "nt":
        return ""
    if status.st_uid not in (os.geteuid(), 0):
        return "it belongs to another user, and is not believed"
    # Where each user has a group, that is theirs alone.
    by_others = stat.S_IWOTH | (0 if status.st_gid == os.getegid() else stat.S_IWGRP)
    return "others can write it, and it is not believed" if status.st_mode & by_others else ""


def _require_own(path: Path) -> None:
    if reason := reason_for_doubt(path.name):
        remedy = f"Delete it, or see what it says and make it yours alone: chmod 600, chown {os.geteuid()}."
        raise ResourceError(f"{reason}.", where=str(path), remedy=remedy)


def _content(path: Path) -> dict[str, Any]:
    """What a file holds; nothing where it is missing.

    Raises:
        OSError: if it cannot be read.
        ValueError, RecursionError: if it is damaged.
    """
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
