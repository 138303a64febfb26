"""The text of a model's files, which may be anything."""

from __future__ import annotations

from pathlib import Path

LARGEST_BYTES = 16 * 2**20


def text_of(path: Path, largest: int = LARGEST_BYTES) -> str:
    """The whole text, without the mark that some editors put before it.

    Raises:
        ValueError: if it is no plain file, larger than that many bytes, or no UTF-8.
        OSError: if it cannot be read.
    """
    # Reading a pipe or a device might never end.
    if not path.is_file():
        raise ValueError("it is no plain file" if path.exists() else "it is missing")
    if path.stat().st_size > largest:
        raise ValueError(f"it is larger than {largest / 2**20:.0f} MB")
    return path.read_text(encoding="utf-8-sig")
