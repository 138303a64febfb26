"""What several files of tests here begin with: a worker's client, a scene, a segmentation in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture
def host() -> Any:
    """A scene without the application."""
    from MedAISegLib.slicer_io.scene import new_scene_host

    return new_scene_host()


@pytest.fixture
def node(host: Any) -> Any:
    """A segmentation node into which the result of a first run was put, on the grid of its source."""
    from placing_scene import GEOMETRY, place, source
    from segmentations import organs

    return place(organs(GEOMETRY), host, source_node=source(host)).node


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that an attack makes if it succeeds; models are installed elsewhere below the same folder."""
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "canary"


@pytest.fixture
def unharmed(canary: Path) -> Iterator[None]:
    """A test at whose end no attack may have succeeded."""
    yield
    assert not canary.exists(), "an attack was carried out"
