"""The real worker in a process of its own: what it computes, how it stops, what it leaves."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "Testing" / "unit"))

from fake_workers import Answers, is_alive  # noqa: E402
from MedAISegLib.app.client import WorkerClient, WorkerState  # noqa: E402
from MedAISegLib.app.exchange import Exchange, open_array, record_volume, segmentation_of  # noqa: E402
from MedAISegLib.app.interpreter import worker_command  # noqa: E402
from MedAISegLib.app.job import SegmentationJob  # noqa: E402
from MedAISegLib.app.protocol import (  # noqa: E402
    ArrayFile,
    DevicesReply,
    DevicesRequest,
    DiagnoseReply,
    DiagnoseRequest,
    Done,
    ExportReply,
    ExportRequest,
    InstallModelRequest,
    MeasureReply,
    MeasureRequest,
    ModelsReply,
    ModelsRequest,
    NeedReply,
    NeedRequest,
    RemoveModelRequest,
    SegmentReply,
    SegmentRequest,
    VolumeRecord,
    WarmUpRequest,
)
from MedAISegLib.app.segment import run  # noqa: E402
from MedAISegLib.core.errors import Cancelled, ModelError, ResourceError, UsageError  # noqa: E402
from MedAISegLib.core.geometry import VolumeGeometry  # noqa: E402
from MedAISegLib.core.progress import RunStage  # noqa: E402
from MedAISegLib.core.volume import Volume  # noqa: E402
from MedAISegLib.readers import read_images  # noqa: E402

pytestmark = pytest.mark.engine

MODEL = "hippocampus"
JOB = SegmentationJob(MODEL, device="cpu")


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
    assert processes_with(str(home)) == []


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


def processes_with(word: str) -> list[int]:
    """Processes that have a word in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (entry / "environ").read_bytes() and entry.name != str(os.getpid()):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def ask_to_segment(answers: Answers, folder: Path, volume: Volume, job: SegmentationJob = JOB) -> int:
    return answers.ask(SegmentRequest(folder, job, {"T1": record_volume(folder, "image", volume)}))


def large(volume: Volume, times: int = 4) -> Volume:
    voxels = np.tile(volume.voxels, (times, times, times))
    return Volume(voxels, VolumeGeometry(voxels.shape, volume.geometry.affine_lps), modality="MR")


