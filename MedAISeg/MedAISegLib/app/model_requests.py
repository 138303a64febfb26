"""Requests about the models that there are, and what takes models in or out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..core.disk import existing
from ..core.errors import ModelError, NotTrustedError, UsageError
from ..formats import read_model
from ..formats.checking import check_networks
from ..models import receipts, trust
from ..models.card import ModelCard, ModelState, card_of
from ..models.kept_downloads import kept_bytes
from ..models.origins import has_changed
from ..models.packs import is_pack
from ..models.published import find_published
from ..models.room import free_bytes, quota_bytes, taken_bytes
from ..models.staging import sweep_staging
from ..models.store import InstalledModel, find_model, installed_model, installed_models, models_home, size_bytes
from ..models.store_progress import StoreProgress, StoreStage
from . import model_sources
from .model_call import as_trusted
from .model_removal import remove_installed
from .model_sources import InstallOptions
from .protocol import Done
from .store_protocol import (
    ExportModelReply,
    ExportModelRequest,
    InstallModelRequest,
    InstallReply,
    ModelCheck,
    ModelsReply,
    PackModelsRequest,
    RemoveModelRequest,
    TrustRequest,
    VerifyReply,
    VerifyRequest,
)
from .tasks import Task


def list_models(task: Task) -> ModelsReply:
    """All installed models, those that cannot be used with the reason."""
    # It is asked for first, also of a worker that takes the place of one that was killed.
    sweep_staging()
    cards = []
    for model in installed_models():
        task.progress.cancel.raise_if_cancelled()
        cards += _cards(model)
    home = models_home()
    return ModelsReply(tuple(cards), home, taken_bytes(), quota_bytes(), free_bytes(home), kept_bytes())


def install_models(task: Task) -> InstallReply:
    """Bring a model, or a pack of them, into the store, once each has been read and its weights fit."""
    request: InstallModelRequest = task.request
    poll = task.progress.cancel.raise_if_cancelled
    options = InstallOptions(
        model_id=request.model_id,
        overwrite=request.overwrite,
        trust=request.trust,
        accept_licence=request.accept_licence,
        accept_changed=request.accept_changed,
        trusted=request.trusted,
    )
    path = existing(request.source)
    if path is not None and is_pack(path):
        models = model_sources.unpack_models(path, options, tell=task.tell, poll=poll)
        return InstallReply(tuple(model.id for model in models))
    model, notices = model_sources.install_model(request.source, options, tell=task.tell, poll=poll)
    return InstallReply((model.id,), notices)


def delete_model(task: Task) -> Done:
    """Remove a model from the store."""
    request: RemoveModelRequest = task.request
    remove_installed(request.model)
    return Done()


def verify_models(task: Task) -> VerifyReply:
    """Hold models against what they were, read them and load their weights."""
    request: VerifyRequest = task.request
    wanted = [installed_model(request.model)] if request.model else installed_models()
    checks = []
    for number, model in enumerate(wanted, start=1):
        task.progress.cancel.raise_if_cancelled()
        task.tell(StoreProgress(StoreStage.CHECK, part=number, parts=len(wanted)))
        try:
            is_known = receipts.require_unchanged(model)
            check_networks(model.path, task.progress.cancel.raise_if_cancelled)
        except ModelError as error:
            checks.append(ModelCheck(model.id, str(error)))
        else:
            receipt = receipts.receipt_of(model)
            changed_at = tuple(origin.url for origin in receipt.files if has_changed(origin))
            checks.append(ModelCheck(model.id, is_known=is_known, receipt=receipt, changed_at=changed_at))
    return VerifyReply(tuple(checks))


def pack_models(task: Task) -> Done:
    """Write models into one file."""
    request: PackModelsRequest = task.request
    models = [installed_model(name) for name in request.models] or [m for m in installed_models() if m.is_own]
    poll = task.progress.cancel.raise_if_cancelled
    model_sources.pack_models(models, request.output, overwrite=request.overwrite, tell=task.tell, poll=poll)
    return Done()


def export_model(task: Task) -> ExportModelReply:
    """Write a model as a folder of our own layout."""
    # Importing torch takes seconds.
    from ..formats.medaiseg_bundle import writing

    request: ExportModelRequest = task.request
    path, poll = find_model(request.model), task.progress.cancel.raise_if_cancelled
    exported = writing.export_model(read_model(path), path, request.output, tell=task.tell, poll=poll)
    return ExportModelReply(exported.folder, exported.notices)


def change_trust(task: Task) -> Done:
    """Remember or forget that the user trusts a model.

    Raises:
        NotTrustedError: if the user was asked about another content, or not yet; or if trust does not help.
        UsageError: if there is nothing to ask.
    """
    request: TrustRequest = task.request
    path = installed_model(request.model).path
    if not request.trust:
        trust.withdraw_trust(path)
    elif request.asked is None:
        trust.trust_model(path)
    else:
        _trust_as_asked(path, request.asked)
    return Done()


def _trust_as_asked(path: Path, asked: str) -> None:
    with as_trusted(path, InstallOptions(trusted=(asked,))) as sha256:
        own_code = read_model(path).spec.own_code
    if not sha256:
        what = "it is trusted already." if own_code else "it needs no trust: it runs without code of its own."
        raise UsageError(what, where=path.name)
    trust.trust_content(sha256, path.name)


def _cards(model: InstalledModel) -> list[ModelCard]:
    """Of the model as such, and of each configuration that may be chosen in it."""
    card, variants = _card(model)
    cards = [card]
    for name in variants:
        try:
            spec = read_model(model.path / name).spec
        except ModelError:
            # The model's own card says what it can be used for.
            continue
        cards.append(replace(card_of(spec), variant_of=model.id, shared=model.shared, trusted=card.trusted))
    return cards


def _card(model: InstalledModel) -> tuple[ModelCard, tuple[str, ...]]:
    size = size_bytes(model.path)
    variants: tuple[str, ...] = ()
    trusted = trust.was_trusted(model.path)
    try:
        spec = read_model(model.path).spec
        # What was trusted under another name runs as well.
        trusted |= spec.own_code
        card, variants = card_of(spec, size_bytes=size, embedded=model.embedded), spec.variants
    except ModelError as error:
        state = ModelState.NOT_TRUSTED if isinstance(error, NotTrustedError) else ModelState.UNUSABLE
        card = ModelCard(model.id, model.id, state, size_bytes=size, embedded=model.embedded, problem=str(error))
    if model.embedded:
        return card, variants
    published, receipt = find_published(model.id), receipts.receipt_of(model)
    card = replace(
        card,
        shared=model.shared,
        receipt=receipt,
        unused_days=receipts.days_unused(model),
        trusted=trusted,
        anatomy=card.anatomy or (published.anatomy if published else ""),
    )
    if published and receipt.came_from([file.url for file in published.files]):
        # A folder of that name from elsewhere is not the publisher's.
        card = replace(card, publisher=published.publisher, page=published.page)
    return card, variants
