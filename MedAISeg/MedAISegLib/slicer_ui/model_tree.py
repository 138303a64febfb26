"""The list of models: those of this computer first, then what the publishers offer, each grouped by kind of image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import qt

from ..models.card import ModelCard, ModelState
from .items import all_items, fit_height, is_ticked, key_of, silent, stretch_first_column, tree_item
from .model_card_text import state_of
from .texts import _, readable_modality

_AT_LEAST, _AT_MOST = 4, 9


class ModelTree:
    """Fills ``modelTree``, finds in it what ``modelSearchBox`` asks for, and tells what is selected and ticked."""

    def __init__(self, ui: Any) -> None:
        self._tree, self._search = ui.modelTree, ui.modelSearchBox
        self._cards: dict[str, ModelCard] = {}
        self._shown: tuple[object, ...] = ()
        self._folded: dict[str, bool] = {}
        stretch_first_column(self._tree)
        self._tree.connect("itemExpanded(QTreeWidgetItem*)", self._remember_folds)
        self._tree.connect("itemCollapsed(QTreeWidgetItem*)", self._remember_folds)

    @property
    def selected(self) -> str:
        """The id of the selected model; empty for none."""
        return next((key_of(item) for item in self._tree.selectedItems()), "")

    @property
    def ticked(self) -> tuple[str, ...]:
        return tuple(key_of(item) for item in all_items(self._tree) if key_of(item) and is_ticked(item))

    def fill(self, cards: Sequence[ModelCard], *, several: bool) -> None:
        """Show these models, with ticks where several may run."""
        if (tuple(cards), several) == self._shown:
            return
        self._shown = (tuple(cards), several)
        self._cards = {card.id: card for card in cards}
        with silent(self._tree):
            self._tree.clear()
            for title, members in _groups(cards):
                group = tree_item([title, ""], tool_tip=title, key="")
                group.setFlags(qt.Qt.ItemIsEnabled)
                group.setData(0, qt.Qt.UserRole + 1, title)
                self._tree.addTopLevelItem(group)
                group.setFirstColumnSpanned(True)
                for card in members:
                    group.addChild(_item(card, self._tree.palette, several=several))
        self.search()

    def mark(self, selected: str, ticked: Sequence[str]) -> None:
        """Show what is chosen."""
        with silent(self._tree):
            for item in all_items(self._tree):
                card = self._cards.get(key_of(item))
                if card is None:
                    continue
                if card.id == selected and not item.isSelected():
                    self._reveal(item)
                    self._tree.setCurrentItem(item)
                if item.checkState(0) != _tick(card.id in ticked) and _can_be_ticked(item):
                    item.setCheckState(0, _tick(card.id in ticked))

    def show_states(self, states: Mapping[str, str]) -> None:
        """Show in what state the models are; ``states`` are words for those with which something goes on."""
        with silent(self._tree):
            for item in all_items(self._tree):
                card = self._cards.get(key_of(item))
                state = (states.get(card.id) or state_of(card)) if card is not None else item.text(1)
                if item.text(1) != state:
                    item.setText(1, state)

    def search(self) -> None:
        """Show only the models that mention what is searched for, and what they belong to unfolded."""
        words = self._search.text
        with silent(self._tree):
            for row in range(self._tree.topLevelItemCount):
                group = self._tree.topLevelItem(row)
                shown = 0
                for n in range(group.childCount()):
                    item = group.child(n)
                    is_shown = self._cards[key_of(item)].mentions(words)
                    item.setHidden(not is_shown)
                    shown += is_shown
                group.setHidden(shown == 0)
                title = str(group.data(0, qt.Qt.UserRole + 1))
                is_here = self._is_here(group)
                group.setText(0, title if is_here else f"{title} ({shown})")
                group.setExpanded(bool(words) or not self._folded.get(title, not is_here))
        fit_height(self._tree, at_least=_AT_LEAST, at_most=_AT_MOST)

    def _is_here(self, group: Any) -> bool:
        return self._cards[key_of(group.child(0))].is_here

    def _remember_folds(self, group: Any) -> None:
        """What the user folds stays folded when the list is filled anew; while he searches everything is unfolded."""
        if not self._search.text:
            self._folded[str(group.data(0, qt.Qt.UserRole + 1))] = not group.isExpanded()
            fit_height(self._tree, at_least=_AT_LEAST, at_most=_AT_MOST)

    def _reveal(self, item: Any) -> None:
        if not item.parent().isExpanded():
            item.parent().setExpanded(True)


def _groups(cards: Sequence[ModelCard]) -> list[tuple[str, list[ModelCard]]]:
    by_place: dict[tuple[int, str], list[ModelCard]] = {}
    for card in sorted(cards, key=lambda card: card.name.casefold()):
        place = 2 if card.state is ModelState.RESTRICTED else 0 if card.is_here else 1
        by_place.setdefault((place, card.modality if place < 2 else ""), []).append(card)
    return [(_title(*key), by_place[key]) for key in sorted(by_place)]


def _title(place: int, modality: str) -> str:
    if place == 0:
        return readable_modality(modality)
    if place == 1:
        return _("{modality}, to download").format(modality=readable_modality(modality))
    return _("Handed out by their publishers only")


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


def _can_be_ticked(item: Any) -> bool:
    return bool(int(item.flags()) & int(qt.Qt.ItemIsUserCheckable))


def _tick(is_ticked: bool) -> Any:
    return qt.Qt.Checked if is_ticked else qt.Qt.Unchecked
