"""Why a worker ended, in a user's words."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from ..core.errors import MedAISegError, ResourceError
from ..core.language import tr as _
from .messages import install_remedy
from .protocol import PROTOCOL_VERSION

_KILLED = (-9, 9, 137)
"""SIGKILL, as Python tells it of a child and as a launcher or a shell between tells it."""

_LONGEST = 200


def ended_error(exit_code: int, last_lines: Sequence[str]) -> MedAISegError:
    """A worker that ran and is gone without our doing."""
    if exit_code in _KILLED:
        return ResourceError(
            _("the worker was killed by the system, most likely because memory ran out."),
            remedy=_("Close other programs, limit the run to a region, or choose a smaller model; then try again."),
        )
    said = _last_words(last_lines)
    what = (
        _("the worker ended unexpectedly ({end}); its last words: {words}")
        if said
        else _("the worker ended unexpectedly ({end}).")
    )
    return ResourceError(
        what.format(end=_end(exit_code), words=said),
        remedy=_("Try again; if it happens again, the log and the diagnosis (Advanced) tell more."),
    )


def not_started_error(exit_code: int, python: str, last_lines: Sequence[str]) -> MedAISegError:
    """A process that ended before it said hello."""
    said = _last_words(last_lines)
    what = (
        _("the worker could not be started ({end}); its last words: {words}")
        if said
        else _("the worker could not be started ({end}).")
    )
    another = _("Or name another Python for the worker.")
    return ResourceError(
        what.format(end=_end(exit_code), words=said), where=python, remedy=f"{install_remedy()} {another}"
    )


def silent_error(python: str, waited_s: float, last_lines: Sequence[str]) -> MedAISegError:
    """A process that runs and does not say hello."""
    said = _last_words(last_lines)
    what = (
        _("the worker did not answer within {seconds} seconds of its start; its last words: {words}")
        if said
        else _("the worker did not answer within {seconds} seconds of its start.")
    )
    return ResourceError(
        what.format(seconds=f"{waited_s:.0f}", words=said),
        where=python,
        remedy=_("Try again; if it happens again, check that this is a Python interpreter."),
    )


def rubbish_error(python: str) -> MedAISegError:
    """A process that says what is not in the protocol."""
    return ResourceError(
        _("the worker answered with what cannot be understood; it was stopped."),
        where=python,
        remedy=_("Try again; if it happens again, name another Python for the worker (Advanced)."),
    )


def version_error(found: int) -> MedAISegError:
    """A worker of another version of the program."""
    what = _("the worker speaks version {found} of the protocol, and this is version {own}.")
    return ResourceError(
        what.format(found=found, own=PROTOCOL_VERSION),
        remedy=_("Restart Slicer, so that all parts of the extension are of one version."),
    )


def deaf_error() -> MedAISegError:
    """A worker that runs and has closed its pipes."""
    return ResourceError(_("the connection to the worker broke; it was stopped."), remedy=_("Try again."))


def _end(exit_code: int) -> str:
    if exit_code >= 0:
        return _("exit code {code}").format(code=exit_code)
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return _("signal {number}").format(number=-exit_code)


def _last_words(lines: Sequence[str]) -> str:
    """Empty where it said nothing."""
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:_LONGEST] if said else ""
