"""Small JSON files in the program's data folder: written as a whole, and read even after damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.data_home import data_home
from ..core.disk import written_whole
from .locking import held

_LARGEST = 16 * 2**20


def read_record(name: str) -> dict[str, Any]:
    """What a file holds; nothing where it is missing or damaged, since what is kept here only ever permits more."""
    path = data_home() / name
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def change_record(name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what a file holds, alone among all programs.

    Raises:
        ResourceError: if it cannot be written.
    """
    with held("records"):
        content = read_record(name)
        change(content)
        _write(data_home() / name, json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True))


def _write(path: Path, text: str) -> None:
    with written_whole(path) as stream:
        stream.write(f"{text}\n".encode())
