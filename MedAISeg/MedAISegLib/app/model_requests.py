"""Requests about the models that there are."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ModelError
from ..formats import read_model
from ..models.card import ModelCard, ModelState, card_of
from ..models.installing import install_folder, remove_model
from ..models.store import InstalledModel, installed_models, models_home
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
    """Copy a model into the store, once it has been read and its weights fit."""
    request: InstallModelRequest = task.request

    def verify(folder: Path) -> None:
        task.progress.cancel.raise_if_cancelled()
        read_model(folder).build_networks()
        task.progress.cancel.raise_if_cancelled()

    install_folder(request.path, overwrite=request.overwrite, verify=verify)
    return Done()


def delete_model(task: Task) -> Done:
    """Remove a model from the store."""
    request: RemoveModelRequest = task.request
    remove_model(request.model)
    return Done()


def _card(model: InstalledModel) -> ModelCard:
    files = [model.path] if model.path.is_file() else [file for file in model.path.rglob("*") if file.is_file()]
    size_bytes = sum(file.stat().st_size for file in files)
    try:
        return card_of(read_model(model.path).spec, size_bytes=size_bytes, embedded=model.embedded)
    except ModelError as error:
        return ModelCard(
            model.id, model.id, ModelState.UNUSABLE, size_bytes=size_bytes, embedded=model.embedded, problem=str(error)
        )
