"""The list of models, and what there is to know of the selected one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt

from ..models.card import ModelCard, ModelState
from .items import all_items, fit_height, is_ticked, key_of, silent, stretch_first_column, tree_item
from .messages import MessageView
from .model_card_text import details_of, state_of, summary_of
from .texts import _, readable_modality


@dataclass(frozen=True)
class ModelChoice:
    """What is selected, and what is ticked where several models may run."""

    model: str
    several: bool
    ticked: tuple[str, ...]


class ModelView:
    """The Model section.

    Args:
        ui: the panel's widgets by name.
        on_choice: is told what the user selects or ticks.
        on_import: gets the folder or file of a model.
        on_remove: gets the model that the user wants to be rid of.
    """

    def __init__(
        self,
        ui: Any,
        *,
        on_choice: Callable[[ModelChoice], None],
        on_import: Callable[[Path], None],
        on_remove: Callable[[ModelCard], None],
    ) -> None:
        self._ui = ui
        self._on_choice, self._on_import, self._on_remove = on_choice, on_import, on_remove
        self._cards: dict[str, ModelCard] = {}
        self._shown: tuple[object, ...] = ()
        self._described: tuple[object, ...] = ()
        self.messages = MessageView(ui.modelMessages, "modelMessage", ui.removeModelButton)
        stretch_first_column(ui.modelTree)
        ui.modelSearchBox.connect("textChanged(QString)", self._filter)
        ui.modelTree.connect("itemSelectionChanged()", self._tell)
        ui.modelTree.connect("itemChanged(QTreeWidgetItem*,int)", self._tell)
        ui.severalModelsCheckBox.connect("toggled(bool)", self._on_several)
        ui.importModelFolderButton.connect("clicked()", self._import_folder)
        ui.importModelFileButton.connect("clicked()", self._import_file)
        ui.removeModelButton.connect("clicked()", self._remove)

    def show(self, cards: Sequence[ModelCard], choice: ModelChoice, expected_time: str) -> None:
        """Show the models, what is chosen, and what is known of the selected one."""
        self._cards = {card.id: card for card in cards}
        listed = (tuple(cards), choice.several)
        if listed != self._shown:
            self._shown = listed
            self._fill(choice)
        self._mark(choice)
        card = self._cards.get(choice.model)
        if (card, expected_time) != self._described:
            self._described = (card, expected_time)
            self._ui.modelSummaryLabel.setText(summary_of(card, expected_time) if card else _("No model is selected."))
            self._ui.modelDetailsBrowser.setHtml(details_of(card) if card else "")
            self._ui.modelDetailsFrame.setVisible(card is not None)
        self._ui.removeModelButton.enabled = card is not None and not card.embedded and card.size_bytes > 0
        self._ui.removeModelButton.toolTip = _why_not_removable(card)

    def _fill(self, choice: ModelChoice) -> None:
        tree = self._ui.modelTree
        with silent(tree):
            tree.clear()
            for modality in sorted({card.modality for card in self._cards.values()}):
                group = tree_item([readable_modality(modality), ""])
                group.setFlags(qt.Qt.ItemIsEnabled)
                tree.addTopLevelItem(group)
                group.setFirstColumnSpanned(True)
                for card in sorted(self._cards.values(), key=lambda card: card.name.casefold()):
                    if card.modality == modality:
                        group.addChild(_item(card, tree.palette, several=choice.several))
                group.setExpanded(True)
        self._filter()

    def _mark(self, choice: ModelChoice) -> None:
        tree = self._ui.modelTree
        with silent(tree, self._ui.severalModelsCheckBox):
            self._ui.severalModelsCheckBox.checked = choice.several
            for item in all_items(tree):
                card = self._cards.get(key_of(item))
                if card is None:
                    continue
                if card.id == choice.model and not item.isSelected():
                    tree.setCurrentItem(item)
                if choice.several and card.state is ModelState.READY:
                    item.setCheckState(0, qt.Qt.Checked if card.id in choice.ticked else qt.Qt.Unchecked)

    def _filter(self, _text: str = "") -> None:
        words = self._ui.modelSearchBox.text
        tree = self._ui.modelTree
        for row in range(tree.topLevelItemCount):
            group = tree.topLevelItem(row)
            shown = 0
            for n in range(group.childCount()):
                item = group.child(n)
                is_shown = self._cards[key_of(item)].mentions(words)
                item.setHidden(not is_shown)
                shown += is_shown
            group.setHidden(shown == 0)
        fit_height(tree, at_least=4, at_most=9)

    def _choice(self) -> ModelChoice:
        tree = self._ui.modelTree
        selected = [key_of(item) for item in tree.selectedItems()]
        several = bool(self._ui.severalModelsCheckBox.checked)
        ticked = tuple(key_of(item) for item in all_items(tree) if several and key_of(item) and is_ticked(item))
        return ModelChoice(selected[0] if selected else "", several, ticked)

    def _tell(self) -> None:
        self._on_choice(self._choice())

    def _on_several(self, several: bool) -> None:
        choice = self._choice()
        # Whoever wants more than one model wants the one he has selected, too.
        self._on_choice(ModelChoice(choice.model, several, (choice.model,) if several and choice.model else ()))

    def _import_folder(self) -> None:
        path = qt.QFileDialog.getExistingDirectory(self._ui.MedAISeg, _("The folder of a model"))
        if path:
            self._on_import(Path(path))

    def _import_file(self) -> None:
        path = qt.QFileDialog.getOpenFileName(self._ui.MedAISeg, _("The file of a model"))
        if path:
            self._on_import(Path(path))

    def _remove(self) -> None:
        card = self._cards.get(self._choice().model)
        if card is None:
            return
        self.messages.ask(
            _("Delete the model {name} from this computer?").format(name=card.name),
            _("Delete"),
            lambda: self._on_remove(card),
        )


def _item(card: ModelCard, palette: Any, *, several: bool) -> Any:
    can_run = card.state is ModelState.READY
    item = tree_item(
        [card.name, state_of(card)],
        tool_tip=card.problem or card.description or card.name,
        checked=False if several and can_run else None,
        key=card.id,
    )
    if not can_run:
        item.setForeground(0, palette.brush(qt.QPalette.Disabled, qt.QPalette.Text))
    return item


def _why_not_removable(card: ModelCard | None) -> str:
    if card is None:
        return _("Select a model first")
    if card.embedded:
        return _("This model comes with the module and stays")
    return _("Deletes the selected model from this computer")
