"""Which Python the worker runs in, and how it is started there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ResourceError
from ..core.language import tr as _
from ..models.download import OFFLINE_VARIABLE

PYTHON_VARIABLE = "MEDAISEG_PYTHON"
HOME_VARIABLE = "MEDAISEG_HOME"

_START = Path("MedAISegLib") / "app" / "worker_start.py"


@dataclass(frozen=True)
class WorkerCommand:
    """How to start the worker: its whole command line and its whole environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def find_worker_python(setting: str, environment: Mapping[str, str], slicer_python: Path | None) -> Path:
    """The interpreter for the worker: the user's setting, then ``MEDAISEG_PYTHON``, then Slicer's own.

    Args:
        setting: a path or the name of a program; empty where the user has set none.
        environment: of this process.
        slicer_python: PythonSlicer, None where this Slicer has none.

    Raises:
        ResourceError: if what is named cannot be run, or nothing is named.
    """
    for source, name in (
        (_("the setting “Worker's Python”"), setting),
        (PYTHON_VARIABLE, environment.get(PYTHON_VARIABLE)),
    ):
        if name:
            return _runnable(name, source, environment)
    if slicer_python is not None and _is_runnable(slicer_python):
        return slicer_python
    remedy = _("Name one in Advanced under “Worker's Python”, or in the environment variable {variable}.")
    raise ResourceError(
        _("no Python was found that the worker could run in: this Slicer has no PythonSlicer."),
        remedy=remedy.format(variable=PYTHON_VARIABLE),
    )


def worker_command(
    python: Path,
    *,
    package_root: Path,
    packages: Path | None,
    environment: Mapping[str, str],
    models_home: Path | None,
    offline: bool,
) -> WorkerCommand:
    """The command that starts the worker.

    PythonSlicer sets its own paths before Python starts, so Python cannot be told to ignore all variables (``-E``): the
    inherited ones are taken away instead, and the worker puts its folders in front by itself.

    Args:
        python: from :func:`find_worker_python`.
        package_root: the folder that holds ``MedAISegLib``.
        packages: the private packages, first on the worker's path; None where there are none.
        environment: of Slicer for PythonSlicer, ``slicer.util.startupEnvironment()`` for any other Python.
        models_home: the program's data folder, as ``MEDAISEG_HOME`` names it; installed models lie in its ``models``.
            None leaves it to the environment.
        offline: nothing may be fetched.
    """
    inherited = {name: value for name, value in environment.items() if not name.upper().startswith("PYTHON")}
    own = {} if models_home is None else {HOME_VARIABLE: str(models_home)}
    if offline:
        own[OFFLINE_VARIABLE] = "1"
    start = (str(package_root / _START), str(package_root), "" if packages is None else str(packages))
    return WorkerCommand((str(python), "-s", "-X", "utf8", *start), inherited | own)


def _runnable(name: str, source: str, environment: Mapping[str, str]) -> Path:
    path = Path(name).expanduser()
    if _is_runnable(path):
        return path
    found = None if len(path.parts) > 1 else shutil.which(name, path=environment.get("PATH"))
    if found:
        return Path(found)
    what = _("it cannot be run.") if path.exists() else _("it does not exist.")
    raise ResourceError(what, where=f"{source}, {name}", remedy=_("Name a Python interpreter, or leave it empty."))


def _is_runnable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
