"""Time and memory of a process and of all that it starts. Linux only."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from .record import Cost

_INTERVAL_S = 0.05


class CommandFailedError(RuntimeError):
    """A measured command ended with an error; the text ends with its last lines."""


def measure_command(command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Cost:
    """Run a command to its end.

    Args:
        command: program and arguments.
        environment: all variables that it gets.
        log: file for what it prints.

    Raises:
        CommandFailedError: if its exit code is not 0.
    """
    with log.open("wb") as stream:
        busy_before_s, started_s = busy_cpu_s(), time.perf_counter()
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=dict(environment))
        try:
            with TreePeak(process.pid) as peak:
                _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started_s
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        last_lines = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CommandFailedError(f"{' '.join(command)} ended with {process.returncode}:\n{last_lines}")
    cpu_s = usage.ru_utime + usage.ru_stime
    others = max(0.0, (busy_cpu_s() - busy_before_s - cpu_s) / wall_s)
    return Cost(wall_s, cpu_s, peak.bytes, others)


class TreePeak:
    """Watches a process and its descendants, and knows the most memory that they had resident together.

    The peak of each single process is the kernel's own (VmHWM), so one that lasts a moment is not missed; sums over
    several processes are sampled. The ``ru_maxrss`` of a child would not do: Linux counts the memory of the process
    that started it as well.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> TreePeak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, *_tree_memory(self._pid))
            if self._ended.wait(_INTERVAL_S):
                return


def peak_of_process(pid: int | str = "self") -> int:
    """Bytes that the process has had resident at most, since its start or its last ``forget_own_peak``."""
    return _status_bytes(pid, "VmHWM")


def forget_own_peak() -> None:
    """Let ``peak_of_process`` begin anew with what this process holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def busy_cpu_s() -> float:
    """Seconds that all of the machine's processors have worked for anyone, or for another guest of its host."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def held_by_tree(pid: int) -> int:
    """Bytes that a process and its descendants have resident together now."""
    return sum(_status_bytes(one, "VmRSS") for one in _tree(pid))


def _tree_memory(pid: int) -> tuple[int, ...]:
    """What the processes hold together now, and the peak of each."""
    return (held_by_tree(pid), *(peak_of_process(one) for one in _tree(pid)))


def _tree(pid: int) -> list[int]:
    try:
        root = psutil.Process(pid)
        return [root.pid, *(child.pid for child in root.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def _status_bytes(pid: int | str, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # A process that has ended but is not yet waited for has no memory and no such line.
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
