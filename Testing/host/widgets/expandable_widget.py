"""ctkExpandableWidget: a frame that the user makes larger by a grip in its corner."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QSize, Qt, Slot
from PySide6.QtWidgets import QFrame, QSizeGrip, QWidget

from Testing.host.widgets.properties import held

_BOTH = Qt.Orientation.Horizontal.value | Qt.Orientation.Vertical.value


class _Grip(QSizeGrip):
    """Qt's own grip would resize the window; this one tells its frame."""

    def mousePressEvent(self, event: Any) -> None:
        """Where it was pressed does not matter: the corner follows the mouse."""

    def mouseMoveEvent(self, event: Any) -> None:
        frame = self.parentWidget()
        corner = self.mapTo(frame, event.position().toPoint())
        frame._expand_to(QSize(corner.x(), corner.y()))

    def mouseReleaseEvent(self, event: Any) -> None:
        """The size that was dragged stays."""


class ctkExpandableWidget(QFrame):
    """The size that it was dragged to is its size hint, along the orientations in which it may grow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grip = _Grip(self)
        self._hint = QSize()

    sizeGripInside = held(bool, True, lambda widget: widget._place_grip())
    sizeGripMargins = held(QSize, QSize(0, 0), lambda widget: widget._place_grip())
    _directions = _BOTH

    def _orientations(self) -> int:
        return int(self._directions)

    def _set_orientations(self, orientations: int) -> None:
        self._directions = orientations

    orientations = Property(int, _orientations, _set_orientations)

    def _place_grip(self) -> None:
        size, margins = self._grip.sizeHint(), self.sizeGripMargins
        self._grip.move(self.width() - size.width() - margins.width(), self.height() - size.height() - margins.height())

    def _expand_to(self, size: QSize) -> None:
        self._hint = size.expandedTo(self.minimumSizeHint())
        self.updateSizeHint()

    @Slot()
    def updateSizeHint(self) -> None:
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        if self._hint.isValid() and self._directions & Qt.Orientation.Horizontal.value:
            hint.setWidth(self._hint.width())
        if self._hint.isValid() and self._directions & Qt.Orientation.Vertical.value:
            hint.setHeight(self._hint.height())
        return hint

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._place_grip()
        self._grip.raise_()
