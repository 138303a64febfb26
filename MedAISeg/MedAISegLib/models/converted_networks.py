"""Networks in the form that another library has made of them, kept between runs; each can be made again at any time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.data_home import data_home
from ..core.errors import ResourceError
from .locking import held
from .scratch import scratch_folder

_FOLDER = "converted"
_MOST_BYTES = 4 * 2**30
_SUFFIX = ".network"
_REASON_SUFFIX = ".txt"


def converted_network(model: str, key: str) -> Path | None:
    """The file of a network of a model by its hash; None where it has not been converted."""
    file = _file(model, key)
    return file if file.is_file() else None


def note_use(file: Path) -> None:
    """Its time tells what has not been used for long."""
    with suppress(OSError):
        os.utime(file)


def has_room_beside(files: Iterable[Path]) -> bool:
    """Whether another network can be kept without these, or most of the others, having to go."""
    return sum(map(_size_bytes, files)) < _MOST_BYTES // 2


def reason_against(model: str, key: str) -> str:
    """Why it could not be converted; empty where that has not been tried."""
    try:
        return _file(model, key).with_suffix(_REASON_SUFFIX).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


@contextmanager
def converting(model: str, key: str) -> Iterator[tuple[Path, Path]]:
    """A folder for what is half-done, and the file in it that is kept if it is there at the end.

    Raises:
        ResourceError: if the program's data folder cannot be written.
    """
    with scratch_folder(data_home() / _FOLDER) as folder:
        made = folder / f"done{_SUFFIX}"
        yield folder, made
        if made.is_file():
            place = _file(model, key)
            with held(_FOLDER):
                place.parent.mkdir(exist_ok=True)
                made.replace(place)
                _remove_longest_unused(place)


def keep_reason(model: str, key: str, reason: str) -> None:
    """Remember why a network could not be converted, so that it is not tried again and again."""
    place = _file(model, key).with_suffix(_REASON_SUFFIX)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(reason, encoding="utf-8")


def models_with_converted() -> set[str]:
    """The hashes of the models of which something is kept."""
    return {folder.name for folder in (data_home() / _FOLDER).glob("[!.]*") if folder.is_dir()}


def forget_converted(models: Iterable[str]) -> None:
    """Delete what is kept of models, by their hashes; what cannot be deleted, such as one in use, goes in its turn."""
    for model in models:
        with suppress(ResourceError), held(_FOLDER):
            shutil.rmtree(data_home() / _FOLDER / model, ignore_errors=True)


def _file(model: str, key: str) -> Path:
    return data_home() / _FOLDER / model / f"{key}{_SUFFIX}"


def _remove_longest_unused(kept: Path) -> None:
    total = _size_bytes(kept)
    others = [file for file in (data_home() / _FOLDER).glob(f"*/*{_SUFFIX}") if file != kept]
    for file in sorted(others, key=_used_s, reverse=True):
        total += _size_bytes(file)
        if total > _MOST_BYTES:
            # On Windows one that is in use stays.
            with suppress(OSError):
                file.unlink()


def _size_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _used_s(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
