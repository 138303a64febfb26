"""The list of models after an act of the store, whenever that, or the list, is cancelled or fails."""

from __future__ import annotations

import pytest
from MedAISegLib.app.protocol import Done
from MedAISegLib.app.store_protocol import InstallModelRequest, InstallReply, ModelsReply, ModelsRequest
from MedAISegLib.core.errors import Cancelled, ModelError, ResourceError
from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.slicer_io import model_services
from MedAISegLib.slicer_io.event_loop import PlainLoop
from MedAISegLib.slicer_io.model_services import ModelServices
from MedAISegLib.slicer_io.pump import WAITING, Pump


class Worker:
    """Answers by the kind of request; what is an exception is raised, and None is waited for."""

    def __init__(self, **answers):
        self.answers = answers

    def ask(self, request, *, on_progress=None):
        del on_progress
        while (answer := self.answers[type(request).__name__]) is None:
            yield WAITING
        if isinstance(answer, Exception):
            raise answer
        return answer


def listed(*ids, tmp_path):
    cards = tuple(ModelCard(id=name, name=name, state=ModelState.READY) for name in ids)
    return ModelsReply(cards, tmp_path, 0, 0, 0, 0)


@pytest.fixture
def services(monkeypatch, tmp_path):
    """One model is listed; installing another is done, and the list that follows waits."""
    monkeypatch.setattr(model_services, "known_models", tuple)
    monkeypatch.setattr(model_services, "published_cards", lambda: iter(()))
    worker = Worker(
        ModelsRequest=listed("liver", tmp_path=tmp_path),
        InstallModelRequest=InstallReply(("heart",)),
        RemoveModelRequest=Done(),
    )
    found = ModelServices(Pump(PlainLoop()), worker)
    found.pump.wait(found.refresh_models())
    worker.answers["ModelsRequest"] = None
    return found


def names(services):
    return [card.id for card in services.models()]


def installing(services):
    job = services.install_model(InstallModelRequest("heart"))
    for _ in range(5):
        services.pump.tick()
    assert not job.is_finished, "the list is waited for"
    return job


def test_an_installation_that_is_cancelled_once_it_is_done_is_done(services, tmp_path):
    job = installing(services)
    job.cancel()
    assert services.pump.wait(job).models == ("heart",)
    assert services.is_outdated
    services.worker.answers["ModelsRequest"] = listed("liver", "heart", tmp_path=tmp_path)
    services.pump.wait(services.refresh_models())
    assert sorted(names(services)) == ["heart", "liver"]
    assert not services.is_outdated


def test_an_installation_is_done_although_the_worker_dies_before_it_has_told_the_list(services):
    job = installing(services)
    services.worker.answers["ModelsRequest"] = ResourceError("the worker has ended.")
    assert services.pump.wait(job).models == ("heart",)
    assert services.is_outdated


@pytest.mark.parametrize("error", [ModelError("it is in use."), Cancelled()])
def test_what_fails_leaves_the_list_as_it_was_until_it_is_asked_for_anew(services, error):
    services.worker.answers["RemoveModelRequest"] = error
    with pytest.raises(type(error)):
        services.pump.wait(services.remove_models(["liver"]))
    assert names(services) == ["liver"]
    assert services.is_outdated
    assert ModelsRequest.__name__ in services.worker.answers
