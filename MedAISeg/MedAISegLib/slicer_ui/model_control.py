"""Which models there are, which of them run, and what the section's buttons do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import qt

from ..app.store_protocol import InstallModelRequest
from ..core.errors import MedAISegError
from ..models.card import ModelCard, ModelState
from .context import Context
from .messages import Kind, MessageView
from .model_acts import ModelActs, models_chosen, unused_question
from .model_address_view import AddressView
from .model_view import ModelChoice, ModelView
from .texts import _

_UNUSED_DAYS = 90


@dataclass(frozen=True)
class ChosenModels:
    """The selected model (None for none), and those that Apply runs."""

    selected: ModelCard | None
    running: tuple[ModelCard, ...]


class ModelControl:
    """Between the Model section and the session.

    Args:
        require_packages: asks in a place for what the worker needs; says whether it is there, and calls back if later.
    """

    def __init__(self, context: Context, require_packages: Callable[[Callable[[], None], MessageView], bool]) -> None:
        self._context = context
        self.view = ModelView(context.ui, self)
        self.acts = ModelActs(
            context,
            self.view.messages,
            require_packages=lambda then: require_packages(then, self.view.messages),
            on_installed=self._installed,
            on_change=self.load,
        )
        self._address = AddressView(context.ui, self._install_address)
        self._cards: tuple[ModelCard, ...] = ()
        self._default = ""
        self._has_asked = False

    def load(self) -> None:
        """Take the list of models as it is known now, and read what the publishers offer."""

        def take(cards: tuple[ModelCard, ...]) -> None:
            self._cards = cards
            ready = [card.id for card in cards if card.state is ModelState.READY]
            if self._default not in ready:
                self._default = next(iter(ready), "")
            self._context.changed()

        try:
            take(self._context.session.models())
        except MedAISegError as error:
            self.view.messages.show_error(error)
            return
        if self._context.session.is_outdated:
            self._context.session.refresh_models(on_done=lambda _cards: self.load())
            return
        self._context.session.read_catalogue(on_done=take, on_error=self.view.messages.tell_error)

    def ask_installed(self) -> None:
        """Have the worker tell which models are installed; once, for every change of them tells by itself."""
        if self._has_asked:
            return
        self._has_asked = True

        def failed(error: MedAISegError) -> None:
            self._has_asked = False
            text = _("Installed models cannot be listed: {reason}").format(reason=error)
            self.view.messages.tell_text(Kind.WARNING, text)

        self._context.session.refresh_models(on_done=lambda _cards: self.load(), on_error=failed)

    def ask_again(self) -> None:
        """As after a change of the folders."""
        self._has_asked = False
        self.ask_installed()

    def chosen(self) -> ChosenModels:
        """What is chosen; where nothing is, the model that was the first to be known that can run."""
        choices = self._context.parameters().read()
        cards = {card.id: card for card in self._cards}
        selected = cards.get(choices.model or self._default)
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
        self.view.show(self._cards, choice, expected_time, self.acts.states)

    def show_progress(self) -> None:
        """How far downloads and the like are."""
        if not self.acts.is_idle:
            self.acts.show()
            self.view.show_states(self.acts.states)

    def choose(self, choice: ModelChoice) -> None:
        parameters = self._context.parameters()
        parameters.change(model=choice.model or parameters.read().model, several=choice.several, ticked=choice.ticked)
        self._context.changed()

    def download(self, card: ModelCard) -> None:
        self.acts.install(InstallModelRequest(card.id), card.name, card.id)

    def trust(self, card: ModelCard) -> None:
        self.acts.trust(card)

    def withdraw_trust(self, card: ModelCard) -> None:
        self.acts.withdraw_trust(card)

    def remove(self, card: ModelCard) -> None:
        question = _("Delete the model {name} from this computer?").format(name=card.name)
        self.view.messages.ask(question, _("Delete"), lambda: self._remove([card]))

    def remove_unused(self) -> None:
        days = _UNUSED_DAYS
        unused = [c for c in self._cards if c.was_installed and not c.shared and (c.unused_days or 0) >= days]
        if not unused:
            text = _("Each model was used or installed within the last {days} days.").format(days=days)
            self.view.messages.show_text(Kind.INFORMATION, text)
            return
        self.view.messages.ask(unused_question(unused, days), _("Delete"), lambda: self._remove(unused))

    def verify(self, card: ModelCard) -> None:
        self.acts.verify(card)

    def verify_all(self) -> None:
        self.acts.verify(None)

    def pack(self, card: ModelCard) -> None:
        self._pack([card.id], card.id)

    def pack_all(self) -> None:
        self._pack([], "models")

    def export(self, card: ModelCard) -> None:
        title = _("In which folder to make the bundle's own")
        place = qt.QFileDialog.getExistingDirectory(self._context.ui.MedAISeg, title)
        if place:
            # Behind a slash stands the configuration of a model that has several.
            self.acts.export(card, Path(place) / card.id.replace("/", "_"))

    def open_page(self, card: ModelCard) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl(card.page))

    def import_folder(self) -> None:
        path = qt.QFileDialog.getExistingDirectory(self._context.ui.MedAISeg, _("The folder of a model"))
        self._import(path)

    def import_file(self) -> None:
        kinds = _("Archives, packs, bundles, checkpoints (*.zip *.tar *.tar.gz *.tgz *.ts *.pt *.pth);;All files (*)")
        path = qt.QFileDialog.getOpenFileName(self._context.ui.MedAISeg, _("An archive or a pack of models"), "", kinds)
        self._import(path)

    def import_address(self) -> None:
        self._address.open()

    def _import(self, path: str) -> None:
        if path:
            self.acts.install(InstallModelRequest(path), Path(path).name)

    def _install_address(self, url: str) -> None:
        self.acts.install(InstallModelRequest(url), url.rstrip("/").rpartition("/")[2] or url)

    def _pack(self, ids: Sequence[str], name: str) -> None:
        path = qt.QFileDialog.getSaveFileName(
            self._context.ui.MedAISeg, _("Where to write the pack"), f"{name}.zip", _("Packs (*.zip)")
        )
        if path:
            self.acts.pack(ids, Path(path if path.lower().endswith(".zip") else f"{path}.zip"))

    def _remove(self, cards: Sequence[ModelCard]) -> None:
        if self._context.parameters().read().model in {card.id for card in cards}:
            self._context.parameters().change(model="")
        self.acts.remove(cards)

    def _installed(self, ids: Sequence[str], model: str, choice: object) -> None:
        """Choose what was installed, unless the user has chosen something else meanwhile."""
        self.load()
        choices = self._context.parameters().read()
        if ids and model in ("", choices.model) and choice == models_chosen(choices):
            self.select(ids[0])
