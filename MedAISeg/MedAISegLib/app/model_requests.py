"""Requests about the models that there are."""

from __future__ import annotations

from ..core.errors import ModelError
from ..formats import read_model
from ..models.card import ModelCard, ModelState, card_of
from ..models.installing import remove_model
from ..models.receipts import forget_installation
from ..models.store import InstalledModel, installed_models, models_home, size_bytes
from . import model_sources
from .model_sources import InstallOptions
from .protocol import Done, InstallModelRequest, ModelsReply, RemoveModelRequest
from .tasks import Task


def list_models(task: Task) -> ModelsReply:
    """All installed models, those that cannot be used with the reason."""
    cards = []
    for model in installed_models():
        task.progress.cancel.raise_if_cancelled()
        cards.append(_card(model))
    return ModelsReply(tuple(cards), models_home())


def install_model(task: Task) -> Done:
    """Bring a model into the store, once it has been read and its weights fit."""
    request: InstallModelRequest = task.request
    options = InstallOptions(
        overwrite=request.overwrite,
        trust=request.trust,
        accept_licence=request.accept_licence,
        accept_changed=request.accept_changed,
    )
    model_sources.install_model(request.source or request.path, options, poll=task.progress.cancel.raise_if_cancelled)
    return Done()


def delete_model(task: Task) -> Done:
    """Remove a model from the store."""
    request: RemoveModelRequest = task.request
    remove_model(request.model)
    forget_installation(request.model)
    return Done()


def _card(model: InstalledModel) -> ModelCard:
    size = size_bytes(model.path)
    try:
        return card_of(read_model(model.path).spec, size_bytes=size, embedded=model.embedded)
    except ModelError as error:
        return ModelCard(
            model.id, model.id, ModelState.UNUSABLE, size_bytes=size, embedded=model.embedded, problem=str(error)
        )
