"""The Model section: the list, what there is to know of the selected model, and the buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..models.card import ModelCard, ModelState
from .items import silent
from .messages import MessageView
from .model_card_text import details_of, download_text, summary_of
from .model_menus import ImportActions, ModelMenus, MoreActions
from .model_tree import ModelTree
from .texts import _, as_written


@dataclass(frozen=True)
class ModelChoice:
    """What is selected, and what is ticked where several models may run."""

    model: str
    several: bool
    ticked: tuple[str, ...]


class ModelActions(ImportActions, MoreActions, Protocol):
    """What the section's widgets ask for."""

    def choose(self, choice: ModelChoice) -> None: ...

    def download(self, card: ModelCard) -> None: ...

    def trust(self, card: ModelCard) -> None: ...

    def remove(self, card: ModelCard) -> None: ...


class ModelView:
    """The Model section.

    Args:
        ui: the panel's widgets by name.
        actions: is told what the user wants.
    """

    def __init__(self, ui: Any, actions: ModelActions) -> None:
        self._ui, self._actions = ui, actions
        self._card: ModelCard | None = None
        self._described: tuple[object, ...] = ()
        self.messages = MessageView(ui.modelMessages, "modelMessage", ui.cancelTransferButton)
        self._tree = ModelTree(ui)
        self._menus = ModelMenus(ui, actions)
        ui.modelSearchBox.connect("textChanged(QString)", lambda _text: self._tree.search())
        ui.modelTree.connect("itemSelectionChanged()", self._tell)
        ui.modelTree.connect("itemChanged(QTreeWidgetItem*,int)", self._tell)
        ui.severalModelsCheckBox.connect("toggled(bool)", self._on_several)
        ui.downloadButton.connect("clicked()", lambda: self._with_card(actions.download))
        ui.trustButton.connect("clicked()", lambda: self._with_card(actions.trust))
        ui.removeModelButton.connect("clicked()", lambda: self._with_card(actions.remove))

    def show(
        self, cards: Sequence[ModelCard], choice: ModelChoice, expected_time: str, states: Mapping[str, str]
    ) -> None:
        """Show the models, what is chosen, and what is known of the selected one.

        Args:
            states: by model id, words for what goes on with it.
        """
        ui = self._ui
        with silent(ui.severalModelsCheckBox):
            ui.severalModelsCheckBox.checked = choice.several
        self._tree.fill(cards, several=choice.several)
        self._tree.mark(choice.model, choice.ticked)
        self._tree.show_states(states)
        card = next((card for card in cards if card.id == choice.model), None)
        self._card = card
        if (card, expected_time) != self._described:
            self._described = (card, expected_time)
            ui.modelSummaryLabel.setText(summary_of(card, expected_time) if card else _("No model is selected."))
            ui.modelDetailsBrowser.setHtml(details_of(card) if card else "")
            ui.modelDetailsFrame.setVisible(card is not None)
        self._show_buttons(card, busy=bool(card and card.id in states))
        self._menus.show(card, cards)

    def show_states(self, states: Mapping[str, str]) -> None:
        """Show in the list how far what goes on is."""
        self._tree.show_states(states)

    def _show_buttons(self, card: ModelCard | None, *, busy: bool) -> None:
        ui = self._ui
        ui.downloadButton.setVisible(card is not None and card.state is ModelState.TO_DOWNLOAD)
        ui.downloadButton.enabled = not busy
        if card is not None and card.state is ModelState.TO_DOWNLOAD:
            ui.downloadButton.setText(download_text(card))
        ui.trustButton.setVisible(card is not None and card.state is ModelState.NOT_TRUSTED)
        why_not = _why_not_removable(card)
        ui.removeModelButton.enabled = not why_not
        ui.removeModelButton.toolTip = as_written(why_not) or _("Deletes the selected model from this computer")

    def _choice(self) -> ModelChoice:
        several = bool(self._ui.severalModelsCheckBox.checked)
        return ModelChoice(self._tree.selected, several, self._tree.ticked if several else ())

    def _tell(self) -> None:
        self._actions.choose(self._choice())

    def _on_several(self, several: bool) -> None:
        choice = self._choice()
        # Whoever wants more than one model wants the one he has selected, too.
        ticked = (choice.model,) if several and choice.model else ()
        self._actions.choose(ModelChoice(choice.model, several, ticked))

    def _with_card(self, act: Any) -> None:
        if self._card is not None:
            act(self._card)


def _why_not_removable(card: ModelCard | None) -> str:
    if card is None:
        return _("Select a model first")
    if card.embedded:
        return _("This model comes with the module and stays")
    if card.variant_of:
        return _("This is a configuration of the model {model}").format(model=card.variant_of)
    if card.shared:
        return _("This model lies in a folder that several users share")
    if not card.is_here:
        return _("This model is not on this computer")
    return ""
