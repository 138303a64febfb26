"""What can be asked about models, and what takes them in or out; every answer comes on the main thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from ..app.client import Told
from ..app.protocol import Request
from ..app.store_protocol import (
    ExportModelReply,
    ExportModelRequest,
    InstallModelRequest,
    InstallReply,
    ModelsReply,
    ModelsRequest,
    PackModelsRequest,
    RemoveModelRequest,
    TrustRequest,
    VerifyReply,
    VerifyRequest,
)
from ..core.errors import MedAISegError
from ..models.card import ModelCard
from ..models.catalogue import known_models, merged
from ..models.published import published_cards
from .pump import WAITING, Job, Pieces, Pump
from .worker_link import WorkerLink

Failed = Callable[[MedAISegError], None]
Cards = tuple[ModelCard, ...]
Installed = Callable[[InstallReply], None]


def ignore(_: object) -> None:
    """For callbacks that nobody needs."""


class ModelServices:
    """Each method returns at once; the job that it gives can be cancelled or waited for.

    Attributes:
        store: what the worker last told of the installed models; None before it was asked.
        is_outdated: models may have come or gone since.
    """

    def __init__(self, pump: Pump, worker: WorkerLink) -> None:
        self.pump, self.worker = pump, worker
        self.store: ModelsReply | None = None
        self.is_outdated = False
        self._published: Cards = ()
        self._reading: Job[Cards] | None = None

    def ask(
        self,
        request: Request,
        *,
        on_done: Callable[[Any], None] = ignore,
        on_error: Failed = ignore,
        on_progress: Told = ignore,
    ) -> Job[Any]:
        """Ask the worker for anything that is no run."""
        return self.pump.add(self.worker.ask(request, on_progress=on_progress), on_done=on_done, on_error=on_error)

    def models(self) -> Cards:
        """What is known of models now, without the worker: what was last told of the installed ones, and the catalogue.

        Raises:
            ResourceError: if the catalogue is damaged.
        """
        installed = self.store.models if self.store is not None else ()
        return merged((*known_models(), *self._published), installed)

    def card(self, model: str) -> ModelCard | None:
        """A model's card; None where the model is not known yet."""
        return next((card for card in self.models() if card.id == model), None)

    def read_catalogue(self, on_done: Callable[[Cards], None] = ignore, on_error: Failed = ignore) -> Job[Cards]:
        """Read what the publishers offer; gives all cards."""
        return self.pump.add(self._catalogue(), on_done=on_done, on_error=on_error)

    def refresh_models(self, on_done: Callable[[Cards], None] = ignore, on_error: Failed = ignore) -> Job[Cards]:
        """Read the catalogue and have the worker tell which models are installed; gives all cards."""
        return self.pump.add(self._all_models(), on_done=on_done, on_error=on_error)

    def install_model(
        self,
        request: InstallModelRequest,
        on_done: Installed = ignore,
        on_error: Failed = ignore,
        on_progress: Told = ignore,
    ) -> Job[InstallReply]:
        """Bring a model, or a pack of them, into the store; ``models`` knows it when this is done.

        Cancelled, it is over within a second; what was downloaded is kept for the next try.
        """
        return self.pump.add(
            self._changed(self.worker.ask(request, on_progress=on_progress)), on_done=on_done, on_error=on_error
        )

    def remove_models(
        self, models: Sequence[str], on_done: Callable[[None], None] = ignore, on_error: Failed = ignore
    ) -> Job[None]:
        """Delete installed models."""

        def removed() -> Pieces[None]:
            for model in models:
                yield from self.worker.ask(RemoveModelRequest(model))

        return self.pump.add(self._changed(removed()), on_done=on_done, on_error=on_error)

    def verify_models(
        self,
        model: str = "",
        on_done: Callable[[VerifyReply], None] = ignore,
        on_error: Failed = ignore,
        on_progress: Told = ignore,
    ) -> Job[VerifyReply]:
        """Hold a model, or all, against what it was when it was installed, and load its weights."""
        return self.ask(VerifyRequest(model), on_done=on_done, on_error=on_error, on_progress=on_progress)

    def pack_models(
        self,
        models: Sequence[str],
        output: Path,
        on_done: Callable[[Any], None] = ignore,
        on_error: Failed = ignore,
        on_progress: Told = ignore,
        *,
        overwrite: bool = False,
    ) -> Job[Any]:
        """Write models, or all that were installed, into one file for computers without internet."""
        request = PackModelsRequest(tuple(models), output, overwrite)
        return self.ask(request, on_done=on_done, on_error=on_error, on_progress=on_progress)

    def export_model(
        self,
        model: str,
        output: Path,
        on_done: Callable[[ExportModelReply], None] = ignore,
        on_error: Failed = ignore,
        on_progress: Told = ignore,
    ) -> Job[ExportModelReply]:
        """Write a model into a new folder in our own layout, as weights without code where that can be.

        Cancelled, nothing is left of that folder.
        """
        request = ExportModelRequest(model, output)
        return self.ask(request, on_done=on_done, on_error=on_error, on_progress=on_progress)

    def trust_model(
        self,
        model: str,
        on_done: Callable[[Any], None] = ignore,
        on_error: Failed = ignore,
        *,
        trust: bool = True,
        asked: str | None = None,
    ) -> Job[Any]:
        """Remember that the user trusts a model, as it is now, to run code of its own; or forget it.

        Args:
            asked: SHA-256 of the content that the user was asked about, empty where he has yet to be; of another one
                the NotTrustedError says what to ask. None where nobody is asked.
        """
        request = TrustRequest(model, trust, asked)
        return self.pump.add(self._changed(self.worker.ask(request)), on_done=on_done, on_error=on_error)

    def _changed(self, act: Pieces[Any]) -> Pieces[Any]:
        """An act, and the list anew; what is done counts although a cancel or the worker's end keeps the list away."""
        try:
            result = yield from act
        finally:
            # A part of it may have been done although the rest could not be.
            self.is_outdated = True
        with suppress(MedAISegError):
            yield from self._all_models()
        return result

    def _all_models(self) -> Pieces[Cards]:
        yield from self._catalogue()
        self.store = cast("ModelsReply", (yield from self.worker.ask(ModelsRequest())))
        self.is_outdated = False
        return self.models()

    def _catalogue(self) -> Pieces[Cards]:
        """Whoever asks while it is being read waits for that one reading."""
        if not self._published:
            if self._reading is None or self._reading.is_finished:
                self._reading = self.pump.add(_read_published())
            reading = self._reading
            while not reading.is_finished:
                yield WAITING
            self._published = reading.result
        return self.models()


def _read_published() -> Pieces[Cards]:
    found = []
    for card in published_cards():
        found.append(card)
        yield None
    return tuple(found)
