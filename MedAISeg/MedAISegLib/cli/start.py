"""Where the command ``medaiseg`` begins and ends."""

from __future__ import annotations

import os
import signal

_CANCELLED, _RESOURCES = 6, 5
_SAID = "Error: The run was cancelled."


def _leave(_number: int, _frame: object) -> None:
    """For Ctrl-C while nothing has begun: even the imports below take a moment."""
    try:
        os.write(2, f"{_SAID}\n".encode())
    finally:
        os._exit(_CANCELLED)


_IS_HEARD = signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""Not by what a shell starts in the background."""
if _IS_HEARD:
    signal.signal(signal.SIGINT, _leave)

import atexit  # noqa: E402
import io  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from contextlib import suppress  # noqa: E402
from typing import NoReturn  # noqa: E402


def main() -> NoReturn:
    """Run the command line and leave the process.

    Python's own way to end takes apart all that was imported, for torch half a second of computing that nobody needs.
    """
    _prepare_streams()
    code = _run()
    for number in (signal.SIGINT, signal.SIGTERM):
        # It is the end already.
        signal.signal(number, signal.SIG_IGN)
    atexit._run_exitfuncs()
    os._exit(_flushed(code))


def _prepare_streams() -> None:
    """A stream that the shell has closed leads nowhere; a letter that a terminal does not know is spelled out.

    Libraries' warnings quote what they read, which may be a patient's name: they are shown only where Python was asked.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It takes the number of the closed one, which would else be that of the next file.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # it stays open
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _run() -> int:
    """The exit code."""
    try:
        if _IS_HEARD:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        from .main import main as command_line

        command_line(prog_name="medaiseg")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        # Nobody listens yet while the command line is loaded.
        print(_SAID, file=sys.stderr)
        return _CANCELLED
    except OSError as error:
        return _not_said(error)
    return 0


def _flushed(code: int) -> int:
    """The exit code, where also what was said last has arrived."""
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or _not_said(error)
    with suppress(OSError):
        sys.stderr.flush()
    return code


def _not_said(error: OSError) -> int:
    """The exit code where stdout takes no more."""
    with suppress(OSError):
        print(f"Error: what there is to say could not be written: {error.strerror}.", file=sys.stderr)
    return _RESOURCES
