"""Where the command ``medaiseg`` begins and ends."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave the process.

    Python's own way to end takes apart all that was imported, for torch half a second of computing that nobody needs.
    """
    code = _run()
    for number in (signal.SIGINT, signal.SIGTERM):
        # It is the end already.
        signal.signal(number, signal.SIG_IGN)
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1
    os._exit(code)


def _run() -> int:
    """The exit code."""
    try:
        from .main import main as command_line

        command_line(prog_name="medaiseg")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        # Nobody listens yet while the command line is loaded.
        print("Error: The run was cancelled.", file=sys.stderr)
        return 6
    return 0
