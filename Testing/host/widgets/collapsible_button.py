"""ctkCollapsibleButton: a button with an arrow whose contents fold away below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Property, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QSizePolicy,
    QStyle,
    QStyleOption,
    QStyleOptionButton,
    QStyleOptionFrame,
    QWidget,
)

from Testing.host.widgets.collapsing import HidesChildren
from Testing.host.widgets.properties import held

if TYPE_CHECKING:
    from slicer_core import vtkMRMLScene

_LEFT = int(Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignVCenter.value)


def _repaint(widget: Any) -> None:
    widget.update()


class ctkCollapsibleButton(HidesChildren, QAbstractButton):
    """Checked is open. https://commontk.org, Libs/Widgets/ctkCollapsibleButton."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._collapsed = False
        self._height_limit = self.maximumHeight()
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._button_size().height(), 0, 0)
        self.setBackgroundRole(QPalette.ColorRole.Window)
        self.toggled.connect(self._on_toggled)

    collapsedHeight = held(int, 14, lambda widget: widget.updateGeometry())
    flat = held(bool, False, _repaint)
    contentsFrameShape = held(int, 0)
    contentsFrameShadow = held(int, 16)
    contentsLineWidth = held(int, 1)
    contentsMidLineWidth = held(int, 0)
    buttonTextAlignment = held(int, _LEFT, _repaint)
    indicatorAlignment = held(int, _LEFT, _repaint)

    def _is_collapsed(self) -> bool:
        return self._collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        if self.isCheckable():
            self.setChecked(not collapsed)
        else:
            self.collapse(collapsed)

    collapsed = Property(bool, _is_collapsed, _set_collapsed)

    def _on_toggled(self, checked: bool) -> None:
        if self.isCheckable():
            self.collapse(not checked)

    @Slot(bool)
    def collapse(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        if collapsed:
            self._height_limit = self.maximumHeight()
            self.setMaximumHeight(self.sizeHint().height())
        else:
            self.setMaximumHeight(self._height_limit)
            self.updateGeometry()
        self._show_or_hide_children()
        parent = self.parentWidget()
        if not collapsed and (parent is None or parent.layout() is None):
            self.resize(self.sizeHint())
        else:
            self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _indicator_size(self, option: QStyleOption) -> QSize:
        style = self.style()
        return QSize(
            style.pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth, option, self),
            style.pixelMetric(QStyle.PixelMetric.PM_IndicatorHeight, option, self),
        )

    def _button_size(self) -> QSize:
        option = QStyleOptionButton()
        option.initFrom(self)
        indicator = self._indicator_size(option)
        spacing = self.style().pixelMetric(QStyle.PixelMetric.PM_CheckBoxLabelSpacing, option, self)
        text = self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic.value, self.text() or "XXXX")
        width = indicator.width() + spacing + (text.width() if self.text() else 0)
        size = QSize(width, max(indicator.height(), text.height()))
        return self.style().sizeFromContents(QStyle.ContentsType.CT_PushButton, option, size, self)

    def sizeHint(self) -> QSize:
        button = self._button_size()
        folded = button + QSize(0, self.collapsedHeight)
        return folded if self._collapsed else super().sizeHint().expandedTo(folded)

    def minimumSizeHint(self) -> QSize:
        button = self._button_size()
        if self._collapsed:
            return button + QSize(0, self.collapsedHeight)
        return button if self.layout() is None else super().minimumSizeHint().expandedTo(button)

    def hitButton(self, position: QPoint) -> bool:
        return QRect(0, 0, self.width(), self._button_size().height()).contains(position)

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        button = QRect(0, 0, self.width(), self._button_size().height())
        self._paint_button(painter, button)
        self._paint_frame(painter, QRect(0, button.height(), self.width(), self.height() - button.height()))
        painter.end()

    def _paint_button(self, painter: QPainter, button: QRect) -> None:
        style = self.style()
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = button
        option.state |= QStyle.StateFlag.State_Sunken if self.isDown() else QStyle.StateFlag.State_Raised
        if self.flat:
            option.features |= QStyleOptionButton.ButtonFeature.Flat
        style.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        size = self._indicator_size(option)
        arrow = QStyleOption()
        arrow.initFrom(self)
        margin = (button.height() - size.width()) // 2
        right = bool(self.indicatorAlignment & Qt.AlignmentFlag.AlignRight.value)
        left = button.width() - margin - size.width() if right else margin
        arrow.rect = QRect(left, (button.height() - size.height()) // 2, size.width(), size.height())
        shape = QStyle.PrimitiveElement
        which = shape.PE_IndicatorArrowRight if self._collapsed else shape.PE_IndicatorArrowDown
        style.drawPrimitive(which, arrow, painter, self)
        spacing = style.pixelMetric(QStyle.PixelMetric.PM_CheckBoxLabelSpacing, option, self)
        text = button.adjusted(margin if right else arrow.rect.right() + spacing, 0, -margin, 0)
        flags = self.buttonTextAlignment | Qt.TextFlag.TextShowMnemonic.value
        role = QPalette.ColorRole.ButtonText
        style.drawItemText(painter, text, flags, option.palette, self.isEnabled(), self.text(), role)

    def _paint_frame(self, painter: QPainter, contents: QRect) -> None:
        option = QStyleOptionFrame()
        option.initFrom(self)
        option.rect = contents
        option.frameShape = QFrame.Shape(self.contentsFrameShape)
        option.lineWidth, option.midLineWidth = self.contentsLineWidth, self.contentsMidLineWidth
        self.style().drawControl(QStyle.ControlElement.CE_ShapedFrame, option, painter, self)


class qMRMLCollapsibleButton(ctkCollapsibleButton):
    """Passes a scene on to what stands in it."""

    CXX_SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)
