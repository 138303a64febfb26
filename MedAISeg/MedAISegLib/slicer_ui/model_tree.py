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
        self._items: dict[str, Any] = {}
        self._tickable: dict[str, Any] = {}
        self._states: dict[str, str] = {}
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
        self._items, self._tickable, self._states = {}, {}, {}
        with silent(self._tree):
            self._tree.clear()
            for title, members in _groups(cards):
                group = tree_item([title, ""], tool_tip=title, key="")
                group.setFlags(qt.Qt.ItemIsEnabled)
                group.setData(0, qt.Qt.UserRole + 1, title)
                self._tree.addTopLevelItem(group)
                group.setFirstColumnSpanned(True)
                for card in members:
                    item = _item(card, self._tree.palette, several=several)
                    group.addChild(item)
                    self._items[card.id] = item
                    if several and card.state is ModelState.READY:
                        self._tickable[card.id] = item
        self.search()

    def mark(self, selected: str, ticked: Sequence[str]) -> None:
        """Show what is chosen."""
        with silent(self._tree):
            item = self._items.get(selected)
            if item is not None and not item.isSelected():
                item.parent().setExpanded(True)
                self._tree.setCurrentItem(item)
                fit_height(self._tree, at_least=_AT_LEAST, at_most=_AT_MOST)
            for name, item in self._tickable.items():
                if item.checkState(0) != _tick(name in ticked):
                    item.setCheckState(0, _tick(name in ticked))

    def show_states(self, states: Mapping[str, str]) -> None:
        """Show in what state the models are; ``states`` are words for those with which something goes on."""
        with silent(self._tree):
            for name in {*states, *self._states}:
                if name in self._items and states.get(name) != self._states.get(name):
                    self._items[name].setText(1, states.get(name) or state_of(self._cards[name]))
        self._states = dict(states)

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
                is_chosen = any(group.child(n).isSelected() for n in range(group.childCount()))
                group.setExpanded(bool(words) or is_chosen or not self._folded.get(title, not is_here))
        fit_height(self._tree, at_least=_AT_LEAST, at_most=_AT_MOST)

    def _is_here(self, group: Any) -> bool:
        return self._cards[key_of(group.child(0))].is_here

    def _remember_folds(self, group: Any) -> None:
        """What the user folds stays folded when the list is filled anew; while he searches everything is unfolded."""
        if not self._search.text:
            self._folded[str(group.data(0, qt.Qt.UserRole + 1))] = not group.isExpanded()
            fit_height(self._tree, at_least=_AT_LEAST, at_most=_AT_MOST)


def _groups(cards: Sequence[ModelCard]) -> list[tuple[str, list[ModelCard]]]:
    by_place: dict[tuple[int, str], list[ModelCard]] = {}
    for card in sorted(cards, key=lambda card: card.name.casefold()):
        place = 2 if card.state is ModelState.RESTRICTED else 0 if card.is_here else 1
        by_place.setdefault((place, card.modality if place < 2 else ""), []).append(card)
    # What takes any image comes last.
    return [(_title(*key), by_place[key]) for key in sorted(by_place, key=lambda key: (key[0], not key[1], key[1]))]


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
    if not can_run and card.state is not ModelState.TO_DOWNLOAD:
        item.setForeground(0, palette.brush(qt.QPalette.Disabled, qt.QPalette.Text))
    return item


def _tick(is_ticked: bool) -> Any:
    return qt.Qt.Checked if is_ticked else qt.Qt.Unchecked
