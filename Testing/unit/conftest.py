"""Fixtures of the tests of the worker's client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_workers import Answers, Connect, fake, is_alive
from MedAISegLib.app.client import WorkerClient


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """A client of a worker with the given behaviour; nothing of any of them is left at the end."""
    clients: list[WorkerClient] = []

    def connected(body: str, *arguments: str, **options: float) -> Answers:
        clients.append(WorkerClient(fake(tmp_path, body, *arguments), log=lambda _: None, **options))
        return Answers(clients[-1])

    yield connected
    for client in clients:
        pid = client.pid
        client.close()
        assert pid is None or not is_alive(pid)
