"""Run files of tests each in a process of its own, as the emulated application wants it: there is one in a process.

    python tools/test_apart.py [--processes N] [PYTEST OPTIONS] FILE...

Files that take long begin, so that no process is left alone with one of them at the end. What a file that failed has
said is printed in full, of the others the last line.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_NO_TEST_CHOSEN = 5
"""pytest's exit status for a file whose tests are all left out by ``-m``."""

_A_CORE = 2
"""Processes: each waits more than half of its time, for its worker and for what a user would wait for."""

_LONG_THOUGH_SMALL = ("test_run_script.py",)
"""Each of its tests starts applications of its own; the others take about as long as they are large."""


def main() -> int:
    """Run them; 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=min(8, _A_CORE * (os.cpu_count() or 1)))
    arguments, rest = parser.parse_known_args()
    options = [argument for argument in rest if not argument.endswith(".py")]
    files = sorted(set(rest) - set(options), key=_length, reverse=True)
    with ThreadPoolExecutor(arguments.processes) as pool:
        succeeded = list(pool.map(lambda file: _run(file, options), files))
    failed = [file for file, good in zip(files, succeeded, strict=True) if not good]
    print(f"{len(files) - len(failed)} of {len(files)} files passed", *failed, sep="\n  failed: ")
    return 1 if failed else 0


def _length(file: str) -> tuple[bool, int]:
    return Path(file).name in _LONG_THOUGH_SMALL, Path(file).stat().st_size


def _run(file: str, options: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", *options, file]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    good = done.returncode in (0, _NO_TEST_CHOSEN)
    lines = (done.stdout + ("" if good else done.stderr)).strip().splitlines()
    print(f"{file}: {lines[-1] if lines else ''}" if good else "\n".join([f"=== {file}", *lines]), flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
