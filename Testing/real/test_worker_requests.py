"""What else the real worker does: devices, models, measuring, exporting, estimates."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_workers import Answers
from MedAISegLib.app.exchange import Exchange
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.protocol import (
    ArrayFile,
    DevicesReply,
    DevicesRequest,
    DiagnoseReply,
    DiagnoseRequest,
    Done,
    ExportReply,
    ExportRequest,
    InstallModelRequest,
    InstallReply,
    MeasureReply,
    MeasureRequest,
    ModelsRequest,
    NeedReply,
    NeedRequest,
    RemoveModelRequest,
    SegmentReply,
    SegmentRequest,
    VolumeRecord,
)
from MedAISegLib.app.store_protocol import ExportModelReply, ExportModelRequest
from MedAISegLib.core.errors import Cancelled, ModelError, ResourceError, UsageError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import RunStage
from MedAISegLib.core.volume import Volume
from worker_runs import JOB, MODEL, REPOSITORY, ask_to_segment, large

pytestmark = pytest.mark.engine


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


def test_a_result_is_written_while_the_next_one_is_computed(
    worker: Answers, exchange: Exchange, hippocampus: Volume, tmp_path: Path
) -> None:
    first, second = exchange.new_folder(), exchange.new_folder()
    reply = worker.of(ask_to_segment(worker, first, hippocampus))
    worker.progress.clear()
    running = ask_to_segment(worker, second, large(hippocampus))
    worker.until(lambda: any(event.stage is RunStage.INFER for event in worker.progress))
    written = worker.of(
        worker.ask(ExportRequest(first, reply.segmentation, reply.result, ("nifti",), tmp_path / "out"))
    )
    assert isinstance(written, ExportReply)
    assert running not in worker.all
    worker.client.cancel(running)
    assert isinstance(worker.of(running), Cancelled)


def test_a_model_is_installed_listed_run_and_removed(
    worker: Answers, exchange: Exchange, hippocampus: Volume, tmp_path: Path, home: Path
) -> None:
    source = tmp_path / "mine"
    shutil.copytree(REPOSITORY / "MedAISeg" / "Resources" / "Models" / MODEL, source)
    assert worker.of(worker.ask(InstallModelRequest(str(source)))) == InstallReply(("mine",))
    cards = worker.of(worker.ask(ModelsRequest())).models
    assert [(card.id, card.embedded) for card in cards] == [(MODEL, True), ("mine", False)]
    job = SegmentationJob("mine", device="cpu")
    assert isinstance(worker.of(ask_to_segment(worker, exchange.new_folder(), hippocampus, job)), SegmentReply)
    assert worker.of(worker.ask(RemoveModelRequest("mine"))) == Done()
    assert isinstance(worker.error_of(worker.ask(RemoveModelRequest("mine"))), ModelError)
    (source / "models" / "network_0.safetensors").write_bytes(b"broken")
    assert isinstance(worker.error_of(worker.ask(InstallModelRequest(str(source), overwrite=True))), ModelError)
    broken = home / "models" / "broken"
    broken.mkdir(parents=True)
    cards = worker.of(worker.ask(ModelsRequest())).models
    assert [card.id for card in cards] == [MODEL, "broken"]
    assert cards[1].problem
    broken.rmdir()


def test_the_need_of_a_run_is_known_before_and_kept_and_its_time_after_a_first_one(
    new_worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    request = NeedRequest(JOB, {"T1": hippocampus.geometry})
    need = new_worker.of(new_worker.ask(request))
    assert isinstance(need, NeedReply)
    assert min(need.host_bytes, need.host_free_bytes) > 0
    assert need.device_bytes == 0
    assert need.seconds is None
    new_worker.of(ask_to_segment(new_worker, exchange.new_folder(), hippocampus))
    peak_bytes = peak_of(new_worker.client.pid)
    assert peak_bytes is None or need.host_bytes / 1.6 < peak_bytes < need.host_bytes / 1.02
    assert new_worker.of(new_worker.ask(request)).seconds > 0.0


def peak_of(pid: int | None) -> int | None:
    """Of another process's memory, which only Linux tells."""
    if not sys.platform.startswith("linux"):
        return None
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (peak_kib,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return peak_kib * 1024


def test_folders_that_are_gone_or_wrong_are_errors_of_the_request(worker: Answers, exchange: Exchange) -> None:
    folder = exchange.new_folder()
    record = VolumeRecord(ArrayFile("image", "<f4", (2, 3, 4)), VolumeGeometry((2, 3, 4), np.eye(4)))
    assert isinstance(worker.error_of(worker.ask(SegmentRequest(folder, JOB, {"T1": record}))), ResourceError)
    (folder / "image").write_bytes(bytes(95))
    assert "size" in worker.error_of(worker.ask(SegmentRequest(folder, JOB, {"T1": record}))).what


def test_a_model_is_exported_and_what_was_written_segments_as_it_did(
    worker: Answers, exchange: Exchange, hippocampus: Volume, tmp_path: Path
) -> None:
    exported = worker.of(worker.ask(ExportModelRequest("hippocampus", tmp_path / "shared")))
    assert isinstance(exported, ExportModelReply)
    assert exported.folder == tmp_path / "shared"
    assert "there is no code in it" in exported.notices[0].message
    assert {file.suffix for file in exported.folder.iterdir() if file.is_file()} >= {".json", ".safetensors"}
    segmented = [
        worker.of(ask_to_segment(worker, exchange.new_folder(), hippocampus, replace(JOB, model=model)))
        for model in (JOB.model, str(exported.folder))
    ]
    assert segmented[0].checksums == segmented[1].checksums
    again = worker.error_of(worker.ask(ExportModelRequest("hippocampus", tmp_path / "shared")))
    assert isinstance(again, UsageError)
    assert again.remedy
    assert isinstance(worker.error_of(worker.ask(ExportModelRequest("elbow", tmp_path / "other"))), ModelError)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".part-")] == []
