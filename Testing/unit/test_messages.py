"""The lines between the two processes: what they are stands in them, and they come back as they were."""

from __future__ import annotations

import json

import pytest
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.messages import (
    ClientMessage,
    WorkerMessage,
    cancel_line,
    hello_line,
    read_client_line,
    read_worker_line,
    request_line,
    worker_line,
)
from MedAISegLib.app.protocol import Done, ErrorRecord, Hello, NeedRequest, Reply, WarmUpRequest
from MedAISegLib.core.progress import ProgressEvent, RunStage
from MedAISegLib.models.store_progress import StoreProgress, StoreStage


@pytest.mark.parametrize("number", [3, None])
@pytest.mark.parametrize(
    ("content", "key"),
    [
        (ProgressEvent(RunStage.INFER, 0.5, 2.0), "progress"),
        (StoreProgress(StoreStage.COPY), "progress"),
        (ErrorRecord("UsageError", "it is no model.", remedy="Choose another."), "error"),
        (Done(), "reply"),
    ],
    ids=["progress", "progress of the store", "error", "reply"],
)
def test_the_worker_says_what_it_tells_and_of_which_request(
    content: ProgressEvent | StoreProgress | ErrorRecord | Reply, key: str, number: int | None
) -> None:
    message = WorkerMessage(content, number)
    line = worker_line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert set(json.loads(line)) == ({key} if number is None else {key, "id"})
    assert read_worker_line(line) == message


def test_its_first_words_are_told_from_all_others() -> None:
    hello = Hello(77, 1, "3.12", "0.1.0")
    assert read_worker_line(hello_line(hello)) == hello


@pytest.mark.parametrize("request_", [WarmUpRequest("lung", "cpu"), NeedRequest(SegmentationJob("Lunge ä\n"), {})])
def test_a_request_keeps_its_kind_and_its_number(request_: WarmUpRequest | NeedRequest) -> None:
    line = request_line(5, request_)
    assert line.count(b"\n") == 1
    assert read_client_line(line) == ClientMessage(5, request_)
    assert read_client_line(cancel_line(5)) == ClientMessage(5, None)


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish", b"[]", b"\xff", b"{}", b'{"id": 3}', b'{"id": "3", "reply": {"kind": "Done"}}',
        b'{"id": null, "reply": {"kind": "Done"}}', b'{"id": 3, "reply": {"kind": "Nothing"}}',
    ],
)  # fmt: skip
def test_a_line_that_is_none_of_the_workers_is_an_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        read_worker_line(line)
