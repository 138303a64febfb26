"""The worker takes models in and out beside everything else that it does, and is told to stop at once."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from fake_workers import Answers
from MedAISegLib.app.client import WorkerClient
from MedAISegLib.app.interpreter import WorkerCommand
from MedAISegLib.app.store_protocol import (
    InstallModelRequest,
    InstallReply,
    ModelsRequest,
    RemoveModelRequest,
    TrustRequest,
    VerifyRequest,
)
from MedAISegLib.core.errors import Cancelled, ModelError, NotTrustedError, UsageError
from MedAISegLib.models.card import ModelState

from Testing.unit.publisher import Publisher, publishing

ROOT = Path(__file__).parents[2]
LARGE = os.urandom(1_000_000)


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with publishing() as server:
        for name, own_code in (("large", False), ("code", True)):
            with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
                archive.writestr(f"{name}/model.json", json.dumps({"name": name, "own_code": own_code}))
                archive.writestr(f"{name}/weights", LARGE)
            server.files[f"/{name}.zip"] = (tmp_path / f"{name}.zip").read_bytes()
        (tmp_path / "embedded").mkdir()
        (tmp_path / "catalogue.json").write_text('{"models": [], "published": [], "structures": {}}', encoding="utf-8")
        yield server


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    own = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'MedAISeg'}{os.pathsep}{ROOT / 'Testing'}",
        "MEDAISEG_HOME": str(tmp_path / "home"),
        "TEST_CATALOGUE": str(tmp_path),
        "NO_PROXY": "127.0.0.1",
    }
    command = WorkerCommand((sys.executable, "-m", "Testing.host.store_worker"), {**os.environ, **own})
    client = WorkerClient(lambda: command, log=lambda line: print("worker:", line))
    yield Answers(client)
    client.close()


def installed(answers: Answers) -> dict[str, ModelState]:
    return {card.id: card.state for card in answers.of(answers.ask(ModelsRequest())).models}


def test_a_download_delays_nothing_else_and_its_cancel_ends_no_worker(answers: Answers, publisher: Publisher) -> None:
    publisher.faults = ["stall"]
    download = answers.ask(InstallModelRequest(publisher.url("/large.zip")))
    answers.until(lambda: any(getattr(event, "done_bytes", 0) for event in answers.progress))
    assert installed(answers) == {}
    pid = answers.client.pid
    answers.client.cancel(download)
    assert isinstance(answers.error_of(download), Cancelled)
    assert answers.client.pid == pid
    publisher.released.set()
    assert answers.of(answers.ask(InstallModelRequest(publisher.url("/large.zip")))).models == ("large",)
    assert publisher.asked[-1][1].startswith("bytes=")
    assert installed(answers) == {"large": ModelState.READY}


def test_trust_is_asked_for_given_and_withdrawn(answers: Answers, publisher: Publisher) -> None:
    url = publisher.url("/code.zip")
    assert isinstance(answers.error_of(answers.ask(InstallModelRequest(url))), NotTrustedError)
    assert isinstance(answers.of(answers.ask(InstallModelRequest(url, trust=True))), InstallReply)
    assert installed(answers) == {"code": ModelState.READY}
    answers.of(answers.ask(TrustRequest("code", trust=False)))
    assert installed(answers) == {"code": ModelState.NOT_TRUSTED}
    answers.of(answers.ask(TrustRequest("code")))
    assert installed(answers) == {"code": ModelState.READY}
    answers.of(answers.ask(RemoveModelRequest("code")))
    assert isinstance(answers.error_of(answers.ask(InstallModelRequest(url))), NotTrustedError), (
        "it went with the model"
    )


def contents_of(error: Exception) -> tuple[str, ...]:
    """What is to be asked about."""
    assert isinstance(error, NotTrustedError)
    assert "run its own network" in error.what
    return error.contents


def test_what_the_user_was_asked_about_is_trusted_and_nothing_else(
    answers: Answers, publisher: Publisher, tmp_path: Path
) -> None:
    for name in ("code", "large"):
        answers.of(answers.ask(InstallModelRequest(publisher.url(f"/{name}.zip"), trust=True)))
    answers.of(answers.ask(TrustRequest("code", trust=False)))
    (first,) = contents_of(answers.error_of(answers.ask(TrustRequest("code", asked=""))))
    (tmp_path / "home" / "models" / "code" / "weights").write_bytes(b"of another")
    (then,) = contents_of(answers.error_of(answers.ask(TrustRequest("code", asked=first))))
    assert first != then
    assert installed(answers)["code"] is ModelState.NOT_TRUSTED
    answers.of(answers.ask(TrustRequest("code", asked=then)))
    assert installed(answers)["code"] is ModelState.READY
    for name, why in (("code", "trusted already"), ("large", "needs no trust")):
        error = answers.error_of(answers.ask(TrustRequest(name, asked="")))
        assert isinstance(error, UsageError)
        assert why in str(error)


def test_a_source_that_has_changed_since_the_user_was_asked_is_not_installed(
    answers: Answers, publisher: Publisher, tmp_path: Path
) -> None:
    source = tmp_path / "code"
    source.mkdir()
    (source / "model.json").write_text(json.dumps({"name": "code", "own_code": True}))
    request = InstallModelRequest(str(source))
    first = contents_of(answers.error_of(answers.ask(request)))
    (source / "more.py").write_text("harm()")
    then = contents_of(answers.error_of(answers.ask(replace(request, trusted=first))))
    assert len({*first, *then}) == 2
    assert installed(answers) == {}
    answers.of(answers.ask(replace(request, trusted=then)))
    assert installed(answers) == {"code": ModelState.READY}


def test_a_copy_of_a_trusted_model_is_shown_as_trusted_and_ends_with_it(answers: Answers, publisher: Publisher) -> None:
    url = publisher.url("/code.zip")
    answers.of(answers.ask(InstallModelRequest(url, model_id="one", trust=True)))
    answers.of(answers.ask(InstallModelRequest(url, model_id="two")))

    def listed() -> dict[str, tuple[ModelState, bool]]:
        models = answers.of(answers.ask(ModelsRequest())).models
        return {card.id: (card.state, card.trusted) for card in models if card.id in ("one", "two")}

    assert listed() == dict.fromkeys(("one", "two"), (ModelState.READY, True))
    answers.of(answers.ask(TrustRequest("two", trust=False)))
    assert listed() == dict.fromkeys(("one", "two"), (ModelState.NOT_TRUSTED, False))


def test_what_was_changed_is_found_and_what_is_not_there_is_said(
    answers: Answers, publisher: Publisher, tmp_path: Path
) -> None:
    answers.of(answers.ask(InstallModelRequest(publisher.url("/large.zip"), model_id="mine")))
    (check,) = answers.of(answers.ask(VerifyRequest())).checks
    assert (check.model, check.problem, check.is_known) == ("mine", "", True)
    (tmp_path / "home" / "models" / "mine" / "weights").write_bytes(b"x")
    (check,) = answers.of(answers.ask(VerifyRequest("mine"))).checks
    assert "changed since it was installed" in check.problem
    assert isinstance(answers.error_of(answers.ask(VerifyRequest("other"))), ModelError)
    assert isinstance(answers.error_of(answers.ask(InstallModelRequest("nothing of the kind"))), UsageError)
