"""The classes of images and how probable they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

from ..core.classification import ClassProbability, ImageClasses
from .items import fit_height, stretch_first_column, tree_item
from .texts import _

_MOST_UNFOLDED = 3
"""Images whose classes are shown at once; of more, only the most probable class is."""


class ClassView:
    """``classTree``: below each image its classes in the model's order, the most probable in bold."""

    def __init__(self, ui: Any) -> None:
        self._tree = ui.classTree
        self._shown: tuple[ImageClasses, ...] | None = None
        stretch_first_column(self._tree)
        for signal in ("itemExpanded(QTreeWidgetItem*)", "itemCollapsed(QTreeWidgetItem*)"):
            self._tree.connect(signal, lambda _item: self._fit())

    def show(self, images: tuple[ImageClasses, ...]) -> None:
        """Show the classes of images; nothing is to be seen where there are none."""
        self._tree.setVisible(bool(images))
        if images == self._shown:
            return
        self._shown = images
        self._tree.clear()
        is_unfolded = len(images) <= _MOST_UNFOLDED
        for image in images:
            top = tree_item([image.image, "" if is_unfolded else f"{image.best.name}  {readable(image.best)}"])
            self._tree.addTopLevelItem(top)
            for found in image.classes:
                top.addChild(_line(found, is_best=found is image.best))
            top.setExpanded(is_unfolded)
        self._fit()

    def _fit(self) -> None:
        fit_height(self._tree, at_least=3, at_most=14)


def class_table(images: Sequence[ImageClasses]) -> str:
    """A row an image and a column a class, as tab-separated lines for a spreadsheet."""
    lines = [[_("Image"), _("Best"), *(found.name for found in images[0].classes)]] if images else []
    lines += [
        [image.image, image.best.name, *(f"{found.probability:.6g}" for found in image.classes)] for image in images
    ]
    return "\n".join("\t".join(cell.replace("\t", " ") for cell in line) for line in lines)


def readable(found: ClassProbability) -> str:
    """``97.3 %``"""
    return f"{100 * found.probability:.1f} %"


def _line(found: ClassProbability, *, is_best: bool) -> Any:
    item = tree_item([found.name, readable(found)])
    item.setTextAlignment(1, qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    if is_best:
        for column in (0, 1):
            font = item.font(column)
            font.setBold(True)
            item.setFont(column, font)
    return item
