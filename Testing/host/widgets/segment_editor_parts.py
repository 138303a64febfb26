"""How the Segment Editor looks: selectors, buttons, effects, the table of segments, undo and redo."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from Testing.host.widgets.icons import icon, lettered
from Testing.host.widgets.node_combo_box import qMRMLNodeComboBox
from Testing.host.widgets.segments_table_view import qMRMLSegmentsTableView
from Testing.host.widgets.show_3d_button import qMRMLSegmentationShow3DButton

EFFECTS = (
    "Paint", "Erase", "Scissors", "Draw", "Fill between slices", "Grow from seeds", "Hollow", "Islands",
    "Level tracing", "Logical operators", "Margin", "Mask volume", "Smoothing", "Threshold",
)  # fmt: skip
_ORDER = (
    "Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds", "Fill between slices", "Margin",
    "Hollow", "Smoothing", "Scissors", "Islands", "Logical operators", "Mask volume",
)  # fmt: skip


class Parts:
    """The widgets of an editor, laid out in it."""

    def __init__(self, editor: QWidget) -> None:
        self.segmentation = _selector(editor, "vtkMRMLSegmentationNode", "SegmentationNodeComboBox")
        self.segmentation.addEnabled = True
        self.segmentation.renameEnabled = True
        self.source = _selector(editor, "vtkMRMLScalarVolumeNode", "SourceVolumeNodeComboBox")
        self.geometry = QToolButton(editor)
        self.geometry.setIcon(icon("cube"))
        self.add = QPushButton(icon("plus"), "Add", editor)
        self.add.setObjectName("AddSegmentButton")
        self.remove = QPushButton(icon("minus"), "Remove", editor)
        self.remove.setObjectName("RemoveSegmentButton")
        self.show_3d = qMRMLSegmentationShow3DButton(editor)
        self.show_3d.setObjectName("Show3DButton")
        self.switch = QToolButton(editor)
        self.switch.setIcon(icon("arrow"))
        self.effects = QGroupBox(editor)
        self.effect_grid = QGridLayout(self.effects)
        self.effect_buttons = QButtonGroup(self.effects)
        self.table = qMRMLSegmentsTableView(editor)
        self.table.setObjectName("SegmentsTableView")
        self.undo_box = QGroupBox(editor)
        self.undo, self.redo = QToolButton(self.undo_box), QToolButton(self.undo_box)
        self._dress(editor)
        self._lay_out(editor)

    def _dress(self, editor: QWidget) -> None:
        for button, name, text in ((self.undo, "UndoButton", "Undo"), (self.redo, "RedoButton", "Redo")):
            button.setObjectName(name)
            button.setToolTip(text)
            button.setEnabled(False)
            button.setIconSize(QSize(22, 22))
        self.undo.setIcon(editor.style().standardIcon(QStyle.StandardPixmap.SP_ArrowBack))
        self.redo.setIcon(editor.style().standardIcon(QStyle.StandardPixmap.SP_ArrowForward))
        for button in (self.add, self.remove, self.switch):
            button.setEnabled(False)
        self.effects.setEnabled(False)
        single = 1  # QAbstractItemView::SingleSelection
        self.table.setSelectionMode(single)
        self.table.setHeaderVisible(True)
        self.table.setOpacityColumnVisible(False)

    def _lay_out(self, editor: QWidget) -> None:
        rows = QVBoxLayout(editor)
        rows.setContentsMargins(0, 0, 0, 0)
        form = QFormLayout()
        self.segmentation_label, self.source_label = "Segmentation:", "Source volume:"
        form.addRow(self.segmentation_label, self.segmentation)
        source = QHBoxLayout()
        source.addWidget(self.source)
        source.addWidget(self.geometry)
        form.addRow(self.source_label, source)
        self.form = form
        rows.addLayout(form)
        buttons = QHBoxLayout()
        for button in (self.add, self.remove, self.show_3d, self.switch):
            buttons.addWidget(button)
        rows.addLayout(buttons)
        across = QHBoxLayout()
        left = QVBoxLayout()
        left.addWidget(self.effects)
        undo = QHBoxLayout(self.undo_box)
        undo.addWidget(self.undo)
        undo.addWidget(self.redo)
        left.addWidget(self.undo_box)
        left.addStretch(1)
        across.addLayout(left)
        across.addWidget(self.table, 1)
        rows.addLayout(across)

    def show_effects(self, order: list[str], others: bool, columns: int, style: int) -> None:
        """One button each, those of the order first."""
        for button in self.effect_buttons.buttons():
            self.effect_buttons.removeButton(button)
            self.effect_grid.removeWidget(button)
            button.deleteLater()
        first = [name for name in order if name in EFFECTS]
        rest = [name for name in _ORDER if name not in first] if others else []
        for number, name in enumerate(["None", *first, *rest]):
            button = QToolButton(self.effects)
            button.setObjectName(name)
            button.setToolTip("No editing" if name == "None" else name)
            button.setText(name)
            button.setIcon(lettered("" if name == "None" else name[:2]))
            button.setIconSize(QSize(22, 22))
            button.setCheckable(True)
            button.setChecked(name == "None")
            button.setToolButtonStyle(Qt.ToolButtonStyle(style))
            self.effect_buttons.addButton(button)
            self.effect_grid.addWidget(button, number // columns, number % columns)


def _selector(editor: QWidget, kind: str, name: str) -> Any:
    selector = qMRMLNodeComboBox(editor)
    selector.setObjectName(name)
    selector.nodeTypes = [kind]
    selector.noneEnabled = True
    selector.addEnabled = False
    selector.sizeAdjustPolicy = int(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon.value)
    return selector
