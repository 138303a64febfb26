"""Runs in the real worker: the same labels, stopped soon, killed, replaced."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_workers import LONGEST_S, Answers, is_alive
from MedAISegLib.app.client import WorkerState
from MedAISegLib.app.exchange import Exchange, open_array, segmentation_of
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.protocol import (
    ModelsReply,
    ModelsRequest,
    SegmentReply,
    WarmUpRequest,
)
from MedAISegLib.app.segment import run
from MedAISegLib.core.errors import Cancelled, ResourceError
from MedAISegLib.core.progress import RunStage
from MedAISegLib.core.volume import Volume
from worker_runs import JOB, MODEL, REPOSITORY, ask_to_segment, large

pytestmark = pytest.mark.engine


def test_labels_are_those_of_the_same_run_in_one_process(
    worker: Answers, exchange: Exchange, hippocampus: Volume
) -> None:
    folder = exchange.new_folder()
    # Each process would choose its own fastest way, and they agree but for voxels on the brink.
    job = replace(JOB, backend="eager")
    reply = worker.of(ask_to_segment(worker, folder, hippocampus, job))
    assert isinstance(reply, SegmentReply)
    expected, result = run(job, [hippocampus])
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
    worker: Answers, exchange: Exchange, hippocampus: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = large(hippocampus)
    worker.of(worker.ask(WarmUpRequest(MODEL, "cpu")))
    pid = worker.client.pid
    # On a computer that is busy it is not ended for being late: what it takes itself is measured.
    monkeypatch.setattr(worker.client, "_cancel_timeout_s", LONGEST_S)

    def cancelled_after_s(number: int) -> float:
        worker.client.cancel(number)
        took_s = worker.until(lambda: number in worker.all)
        assert isinstance(worker.all[number], Cancelled)
        return took_s

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
    new_worker.until(lambda: not is_alive(pid))


def test_nothing_is_left_running_in_this_process_either(new_worker: Answers) -> None:
    new_worker.of(new_worker.ask(ModelsRequest()))
    new_worker.client.close()
    assert [t.name for t in threading.enumerate() if t is not threading.main_thread() and "pool" in t.name] == []
