"""Fixtures of the tests of the real worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_workers import Answers
from MedAISegLib.app.client import WorkerClient
from MedAISegLib.app.exchange import Exchange
from MedAISegLib.core.volume import Volume
from MedAISegLib.readers import read_images
from worker_runs import running_worker


@pytest.fixture
def hippocampus(shared_data: Path) -> Volume:
    (volume,) = read_images(shared_data / "hippocampus" / "images" / "hippocampus_001.nii.gz")
    return replace(volume, voxels=volume.voxels.astype(np.float32), modality="MR", attributes=dict(volume.attributes))


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path / "exchange")
    yield made
    made.close()
    assert list((tmp_path / "exchange").glob("*")) == []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[WorkerClient]:
    with running_worker(home) as client:
        yield client


@pytest.fixture
def worker(client: WorkerClient) -> Answers:
    """The worker of most tests, since torch takes its time to be imported."""
    return Answers(client)


@pytest.fixture
def new_worker(tmp_path: Path) -> Iterator[Answers]:
    """A worker that a test may kill."""
    with running_worker(tmp_path / "home") as client:
        yield Answers(client)
