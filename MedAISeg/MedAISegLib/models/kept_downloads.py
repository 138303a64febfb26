"""What was downloaded for a model stays until the model is installed, so that a later try fetches none of it again.

Below ``downloads`` in the program's data folder a file has its own folder, named by its address; what came of one that
is not complete lies beside it (models.transfer).
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.data_home import data_home
from ..core.disk import existing
from ..core.errors import ResourceError
from ..core.progress import Poll, never
from .download import Downloaded, Network, Remote, download, key_of
from .locking import held
from .store import size_bytes

_WAIT_FOR_OTHERS_S = 24 * 3600.0
_DAY_S = 86_400.0


def downloads_folder() -> Path:
    """It need not exist."""
    return data_home() / "downloads"


@contextmanager
def downloaded(
    remote: Remote,
    name: str,
    *,
    network: Network,
    on_bytes: Callable[[int, int], None] = lambda _done, _total: None,
    admit: Callable[[int], None] = lambda _total: None,
    poll: Poll = never,
    accept_changed: bool = False,
) -> Iterator[Downloaded]:
    """A publisher's file, fetched where it is not there yet; while the block runs nobody takes it away.

    Args:
        name: of the file.

    Raises:
        MedAISegError: as :func:`.download.download`.
    """
    folder = downloads_folder() / key_of(remote)
    with held(f"downloads/{folder.name}-use", poll, _WAIT_FOR_OTHERS_S):
        yield download(
            remote,
            folder / name,
            network=network,
            on_bytes=on_bytes,
            admit=admit,
            poll=poll,
            accept_changed=accept_changed,
        )


def forget_downloads(remotes: Iterable[Remote]) -> None:
    """Delete what was kept of these, once it is installed or found to be of no use; who uses one just now does so."""
    for remote in remotes:
        key = key_of(remote)
        with suppress(ResourceError), held(f"downloads/{key}-use", wait_s=0):
            _delete(downloads_folder() / key)


def kept_bytes() -> int:
    """What unfinished installations have left."""
    folder = downloads_folder()
    return size_bytes(folder) if existing(folder) else 0


def sweep_downloads(days: int) -> None:
    """Delete what nobody has gone on with for so many days, but for what somebody uses just now."""
    limit_s = time.time() - days * _DAY_S
    for key in _keys():
        folder = downloads_folder() / key
        if _last_change_s(folder) < limit_s:
            with suppress(ResourceError), held(f"downloads/{key}-use", wait_s=0):
                # Meanwhile somebody may have gone on with it.
                if _last_change_s(folder) < limit_s:
                    _delete(folder)


def _keys() -> set[str]:
    """Of all downloads, whole or not."""
    there = _inside(downloads_folder())
    return {path.name.removesuffix(".part") for path in there if path.suffix == ".part" or path.is_dir()}


def _last_change_s(folder: Path) -> float:
    """Of a download, in seconds since 1970; without end where others have taken it away."""
    times = []
    for path in [folder.with_name(f"{folder.name}.part"), *_inside(folder)]:
        with suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times, default=math.inf)


def _inside(folder: Path) -> list[Path]:
    """What lies in a folder, which may be gone."""
    with suppress(FileNotFoundError):
        return list(folder.iterdir())
    return []


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path in (folder.with_name(f"{folder.name}.part"), folder.with_name(f"{folder.name}.part.json")):
        path.unlink(missing_ok=True)