def test_labels_are_those_of_the_same_run_in_one_process(
    worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    folder = exchange.new_folder()
    reply = worker.of(ask_to_segment(worker, folder, hippocampus))
    assert isinstance(reply, SegmentReply)
    expected, result = run(JOB, [hippocampus])
    found = segmentation_of(folder, reply.segmentation)
    np.testing.assert_array_equal(found.layers, expected.layers)
    assert found.layers.any()
    assert found.segments == expected.segments
    assert found.geometry.matches(expected.geometry)
    assert reply.result.segments == result.segments
    assert set(reply.checksums) == {s.name for s in expected.segments}
    assert {event.stage for event in worker.progress} >= {RunStage.LOAD_MODEL, RunStage.INFER}
    fractions = [event.fraction for event in worker.progress]
    assert fractions == sorted(fractions)


def test_quick_requests_are_answered_while_a_run_goes_on(
    worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    worker.of(worker.ask(WarmUpRequest(MODEL, "cpu")))
    running = ask_to_segment(worker, exchange.new_folder(), large(hippocampus))
    worker.until(lambda: any(event.stage is RunStage.INFER for event in worker.progress))
    models = worker.of(worker.ask(ModelsRequest()))
    assert isinstance(models, ModelsReply)
    assert running not in worker.all
    assert [card.id for card in models.models] == [MODEL]
    assert models.models[0].embedded
    worker.client.cancel(running)
    assert isinstance(worker.of(running), Cancelled)


def test_a_run_is_cancelled_within_a_second_before_it_starts_while_it_loads_and_while_it_infers(
    worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    volume = large(hippocampus)
    worker.of(worker.ask(WarmUpRequest(MODEL, "cpu")))
    pid = worker.client.pid

    def cancelled_after_s(number: int) -> float:
        started_s = time.monotonic()
        worker.client.cancel(number)
        assert isinstance(worker.of(number), Cancelled)
        return time.monotonic() - started_s

    running = ask_to_segment(worker, exchange.new_folder(), volume)
    waiting = ask_to_segment(worker, exchange.new_folder(), hippocampus)
    worker.until(lambda: any(event.stage is RunStage.INFER for event in worker.progress))
    assert cancelled_after_s(waiting) < 1.0
    assert cancelled_after_s(running) < 1.0
    loading = ask_to_segment(worker, exchange.new_folder(), volume)
    worker.progress.clear()
    worker.until(lambda: worker.progress)
    assert cancelled_after_s(loading) < 1.0
    assert worker.client.pid == pid, "the process is the same, its models are in memory still"
    assert isinstance(worker.of(ask_to_segment(worker, exchange.new_folder(), hippocampus)), SegmentReply)


def test_a_cancel_while_torch_is_imported_takes_no_longer_than_a_second(
    new_worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    number = ask_to_segment(new_worker, exchange.new_folder(), hippocampus)
    new_worker.until(lambda: new_worker.progress)
    new_worker.client.cancel(number)
    assert new_worker.until(lambda: number in new_worker.all) < 1.0
    assert isinstance(new_worker.all[number], Cancelled)
    assert isinstance(new_worker.of(ask_to_segment(new_worker, exchange.new_folder(), hippocampus)), SegmentReply)


def test_two_runs_queue_and_models_are_switched(
    worker: Answers, exchange: Exchange, hippocampus: Volume, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(REPOSITORY / "MedAISeg" / "Resources" / "Models" / MODEL, other)
    metadata = other / "configs" / "metadata.json"
    metadata.write_text(
        metadata.read_text(encoding="utf-8").replace('"version": "', '"version": "9', 1), encoding="utf-8"
    )
    folders = [exchange.new_folder() for _ in range(3)]
    numbers = [
        ask_to_segment(worker, folder, hippocampus, SegmentationJob(model, device="cpu"))
        for folder, model in zip(folders, (MODEL, str(other), MODEL), strict=True)
    ]
    replies = [worker.of(number) for number in numbers]
    assert replies[0].result.provenance.model_sha256 != replies[1].result.provenance.model_sha256
    first, second, third = (open_array(f, r.segmentation.layers) for f, r in zip(folders, replies, strict=True))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)


def test_a_worker_killed_in_the_middle_of_a_run_is_reported_and_replaced(
    new_worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    number = ask_to_segment(new_worker, exchange.new_folder(), large(hippocampus))
    new_worker.until(lambda: any(event.stage is RunStage.INFER for event in new_worker.progress))
    pid = new_worker.client.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    error = new_worker.error_of(number)
    assert isinstance(error, ResourceError)
    assert "memory" in error.what
    assert new_worker.client.state is WorkerState.STOPPED
    assert isinstance(new_worker.of(ask_to_segment(new_worker, exchange.new_folder(), hippocampus)), SegmentReply)
    assert new_worker.client.pid != pid


def test_the_worker_ends_with_its_parent(new_worker: Answers, exchange: Exchange, hippocampus: Volume) -> None:
    ask_to_segment(new_worker, exchange.new_folder(), large(hippocampus))
    new_worker.until(lambda: any(event.stage is RunStage.INFER for event in new_worker.progress))
    pid = new_worker.client.pid
    assert pid is not None
    assert new_worker.client._child is not None
    new_worker.client._child.end_input()
    new_worker.until(lambda: not is_alive(pid), 10.0)


def test_devices_and_diagnosis_are_real(worker: Answers) -> None:
    devices = worker.of(worker.ask(DevicesRequest()))
    assert isinstance(devices, DevicesReply)
    cpu = devices.devices[-1]
    assert cpu.name == "cpu"
    assert cpu.label
    assert 0 < cpu.free_bytes < cpu.total_bytes
    diagnosis = worker.of(worker.ask(DiagnoseRequest("cpu")))
    assert isinstance(diagnosis, DiagnoseReply)
    assert diagnosis.works
    text = "\n".join(diagnosis.lines)
    assert sys.executable in text
    assert "torch 2" in text
    absent = worker.of(worker.ask(DiagnoseRequest("cuda:7")))
    assert not absent.works
    assert "cuda:7 is not there" in absent.lines[-1]


def test_an_edited_result_is_measured_and_exported_as_edited(
    worker: Answers, exchange: Exchange, hippocampus: Volume, tmp_path: Path
) -> None:
    folder = exchange.new_folder()
    reply = worker.of(ask_to_segment(worker, folder, hippocampus))
    layers = np.memmap(folder / reply.segmentation.layers.name, reply.segmentation.layers.dtype, "r+")
    layers[np.flatnonzero(layers == 1)[0]] = 0
    del layers
    image = VolumeRecord(ArrayFile("image", "<f4", hippocampus.voxels.shape), hippocampus.geometry)
    measured = worker.of(worker.ask(MeasureRequest(folder, reply.segmentation, image)))
    assert isinstance(measured, MeasureReply)
    before, after = reply.result.segments[0], measured.segments[0]
    assert after.voxel_count == before.voxel_count - 1
    assert after.mean is not None
    assert measured.checksums[after.name] != reply.checksums[after.name]
    other = measured.segments[1].name
    assert measured.checksums[other] == reply.checksums[other]
    without_image = worker.of(worker.ask(MeasureRequest(folder, reply.segmentation)))
    assert without_image.segments[0].mean is None
    assert without_image.segments[0].volume_ml == after.volume_ml
    output = tmp_path / "out"
    request = ExportRequest(folder, reply.segmentation, reply.result, ("nifti", "tables"), output, edited=(after.name,))
    exported = worker.of(worker.ask(request))
    assert isinstance(exported, ExportReply)
    assert {file.name for files in exported.files.values() for file in files} == {
        "segmentation.nii.gz", "segmentation.json", "segments.csv",
    }  # fmt: skip
    assert sorted(path.name for path in output.iterdir()) == [
        "segmentation.json",
        "segmentation.nii.gz",
        "segments.csv",
    ]
    again = worker.error_of(worker.ask(request))
    assert isinstance(again, UsageError)
    refused = ExportRequest(
        folder, reply.segmentation, reply.result, ("tables", "dicom-seg"), tmp_path / "none", edited=()
    )
    assert "DICOM SEG refers to" in worker.error_of(worker.ask(refused)).what
    assert not (tmp_path / "none").exists()


def test_a_model_is_installed_listed_run_and_removed(
    worker: Answers, exchange: Exchange, hippocampus: Volume, tmp_path: Path, home: Path
) -> None:
    source = tmp_path / "mine"
    shutil.copytree(REPOSITORY / "MedAISeg" / "Resources" / "Models" / MODEL, source)
    assert worker.of(worker.ask(InstallModelRequest(source))) == Done()
    cards = worker.of(worker.ask(ModelsRequest())).models
    assert [(card.id, card.embedded) for card in cards] == [(MODEL, True), ("mine", False)]
    job = SegmentationJob("mine", device="cpu")
    assert isinstance(worker.of(ask_to_segment(worker, exchange.new_folder(), hippocampus, job)), SegmentReply)
    assert worker.of(worker.ask(RemoveModelRequest("mine"))) == Done()
    assert isinstance(worker.error_of(worker.ask(RemoveModelRequest("mine"))), ModelError)
    (source / "models" / "model.safetensors").write_bytes(b"broken")
    assert isinstance(worker.error_of(worker.ask(InstallModelRequest(source))), ModelError)
    broken = home / "models" / "broken"
    broken.mkdir(parents=True)
    cards = worker.of(worker.ask(ModelsRequest())).models
    assert [card.id for card in cards] == [MODEL, "broken"]
    assert cards[1].problem
    broken.rmdir()


def test_the_need_of_a_run_is_known_before_and_its_time_after_a_first_one(
    new_worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    request = NeedRequest(JOB, {"T1": hippocampus.geometry})
    need = new_worker.of(new_worker.ask(request))
    assert isinstance(need, NeedReply)
    assert min(need.host_bytes, need.host_free_bytes) > 0
    assert need.device_bytes == 0
    assert need.seconds is None
    new_worker.of(ask_to_segment(new_worker, exchange.new_folder(), hippocampus))
    assert new_worker.of(new_worker.ask(request)).seconds > 0.0


def test_folders_that_are_gone_or_wrong_are_errors_of_the_request(worker: Answers, exchange: Exchange) -> None:
    folder = exchange.new_folder()
    record = VolumeRecord(ArrayFile("image", "<f4", (2, 3, 4)), VolumeGeometry((2, 3, 4), np.eye(4)))
    assert isinstance(worker.error_of(worker.ask(SegmentRequest(folder, JOB, {"T1": record}))), ResourceError)
    (folder / "image").write_bytes(bytes(95))
    assert "size" in worker.error_of(worker.ask(SegmentRequest(folder, JOB, {"T1": record}))).what


def test_nothing_is_left_running_in_this_process_either(new_worker: Answers) -> None:
    new_worker.of(new_worker.ask(ModelsRequest()))
    new_worker.client.close()
    assert [t.name for t in threading.enumerate() if t is not threading.main_thread() and "pool" in t.name] == []
