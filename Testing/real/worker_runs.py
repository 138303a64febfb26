"""The real worker in a process of its own, and what tests ask of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from exchanged import record_volume
from fake_workers import Answers, is_alive
from MedAISegLib.app.client import WorkerClient
from MedAISegLib.app.interpreter import worker_command
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.protocol import SegmentRequest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = "hippocampus"
JOB = SegmentationJob(MODEL, device="cpu")
_GONE_S = 60.0


@contextmanager
def running_worker(home: Path) -> Iterator[WorkerClient]:
    """A client of the real worker; no process of its session is left at the end."""
    command = worker_command(
        Path(sys.executable),
        package_root=REPOSITORY / "MedAISeg",
        packages=None,
        environment=os.environ,
        models_home=home,
        offline=True,
    )
    client = WorkerClient(lambda: command, log=lambda line: print("worker:", line))
    yield client
    pid = client.pid
    client.close()
    assert pid is None or not is_alive(pid)
    # What was killed a moment ago may take another to be gone.
    end_s = time.monotonic() + _GONE_S
    while (left := processes_with(str(home))) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert not left, f"still there: {left}"


def processes_with(word: str) -> dict[int, str]:
    """Command lines, by number, of processes that have a word in their environment."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (entry / "environ").read_bytes() and entry.name != str(os.getpid()):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def ask_to_segment(answers: Answers, folder: Path, volume: Volume, job: SegmentationJob = JOB) -> int:
    return answers.ask(SegmentRequest(folder, job, {"T1": record_volume(folder, "image", volume)}))


def large(volume: Volume, times: int = 4) -> Volume:
    voxels = np.tile(volume.voxels, (times, times, times))
    return Volume(voxels, VolumeGeometry(voxels.shape, volume.geometry.affine_lps), modality="MR")
