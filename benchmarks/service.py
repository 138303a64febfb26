"""``python -m benchmarks.service``: how long a user waits for the worker, and many cases through it.

Start: import of what Slicer's process needs, the worker's first word, the model loaded, the first and the second Apply.
Throughput: the same cases through one warm worker, and by a command each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from MedAISegLib.app.client import WorkerClient
from MedAISegLib.app.exchange import Exchange
from MedAISegLib.app.interpreter import worker_command
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.protocol import (
    ArrayFile,
    DevicesRequest,
    Request,
    SegmentRequest,
    VolumeRecord,
    WarmUpRequest,
)
from MedAISegLib.core.records import to_json
from MedAISegLib.readers import read_images

from Testing.conftest import shared_data_folder

from .clock import timed
from .environment import PACKAGES, available_threads, describe, variables
from .record import Environment
from .setting import program

_REPOSITORY = Path(__file__).resolve().parents[1]
SERVICE_JSON = Path(__file__).with_name("service.json")
_MODEL = "hippocampus"
_IMPORT = "import time; t = time.perf_counter(); import MedAISegLib.slicer_io.session; "


@dataclass(frozen=True)
class Service:
    """Seconds.

    Attributes:
        import_s: of the panel's side.
        worker_s: from its start to its answer.
        loaded_s: the model, the libraries included.
        apply_s: of the first runs, one after the other.
        cases: of the throughput.
    """

    environment: Environment
    import_s: float
    worker_s: float
    loaded_s: float
    apply_s: tuple[float, ...]
    cases: int
    by_worker_s: float
    by_commands_s: float


@click.command()
@click.option("--cases", type=click.IntRange(2), default=20, help="Of the throughput.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), default=shared_data_folder, help="Test data.")
@click.option("--record", is_flag=True, help="Write service.json, and RESULTS.md anew.")
def main(cases: int, data: Path, record: bool) -> None:
    """Measure start and throughput with the embedded model."""
    from .page import write_page

    images = sorted((data / "hippocampus" / "images").glob("*.nii.gz"))[:cases]
    with tempfile.TemporaryDirectory(prefix="medaiseg-service-") as name:
        service = measure(images, Path(name))
    text = json.dumps(to_json(service), indent=1)
    click.echo(text)
    if record:
        SERVICE_JSON.write_text(text + "\n", encoding="utf-8")
        write_page()


def measure(images: list[Path], folder: Path, device: str = "cpu") -> Service:
    """All of it, one after the other."""
    threads = available_threads()
    environment = variables(threads, device)
    worker = _Worker(folder, environment, device)
    try:
        _, worker_s = timed(lambda: worker.ask(DevicesRequest()))
        _, loaded_s = timed(lambda: worker.ask(WarmUpRequest(_MODEL, device)))
        apply_s = tuple(timed(lambda: worker.segment(images[0]))[1] for _ in range(3))
        _, by_worker_s = timed(lambda: [worker.segment(image) for image in images])
    finally:
        worker.close()
    _, by_commands_s = timed(lambda: [_by_command(image, folder, environment, device) for image in images])
    import_s = float(subprocess.check_output([sys.executable, "-c", _IMPORT + "print(time.perf_counter() - t)"]))
    return Service(describe(threads), import_s, worker_s, loaded_s, apply_s, len(images), by_worker_s, by_commands_s)


class _Worker:
    """The real worker, asked one thing after the other."""

    def __init__(self, folder: Path, environment: dict[str, str], device: str) -> None:
        command = worker_command(
            Path(sys.executable),
            package_root=_REPOSITORY / "MedAISeg",
            packages=PACKAGES if PACKAGES.is_dir() else None,
            environment=environment,
            models_home=folder / "models",
            offline=True,
        )
        self._client = WorkerClient(lambda: command, log=lambda _: None)
        self._exchange = Exchange(folder)
        self._device = device

    def ask(self, request: Request) -> Any:
        """The reply.

        Raises:
            MedAISegError: what the worker answers with.
        """
        answers: list[Any] = []
        self._client.ask(request, on_reply=answers.append, on_error=answers.append)
        while not answers:
            self._client.drain()
            time.sleep(0.002)
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    def segment(self, path: Path) -> None:
        (volume,) = read_images(path, accept=True)
        folder = self._exchange.new_folder()
        voxels = np.ascontiguousarray(volume.voxels)
        voxels.tofile(folder / "image")
        record = VolumeRecord(ArrayFile("image", voxels.dtype.str, voxels.shape), volume.geometry, "MR")
        self.ask(SegmentRequest(folder, SegmentationJob(_MODEL, device=self._device, accept=True), {"T1": record}))

    def close(self) -> None:
        self._client.close()
        self._exchange.close()


def _by_command(image: Path, folder: Path, environment: dict[str, str], device: str) -> None:
    output = folder / f"{image.name}-output"
    command = [*program(), "segment", image, "--model", _MODEL, "--output", output, "--format", "nifti", "--accept"]
    subprocess.run([*command, "--device", device], env=os.environ | environment, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
