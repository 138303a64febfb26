"""What the tests of the command line look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

CANCELLED = 6
"""The exit code."""


def document(result: Result) -> dict[str, Any]:
    """The one JSON document on stdout."""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def below(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too; empty where it is not there."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def start(*arguments: object, before: str = "") -> subprocess.Popen[str]:
    """The command line as a process of its own, which runs the code ``before`` first."""
    # What a shell starts in the background is deaf to Ctrl-C, and so are its children.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{listening}\n{before}\nfrom MedAISegLib.cli.start import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def ends_cancelled(process: subprocess.Popen[str]) -> str:
    """Its stdout."""
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == CANCELLED, stderr
    assert "Error: The run was cancelled." in stderr
    assert "Traceback" not in stderr
    return stdout


def wait_for_line(process: subprocess.Popen[str], ending: str) -> None:
    """Until the process has said so on stderr; it is killed if it never does."""
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    said = []
    for line in process.stderr:
        said.append(line)
        if line.rstrip().endswith(ending):
            break
    else:
        pytest.fail(f"it never said {ending!r} but {''.join(said)}")
    watchdog.cancel()
