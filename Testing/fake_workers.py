"""Workers that speak the protocol by themselves and go wrong in their own ways, and waiting for what comes of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

from MedAISegLib.app.client import WorkerClient
from MedAISegLib.app.interpreter import WorkerCommand
from MedAISegLib.app.protocol import Request
from MedAISegLib.core.errors import MedAISegError
from MedAISegLib.core.progress import ProgressEvent
from stopwatch import Stopwatch

LONGEST_S = 300.0

_FAKE = """
import json, os, signal, subprocess, sys, threading, time

out = os.fdopen(1, "wb", buffering=0)
lines = sys.stdin.buffer

def say(**message):
    out.write(json.dumps(message).encode() + b"\\n")

def hello(protocol=1):
    say(hello={"kind": "Hello", "pid": os.getpid(), "protocol": protocol, "python": "3", "software_version": "0"})

def done(number):
    say(id=number, reply={"kind": "Done"})

def cancelled(number):
    say(id=number, error={"kind": "ErrorRecord", "error": "Cancelled", "what": "cancelled"})

def progress(number, fraction):
    say(id=number, progress={"kind": "ProgressEvent", "stage": "infer", "fraction": fraction, "remaining_s": None})

def heard():
    for line in lines:
        yield json.loads(line)

def touch(path):
    open(path, "w").close()

def wait_for_ever():
    while True:
        time.sleep(3600)

"""

ECHO = """
    hello()
    for message in heard():
        if "request" in message:
            done(message["id"])
"""


def fake(folder: Path, body: str, *arguments: str, name: str = "fake.py") -> Callable[[], WorkerCommand]:
    """The command of a worker that does what the body says."""
    script = folder / name
    script.write_text(_FAKE + dedent(body), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return lambda: WorkerCommand((sys.executable, "-S", str(script), *arguments), environment)


class Answers:
    """What came of requests, in order."""

    def __init__(self, client: WorkerClient) -> None:
        self.client = client
        self.all: dict[int, Any] = {}
        self.progress: list[ProgressEvent] = []

    def ask(self, request: Request) -> int:
        def keep(answer: Any) -> None:
            assert number not in self.all, "answered twice"
            self.all[number] = answer

        number = self.client.ask(request, on_reply=keep, on_error=keep, on_progress=self.progress.append)
        return number

    def until(self, condition: Callable[[], object], longest_s: float = LONGEST_S) -> float:
        """Drain as a timer would until the condition holds; how long that took, were nothing else to do."""
        started_s, watch = time.monotonic(), Stopwatch(self.client.pid)
        while not condition():
            self.client.drain()
            assert time.monotonic() - started_s < longest_s, "waited in vain"
            time.sleep(0.005)
        return watch.seconds()

    def of(self, number: int) -> Any:
        """The reply or error of a request, waited for."""
        self.until(lambda: number in self.all)
        return self.all[number]

    def error_of(self, number: int) -> MedAISegError:
        error = self.of(number)
        assert isinstance(error, MedAISegError)
        return error


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


Connect = Callable[..., Answers]
"""Makes the answers of a worker with the given behaviour."""
