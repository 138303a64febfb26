"""The Python that the worker runs in, and what it has installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app.child import Child, Stream
from ..app.interpreter import WorkerCommand
from ..core.errors import ResourceError
from ..core.language import tr as _
from . import python_facts
from .pump import WAITING, Pieces
from .requirements import MODULES

_SCRIPT = Path(python_facts.__file__)
_KILL_S = 2.0


@dataclass(frozen=True, eq=False)
class WorkerPython:
    """An interpreter and what it says of itself.

    Attributes:
        executable: PythonSlicer, or an interpreter that the user named.
        environment: in which it is started.
        own: it is Slicer's.
        tag: version and platform, as private packages are kept apart by: ``cp312-win_amd64``.
        version: e.g. ``3.12.10``.
        pip: the version of its pip, empty if it has none.
        found: the versions of the packages that it has itself, by name; empty where one does not say its version.
    """

    executable: Path
    environment: Mapping[str, str]
    own: bool
    tag: str
    version: str
    pip: str
    found: Mapping[str, str]

    def command(self, arguments: Sequence[str], **variables: str) -> WorkerCommand:
        """How to start it; it sees nothing that its user installed for himself alone."""
        inherited = {name: value for name, value in self.environment.items() if not name.upper().startswith("PYTHON")}
        return WorkerCommand((str(self.executable), "-s", "-X", "utf8", *arguments), inherited | variables)


def slicers_python(executable: Path, environment: Mapping[str, str]) -> WorkerPython:
    """PythonSlicer, by what this process knows, which is of the same Python; nothing is started."""
    return _from_facts(executable, environment, True, python_facts.facts(MODULES))


def ask_python(executable: Path, environment: Mapping[str, str]) -> Pieces[WorkerPython]:
    """Any interpreter but Slicer's own, by its own answer.

    Raises:
        ResourceError: if it gives none.
    """
    silent = WorkerPython(executable, environment, False, "", "", "", {})
    answer = yield from ask_script(silent, {"facts": MODULES})
    return _from_facts(executable, environment, False, answer)


def ask_script(python: WorkerPython, request: Mapping[str, Any]) -> Pieces[dict[str, Any]]:
    """Run ``python_facts`` in it.

    Raises:
        ResourceError: if it gives no answer.
    """
    lines: list[str] = []
    command = python.command([str(_SCRIPT), json.dumps(request)])
    exit_code = yield from run_lines(command, lines.append)
    try:
        answer = json.loads(lines[-1]) if exit_code == 0 and lines else None
    except json.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        what = (
            _("it gave no answer (exit code {code}): {said}.") if lines else _("it gave no answer (exit code {code}).")
        )
        raise ResourceError(
            what.format(code=exit_code, said=lines[-1][:200] if lines else ""),
            where=str(python.executable),
            remedy=_name_another(),
        )
    return answer


def run_lines(command: WorkerCommand, on_line: Callable[[str], None]) -> Pieces[int]:
    """Run a program to its end, tell each line that it says on either channel, and return its exit code.

    Closing the generator ends the program with all that it has started.

    Raises:
        ResourceError: if it cannot be started.
    """
    child = Child(command)
    child.end_input()
    rests = {Stream.PROTOCOL: b"", Stream.LOG: b""}
    try:
        while True:
            code = child.exit_code
            for stream, data in child.received():
                if stream in rests:
                    *whole, rests[stream] = (rests[stream] + data).split(b"\n")
                    _tell(whole, on_line)
            if code is not None and all(child.has_ended(stream) for stream in rests):
                _tell(rests.values(), on_line)
                return code
            yield WAITING
    finally:
        child.kill()
        child.wait(_KILL_S)
        child.join()


def _tell(lines: Iterable[bytes], on_line: Callable[[str], None]) -> None:
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip()
        if text:
            on_line(text)


def _from_facts(executable: Path, environment: Mapping[str, str], own: bool, facts: Mapping[str, Any]) -> WorkerPython:
    return WorkerPython(executable, environment, own, facts["tag"], facts["version"], facts["pip"], facts["found"])


def _name_another() -> str:
    return _("Name a Python interpreter of version 3.11 to 3.13 for the worker, or leave the setting empty.")
