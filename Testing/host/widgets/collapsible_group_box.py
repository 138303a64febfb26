"""ctkCollapsibleGroupBox: a group box whose check mark is an arrow that folds its contents away."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QSize, Slot
from PySide6.QtWidgets import QGroupBox, QProxyStyle, QStyle, QStyleOptionGroupBox, QWidget

from Testing.host.widgets.collapsing import HidesChildren
from Testing.host.widgets.properties import held


class _ArrowStyle(QProxyStyle):
    """Draws an arrow in place of the check mark of the one group box it is set on."""

    def drawPrimitive(self, element: Any, option: Any, painter: Any, widget: Any = None) -> None:
        if element == QStyle.PrimitiveElement.PE_IndicatorCheckBox and isinstance(widget, QGroupBox):
            arrows = QStyle.PrimitiveElement
            element = arrows.PE_IndicatorArrowDown if widget.isChecked() else arrows.PE_IndicatorArrowRight
        super().drawPrimitive(element, option, painter, widget)

    def pixelMetric(self, metric: Any, option: Any = None, widget: Any = None) -> int:
        if metric == QStyle.PixelMetric.PM_IndicatorHeight and isinstance(widget, QGroupBox):
            return int(widget.fontMetrics().height())
        return int(super().pixelMetric(metric, option, widget))


class ctkCollapsibleGroupBox(HidesChildren, QGroupBox):
    """Checked is open. https://commontk.org, Libs/Widgets/ctkCollapsibleGroupBox."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._open_size = QSize()
        self.setCheckable(True)
        self.toggled.connect(self.expand)
        self._height_limit = self.maximumHeight()
        self._arrow_style = _ArrowStyle(self.style().name())
        self._arrow_style.setParent(self)
        self.setStyle(self._arrow_style)

    collapsedHeight = held(int, 14)

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _is_collapsed, _set_collapsed)

    @Slot(bool)
    def expand(self, expand: bool) -> None:
        if not expand:
            self._open_size = self.size()
        self._show_or_hide_children()
        if expand:
            self.setMaximumHeight(self._height_limit)
            self.resize(self._open_size)
            return
        self._height_limit = self.maximumHeight()
        option = QStyleOptionGroupBox()
        self.initStyleOption(option)
        label = self.style().subControlRect(
            QStyle.ComplexControl.CC_GroupBox, option, QStyle.SubControl.SC_GroupBoxLabel, self
        )
        self.setMaximumHeight(label.height() + self.collapsedHeight)
