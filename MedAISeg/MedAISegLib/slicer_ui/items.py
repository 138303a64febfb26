"""Small things that every list of the panel needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import qt

from .texts import as_written

_SQUARE = 12


def tree_item(texts: Sequence[str], *, tool_tip: str = "", checked: bool | None = None, key: str = "") -> Any:
    """A ``QTreeWidgetItem`` that can be selected; with a tick where ``checked`` is a truth value."""
    item = qt.QTreeWidgetItem(list(texts))
    flags = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable
    if checked is not None:
        item.setFlags(flags | qt.Qt.ItemIsUserCheckable)
        item.setCheckState(0, qt.Qt.Checked if checked else qt.Qt.Unchecked)
    else:
        item.setFlags(flags)
    for column, text in enumerate(texts):
        item.setToolTip(column, as_written(tool_tip or text))
    item.setData(0, qt.Qt.UserRole, key)
    return item


def key_of(item: Any) -> str:
    """What an item stands for; empty for none."""
    return str(item.data(0, qt.Qt.UserRole) or "") if item is not None else ""


def all_items(tree: Any) -> Iterator[Any]:
    """Every item of a ``QTreeWidget``, parents before their children."""
    for row in range(tree.topLevelItemCount):
        top = tree.topLevelItem(row)
        yield top
        for child in range(top.childCount()):
            yield top.child(child)


def is_ticked(item: Any) -> bool:
    return bool(item.checkState(0) == qt.Qt.Checked)


def colour_icon(color_rgb: tuple[int, int, int]) -> Any:
    """A square of a colour."""
    pixmap = qt.QPixmap(_SQUARE, _SQUARE)
    pixmap.fill(qt.QColor(*color_rgb))
    return qt.QIcon(pixmap)


def stretch_first_column(tree: Any) -> None:
    """The first column takes what the others leave."""
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
    for column in range(1, tree.columnCount):
        header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)


def fit_height(tree: Any, *, at_least: int, at_most: int) -> None:
    """As many rows as there are, within limits: an almost empty list should not fill the panel."""
    rows = sum(1 for item in all_items(tree) if not item.isHidden() and _is_unfolded(item))
    row_height = max(tree.sizeHintForRow(0), tree.fontMetrics().height() + 4)
    header = 0 if tree.headerHidden else tree.header().sizeHint.height()
    tree.setFixedHeight(header + row_height * min(max(rows, at_least), at_most) + 2 * tree.frameWidth + 2)


def _is_unfolded(item: Any) -> bool:
    """Whether what an item belongs to is open."""
    above = item.parent()
    return above is None or bool(above.isExpanded())


class Switch:
    """Widgets that have nothing to do at times: they are off then, and their tooltips say why."""

    def __init__(self, *widgets: Any) -> None:
        self._usual = [(widget, widget.toolTip) for widget in widgets]

    def set(self, why_not: str, *, enabled: bool = True) -> None:
        """Off for a reason; without one on, with the usual tooltip, or off where there is nothing to say."""
        for widget, usual in self._usual:
            widget.enabled = enabled and not why_not
            widget.toolTip = as_written(why_not) or usual


@contextmanager
def silent(*widgets: Any) -> Iterator[None]:
    """Widgets are filled without saying so."""
    before = [widget.blockSignals(True) for widget in widgets]
    try:
        yield
    finally:
        for widget, was_blocked in zip(widgets, before, strict=True):
            widget.blockSignals(was_blocked)
