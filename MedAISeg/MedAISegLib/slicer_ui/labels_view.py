"""Which of the structures that the models find are wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt

from ..models.card import ModelCard
from .items import Switch, all_items, colour_icon, fit_height, is_ticked, key_of, silent, tree_item
from .texts import _

_SEPARATOR = "\n"


class LabelsView:
    """The fold with the ticks, in the Output section. ``on_change`` gets the unwanted names by model id."""

    def __init__(self, ui: Any, *, on_change: Callable[[dict[str, tuple[str, ...]]], None]) -> None:
        self._ui, self._on_change = ui, on_change
        self._cards: tuple[ModelCard, ...] = ()
        self._why_none = ""
        self._group = Switch(ui.labelsGroup)
        ui.labelSearchBox.connect("textChanged(QString)", self._filter)
        ui.labelTree.connect("itemChanged(QTreeWidgetItem*,int)", self._tell)
        ui.allLabelsButton.connect("clicked()", lambda: self._tick_shown(ticked=True))
        ui.noLabelsButton.connect("clicked()", lambda: self._tick_shown(ticked=False))

    def show(self, cards: Sequence[ModelCard], unwanted: Mapping[str, tuple[str, ...]], why_none: str) -> None:
        """Show the structures of the models that are to run, or say why they have none."""
        self._why_none = why_none
        self._group.set(why_none)
        if tuple(cards) != self._cards:
            self._cards = tuple(cards)
            self._fill()
        with silent(self._ui.labelTree):
            for item in all_items(self._ui.labelTree):
                model, name = _parts(item)
                if name:
                    wanted = name not in unwanted.get(model, ())
                    item.setCheckState(0, qt.Qt.Checked if wanted else qt.Qt.Unchecked)
        self._count()

    def _fill(self) -> None:
        tree = self._ui.labelTree
        with silent(tree):
            tree.clear()
            for card in self._cards:
                items = []
                for segment in card.segments:
                    item = tree_item([segment.name], checked=True, key=f"{card.id}{_SEPARATOR}{segment.name}")
                    if segment.color_rgb:
                        item.setIcon(0, colour_icon(segment.color_rgb))
                    items.append(item)
                if len(self._cards) == 1:
                    for item in items:
                        tree.addTopLevelItem(item)
                    continue
                group = tree_item([card.name])
                tree.addTopLevelItem(group)
                for item in items:
                    group.addChild(item)
                group.setExpanded(True)
            tree.setRootIsDecorated(len(self._cards) > 1)
        self._filter()

    def _filter(self, _text: str = "") -> None:
        words = self._ui.labelSearchBox.text.casefold().split()
        for item in all_items(self._ui.labelTree):
            name = _parts(item)[1].casefold()
            item.setHidden(bool(name) and not all(word in name for word in words))
        fit_height(self._ui.labelTree, at_least=3, at_most=10)

    def _tick_shown(self, *, ticked: bool) -> None:
        with silent(self._ui.labelTree):
            for item in all_items(self._ui.labelTree):
                if _parts(item)[1] and not item.isHidden():
                    item.setCheckState(0, qt.Qt.Checked if ticked else qt.Qt.Unchecked)
        self._tell()

    def _tell(self) -> None:
        unwanted: dict[str, tuple[str, ...]] = {}
        for item in all_items(self._ui.labelTree):
            model, name = _parts(item)
            if name and not is_ticked(item):
                unwanted[model] = (*unwanted.get(model, ()), name)
        self._count()
        self._on_change(unwanted)

    def _count(self) -> None:
        ticks = [is_ticked(item) for item in all_items(self._ui.labelTree) if _parts(item)[1]]
        wanted, count = sum(ticks), len(ticks)
        if self._why_none:
            self._ui.labelsGroup.setTitle(_("Structures: none"))
            self._ui.labelsFrame.setVisible(True)
            return
        title = _("Structures: all {count}") if wanted == count else _("Structures: {wanted} of {count}")
        self._ui.labelsGroup.setTitle(title.format(wanted=wanted, count=count))
        self._ui.labelsFrame.setVisible(count > 0)


def _parts(item: Any) -> tuple[str, str]:
    """Model id and segment name; empty for a model's own line."""
    model, _separator, name = key_of(item).partition(_SEPARATOR)
    return model, name
