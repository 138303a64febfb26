"""The worker's process as Windows starts it, as far as another system can tell."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from fake_workers import ECHO, fake, is_alive
from MedAISegLib.app import child as here


class NoJob:
    """A system that lets no process into a job."""

    def __init__(self, process: int) -> None:
        raise OSError(5, "Access is denied")


@pytest.fixture
def child_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as it is where ``sys.platform`` is ``win32`` and there are no jobs."""
    jobs = ModuleType("MedAISegLib.app.windows_job")
    vars(jobs)["Job"] = NoJob
    monkeypatch.setitem(sys.modules, jobs.__name__, jobs)
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS"):
        monkeypatch.setattr(subprocess, name, 0, raising=False)
    monkeypatch.setattr(subprocess.Popen, "_handle", 1, raising=False)
    spec = importlib.util.spec_from_file_location("MedAISegLib.app.child_on_windows", here.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Windows")
def test_a_worker_that_is_let_into_no_job_works_all_the_same_and_the_log_says_so(
    child_module: ModuleType, tmp_path: Path
) -> None:
    child = child_module.Child(fake(tmp_path, ECHO)())
    received: list[tuple[str, bytes]] = []
    end_s = time.monotonic() + 30
    while not any(stream == "stdout" for stream, _ in received) and time.monotonic() < end_s:
        received += [(stream.value, data) for stream, data in child.received()]
        time.sleep(0.01)
    assert ("stderr", b"The worker runs outside a job of Windows: Access is denied.\n") in received
    assert b"hello" in b"".join(data for stream, data in received if stream == "stdout")
    child.kill()
    assert child.wait(10)
    child.join()
    assert not is_alive(child.pid)
