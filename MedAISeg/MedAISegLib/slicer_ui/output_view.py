"""Where the segments go, and what of an existing segmentation may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import qt

from ..slicer_io.merge_roles import PlaceMode
from .items import (
    Switch,
    all_items,
    colour_icon,
    fit_height,
    is_ticked,
    key_of,
    silent,
    stretch_first_column,
    tree_item,
)


@dataclass(frozen=True)
class SegmentLine:
    """A segment of the output as it is now.

    Attributes:
        is_fixed: it stays whatever is ticked; ``state`` says why.
    """

    segment_id: str
    name: str
    color_rgb: tuple[int, int, int]
    state: str
    is_fixed: bool


@dataclass(frozen=True)
class OutputChoice:
    """How an existing segmentation is updated."""

    mode: PlaceMode
    overwrite_edited: bool
    kept: tuple[str, ...]


class OutputView:
    """The Output section.

    Args:
        ui: the panel's widgets by name.
        on_node: gets the segmentation node, None for a new one.
        on_change: gets how it is updated.
    """

    def __init__(self, ui: Any, *, on_node: Callable[[Any], None], on_change: Callable[[OutputChoice], None]) -> None:
        self._ui, self._on_change = ui, on_change
        self._lines: tuple[SegmentLine, ...] = ()
        self._selector = Switch(ui.outputSelector)
        stretch_first_column(ui.existingSegmentsTree)
        ui.outputSelector.connect("currentNodeChanged(vtkMRMLNode*)", on_node)
        ui.replaceButton.connect("toggled(bool)", self._tell)
        ui.overwriteEditedCheckBox.connect("toggled(bool)", self._tell)
        ui.existingSegmentsTree.connect("itemChanged(QTreeWidgetItem*,int)", self._tell)

    def show(self, node: Any, lines: Sequence[SegmentLine], choice: OutputChoice) -> None:
        """Show the output, its segments and what may happen to them."""
        ui = self._ui
        if ui.outputSelector.currentNode() is not node:
            with silent(ui.outputSelector):
                ui.outputSelector.setCurrentNode(node)
        ui.existingOutput.setVisible(node is not None)
        with silent(ui.replaceButton, ui.updateButton, ui.overwriteEditedCheckBox):
            (ui.replaceButton if choice.mode is PlaceMode.REPLACE else ui.updateButton).setChecked(True)
            ui.overwriteEditedCheckBox.checked = choice.overwrite_edited
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._fill()
        with silent(ui.existingSegmentsTree):
            for item in all_items(ui.existingSegmentsTree):
                if item.flags() & qt.Qt.ItemIsUserCheckable:
                    item.setCheckState(0, qt.Qt.Unchecked if key_of(item) in choice.kept else qt.Qt.Checked)
        for widget in (ui.existingSegmentsLabel, ui.existingSegmentsTree):
            widget.setVisible(bool(self._lines))

    def allow_choice(self, why_not: str) -> None:
        """Let an existing segmentation be chosen, or say why not."""
        self._selector.set(why_not)

    def _fill(self) -> None:
        tree = self._ui.existingSegmentsTree
        with silent(tree):
            tree.clear()
            for line in self._lines:
                item = tree_item([line.name, line.state], checked=None if line.is_fixed else True, key=line.segment_id)
                item.setIcon(0, colour_icon(line.color_rgb))
                tree.addTopLevelItem(item)
        fit_height(tree, at_least=2, at_most=7)

    def _tell(self) -> None:
        ui = self._ui
        mode = PlaceMode.REPLACE if ui.replaceButton.checked else PlaceMode.UPDATE
        kept = tuple(
            key_of(item)
            for item in all_items(ui.existingSegmentsTree)
            if item.flags() & qt.Qt.ItemIsUserCheckable and not is_ticked(item)
        )
        self._on_change(OutputChoice(mode, bool(ui.overwriteEditedCheckBox.checked), kept))
