"""Commands of a reference implementation, each in a process of its own that has imported its packages already.

MONAI and nnU-Net take longer to be imported than to compute a small image. ``python forks.py MODULE...`` imports them
once; what it reads, a line of JSON for each command, is run by a fork of it, with the arguments, folder and environment
of that command, as by a Python that has just begun.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType

MONAI = ("monai.bundle", "monai.engines", "monai.handlers", "ignite.engine", "fire", "nibabel")
NNUNET = ("nnunetv2.inference.predict_from_raw_data", "nnunetv2.ensembling.ensemble")


def run_forked(
    modules: tuple[str, ...],
    arguments: Sequence[object],
    folder: Path,
    *,
    packages: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run ``python ARGUMENTS``, ``-m MODULE ...`` or ``SCRIPT ...``; what it has told is in the error if it fails.

    Args:
        modules: imported before, from the folder of packages if there is one.
        folder: in which it works.
        environment: changes to this process's own.
    """
    server = _server(modules, str(packages or ""))
    assert server.stdin
    assert server.stdout
    with NamedTemporaryFile("r", errors="replace") as told:
        server.stdin.write(f"{json.dumps([[*map(str, arguments)], str(folder), dict(environment), told.name])}\n")
        server.stdin.flush()
        code = server.stdout.readline().strip()
        assert code == "0", f"it ended with {code}: {told.read()[-3000:]}"


@cache
def _server(modules: tuple[str, ...], packages: str) -> subprocess.Popen[str]:
    """It ends with this process."""
    command = [sys.executable, __file__, *modules]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": packages}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)


def main(*modules: str) -> None:
    with redirect_stdout(sys.stderr):
        for module in modules:
            import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(*json.loads(line))
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(arguments: list[str], folder: str, environment: dict[str, str], told: str) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(told, os.O_WRONLY), 1)
    os.dup2(1, 2)
    os.environ.update(environment)
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    os.chdir(folder)
    as_module = arguments[0] == "-m"
    first = folder if as_module else str(Path(arguments[0]).parent)
    sys.path[:1] = [first, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = arguments[as_module:]
    if as_module:
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
