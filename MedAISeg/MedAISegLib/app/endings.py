"""Why a worker ended, in a user's words."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from ..core.errors import MedAISegError, ResourceError
from .messages import INSTALL_REMEDY
from .protocol import PROTOCOL_VERSION

_KILLED = (-9, 9, 137)
"""SIGKILL, as Python tells it of a child and as a launcher or a shell between tells it."""

_LONGEST = 200


def ended_error(exit_code: int, last_lines: Sequence[str]) -> MedAISegError:
    """A worker that ran and is gone without our doing."""
    if exit_code in _KILLED:
        return ResourceError(
            "the worker was killed by the system, most likely because memory ran out.",
            remedy="Close other programs, limit the run to a region, or choose a smaller model; then try again.",
        )
    return ResourceError(
        f"the worker ended unexpectedly ({_end(exit_code)}){_last_words(last_lines)}",
        remedy="Try again; if it happens again, the log and the diagnosis (Advanced) tell more.",
    )


def not_started_error(exit_code: int, python: str, last_lines: Sequence[str]) -> MedAISegError:
    """A process that ended before it said hello."""
    return ResourceError(
        f"the worker could not be started ({_end(exit_code)}){_last_words(last_lines)}",
        where=python,
        remedy=f"{INSTALL_REMEDY} Or name another Python for the worker.",
    )


def silent_error(python: str, waited_s: float, last_lines: Sequence[str]) -> MedAISegError:
    """A process that runs and does not say hello."""
    return ResourceError(
        f"the worker did not answer within {waited_s:.0f} seconds of its start{_last_words(last_lines)}",
        where=python,
        remedy="Try again; if it happens again, check that this is a Python interpreter.",
    )


def rubbish_error(python: str) -> MedAISegError:
    """A process that says what is not in the protocol."""
    return ResourceError(
        "the worker answered with what cannot be understood; it was stopped.",
        where=python,
        remedy="Try again; if it happens again, name another Python for the worker (Advanced).",
    )


def version_error(found: int) -> MedAISegError:
    """A worker of another version of the program."""
    return ResourceError(
        f"the worker speaks version {found} of the protocol, and this is version {PROTOCOL_VERSION}.",
        remedy="Restart Slicer, so that all parts of the extension are of one version.",
    )


def deaf_error() -> MedAISegError:
    """A worker that runs and has closed its pipes."""
    return ResourceError("the connection to the worker broke; it was stopped.", remedy="Try again.")


def _end(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"


def _last_words(lines: Sequence[str]) -> str:
    said = [line.strip() for line in lines if line.strip()]
    return f"; its last words: {said[-1][:_LONGEST]}" if said else "."
