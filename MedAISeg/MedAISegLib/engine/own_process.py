"""Work in a process of its own: it can be stopped at any moment, and its death is nobody else's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from math import inf
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psutil

from ..core.errors import ResourceError
from ..core.progress import Poll

_BEGIN = """
import faulthandler, json, sys
sys.path[:] = json.loads(sys.argv.pop())
from MedAISegLib.core.parent import end_with_parent
end_with_parent()
faulthandler.dump_traceback_later(float(sys.argv.pop()), exit=True)
from importlib import import_module
import_module(sys.argv[1]).main(*sys.argv[2:])
"""
"""The process finds its packages where this one does, wherever an application keeps those."""

if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
else:
    _FLAGS = 0

_MOMENT_S = 0.05
_LATER_S = 60.0
"""Than its parent would, a process ends by itself, whatever holds Python's lock in it."""

_LONGEST_LINE = 1 << 16


class Excess(Enum):
    """Of what a process took more than it was to."""

    TIME = "time"
    MEMORY = "memory"


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes:
        code: its exit code; on POSIX below zero the signal that ended it.
        excess: why it was ended from here; None where it was not.
        answer: the last line of its stdout.
        told: the last line of its stderr.
    """

    code: int
    excess: Excess | None
    answer: str
    told: str


def run_apart(
    module: str,
    arguments: Sequence[str],
    poll: Poll,
    *,
    longest_s: float,
    most_bytes: float = inf,
    folder: Path | None = None,
    niceness: int = 0,
) -> Ending:
    """Call ``main`` of a module of ours with these arguments, in a process that ends with this one.

    Args:
        poll: is called several times a second; may raise, which ends the process.
        longest_s: seconds after which it is ended.
        most_bytes: of memory; where it holds more, it is ended.
        folder: in which it works; this process's own where there is none.
        niceness: how far it lets others go first, POSIX's; on Windows it does so in any case.

    Raises:
        ResourceError: if it cannot be started.
    """
    given = (module, *arguments, str(longest_s + _LATER_S), json.dumps(sys.path))
    with _nameless_file() as answered, _nameless_file() as told:
        process = _started(given, folder, answered, told)
        _let_others_go_first(process.pid, niceness)
        excess = _wait(process, poll, longest_s, most_bytes)
        return Ending(process.returncode, excess, _last_line(answered), _last_line(told))


def _nameless_file() -> IO[bytes]:
    try:
        return TemporaryFile()
    except OSError as error:
        raise _not_started(error) from error


def _started(
    given: Sequence[str], folder: Path | None, answered: IO[bytes], told: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - this Python, a module of our own
            (sys.executable, "-P", "-s", "-X", "utf8", "-c", _BEGIN, *given),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=answered,
            stderr=told,
            creationflags=_FLAGS,
        )
    except OSError as error:
        raise _not_started(error) from error


def _not_started(error: OSError) -> ResourceError:
    return ResourceError(
        f"a process cannot be started: {error.strerror or error}.",
        where=sys.executable,
        remedy="Free memory, and space for temporary files, then try again.",
    )


def _wait(process: subprocess.Popen[bytes], poll: Poll, longest_s: float, most_bytes: float) -> Excess | None:
    """Until it has ended, by itself or not."""
    end_s = time.monotonic() + longest_s
    try:
        while process.poll() is None:
            poll()
            if time.monotonic() > end_s:
                return Excess.TIME
            if _held_bytes(process.pid) > most_bytes:
                return Excess.MEMORY
            time.sleep(_MOMENT_S)
    finally:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()
    return None


def _let_others_go_first(pid: int, niceness: int) -> None:
    if sys.platform != "win32" and niceness:
        with suppress(psutil.Error):
            psutil.Process(pid).nice(niceness)


def _held_bytes(pid: int) -> int:
    """None that are told of a process that has just ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _last_line(stream: IO[bytes]) -> str:
    stream.seek(max(0, stream.seek(0, 2) - _LONGEST_LINE))
    lines = stream.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
