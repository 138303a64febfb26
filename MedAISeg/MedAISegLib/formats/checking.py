"""Models are checked where they can do no harm: a network that is a program is opened and tried by another process.

TorchScript and ONNX may end the process that opens them, take all its time, or all its memory. Then that is an error of
the model, and who asked goes on.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..core import errors
from ..core.errors import MedAISegError, ModelError
from ..core.progress import Poll, never
from ..core.records import to_json
from ..engine.own_process import Ending, Excess, run_apart
from . import checking_process, read_model

_LONGEST_S = 600.0
"""A network of 200 million weights is tried in seconds, by one slow processor in a minute."""

_MOST_MEMORY = 0.75
"""Of what is free."""

_CAUSES = {
    "SIGFPE": "as where a whole number is divided by zero",
    "SIGSEGV": "as where code calls itself without end, or reads memory that is not its own",
    "SIGKILL": "most likely because memory ran out",
}
_ON_WINDOWS = {
    0xC0000094: "integer division by zero",
    0xC0000005: "access violation",
    0xC00000FD: "stack overflow",
}
_NOT_TO_BE_RUN = "Do not run it: ask its author for one that can be tried, or for its weights as safetensors."
_LESS = "Close other programs and try again; if that does not help, ask its author for a network that takes less."


def check_networks(path: Path, poll: Poll = never) -> None:
    """Read a model and build its networks, weights included; where they are TorchScript or ONNX, in another process.

    Args:
        poll: may raise Cancelled, which ends that process within a second.

    Raises:
        NotTrustedError: if only its own code could run it, or a network's file asks for more than to compute.
        ModelError: if it is damaged or not supported, or a network of it cannot be tried to the end.
        ResourceError: if a package is missing, or no process can be started.
    """
    source = read_model(path)
    if source.programs:
        ask_apart(f"{checking_process.__name__}:build", [str(path)], source.programs, poll)
    else:
        source.build_networks()


def ask_apart(function: str, arguments: Sequence[Any], programs: Sequence[Path], poll: Poll) -> Any:
    """Call a function of ours, which opens programs of a stranger's, in another process.

    Args:
        function: ``module:name``.
        arguments: as JSON holds them.
        programs: the files that it opens.

    Returns:
        What the function returns, as :func:`~MedAISegLib.core.records.to_json` writes it.

    Raises:
        MedAISegError: what the function raises.
        ModelError: if the process dies of it, or takes too long or too much memory.
        ResourceError: if no process can be started.
        Cancelled: if ``poll`` raises it.
    """
    most_bytes = _MOST_MEMORY * psutil.virtual_memory().available
    given = (function, json.dumps(to_json(list(arguments))), json.dumps(to_json(list(programs))))
    ending = run_apart(checking_process.__name__, given, poll, longest_s=_LONGEST_S, most_bytes=most_bytes)
    answer: dict[str, Any] = {}
    with suppress(ValueError):
        answer = dict(json.loads(ending.answer))
    where = str(answer.get("opened", programs[0].parent if len(programs) > 1 else programs[0]))
    if ending.excess is Excess.MEMORY or "short_of_memory" in answer:
        what = f"it takes more memory to be opened and tried than there is ({most_bytes / 1e9:.1f} GB)."
        raise ModelError(what, where=where, remedy=_LESS)
    if ending.excess is Excess.TIME:
        what = f"it was opened and tried for {_LONGEST_S / 60:.0f} minutes, and there was no end."
        raise ModelError(what, where=where, remedy=_NOT_TO_BE_RUN)
    if "error" in answer:
        raise _error_of(answer["error"])
    if "reply" not in answer:
        raise _died(ending, where)
    return answer["reply"]


def _error_of(record: dict[str, str]) -> Exception:
    if record["kind"] == ImportError.__name__:
        return ImportError(record["what"], name=record["where"])
    kind: type[MedAISegError] = getattr(errors, record["kind"], ModelError)
    return kind(record["what"], where=record["where"], remedy=record["remedy"])


def _died(ending: Ending, where: str) -> Exception:
    if 0 <= ending.code < min(_ON_WINDOWS):
        return RuntimeError(f"the process that tries networks failed: {ending.told[:200] or ending.code}")
    name = _name(ending.code)
    cause = f", {_CAUSES[name]}" if name in _CAUSES else ""
    return ModelError(
        f"it ended the process that opened and tried it ({name}{cause}).", where=where, remedy=_NOT_TO_BE_RUN
    )


def _name(code: int) -> str:
    """Of what ended a process."""
    if code >= 0:
        return _ON_WINDOWS.get(code, f"{code:#x}")
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
