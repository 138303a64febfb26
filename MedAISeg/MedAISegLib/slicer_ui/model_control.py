"""Which models there are, which of them run, and how models come and go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.errors import MedAISegError, UsageError
from ..models.card import ModelCard, ModelState
from .context import Context
from .messages import Kind
from .model_view import ModelChoice, ModelView
from .texts import _


@dataclass(frozen=True)
class ChosenModels:
    """The selected model (None for none), and those that Apply runs."""

    selected: ModelCard | None
    running: tuple[ModelCard, ...]


class ModelControl:
    """Between the Model section and the session."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.view = ModelView(context.ui, on_choice=self._choose, on_import=self._import, on_remove=self._remove)
        self._cards: tuple[ModelCard, ...] = ()
        self._has_asked = False

    def load(self) -> None:
        """Take the list of models as it is known now."""
        try:
            self._cards = self._context.session.models()
        except MedAISegError as error:
            self.view.messages.show_error(error)

    def ask_installed(self) -> None:
        """Have the worker tell which models are installed; once, for every change of them tells by itself."""
        if self._has_asked:
            return
        self._has_asked = True

        def failed(error: MedAISegError) -> None:
            self._has_asked = False
            text = _("Imported models cannot be listed: {reason}").format(reason=error)
            self.view.messages.show_text(Kind.WARNING, text)

        self._context.session.refresh_models(on_done=self._take, on_error=failed)

    def chosen(self) -> ChosenModels:
        """What is chosen; the first model that can run where nothing is."""
        choices = self._context.parameters().read()
        cards = {card.id: card for card in self._cards}
        selected = cards.get(choices.model)
        if selected is None and not choices.model:
            selected = next((card for card in self._cards if card.state is ModelState.READY), None)
        if choices.several:
            return ChosenModels(selected, tuple(cards[name] for name in choices.ticked if name in cards))
        return ChosenModels(selected, (selected,) if selected is not None else ())

    def select(self, model_id: str) -> None:
        """Select one model, and it alone."""
        self._context.parameters().change(model=model_id, several=False)

    def refresh(self, expected_time: str) -> None:
        choices = self._context.parameters().read()
        selected = self.chosen().selected
        choice = ModelChoice(selected.id if selected else "", choices.several, choices.ticked)
        self.view.show(self._cards, choice, expected_time)

    def _take(self, cards: tuple[ModelCard, ...]) -> None:
        self._cards = cards
        self._context.changed()

    def _choose(self, choice: ModelChoice) -> None:
        parameters = self._context.parameters()
        parameters.change(model=choice.model or parameters.read().model, several=choice.several, ticked=choice.ticked)
        self._context.changed()

    def _import(self, path: Path, *, overwrite: bool = False) -> None:
        self.view.messages.show_text(Kind.INFORMATION, _("The model is being copied and checked…"))

        def failed(error: MedAISegError) -> None:
            if isinstance(error, UsageError) and not overwrite:
                self.view.messages.ask(str(error), _("Replace it"), lambda: self._import(path, overwrite=True))
                return
            self.view.messages.show_error(error)

        def done(cards: tuple[ModelCard, ...]) -> None:
            new = [card for card in cards if card.id not in {known.id for known in self._cards}]
            self._cards = cards
            if new:
                self.select(new[0].id)
            names = ", ".join(card.name for card in new)
            self.view.messages.show_text(Kind.GOOD, _("Imported: {names}").format(names=names or path.name))
            self._context.changed()

        self._context.session.install_model(path, on_done=done, on_error=failed, overwrite=overwrite)

    def _remove(self, card: ModelCard) -> None:
        def done(cards: tuple[ModelCard, ...]) -> None:
            self._cards = cards
            self._context.parameters().change(model="")
            self.view.messages.clear()
            self._context.changed()

        self._context.session.remove_model(card.id, on_done=done, on_error=self.view.messages.show_error)
