"""ctkColorPickerButton: a button that shows a colour and opens a dialog for another."""

from __future__ import annotations

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QPushButton, QWidget

from Testing.host.widgets.icons import swatch
from Testing.host.widgets.properties import held


class ctkColorPickerButton(QPushButton):
    colorChanged = Signal(QColor)
    colorNameChanged = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour = QColor("black")
        self._name = ""
        self.clicked.connect(lambda *_: self.changeColor())
        self._show()

    displayColorName = held(bool, True, lambda button: button._show())

    def setDisplayColorName(self, displayed: bool) -> None:
        self.displayColorName = displayed

    def _show(self) -> None:
        self.setIcon(swatch(self._colour.redF(), self._colour.greenF(), self._colour.blueF()))
        self.setText((self._name or self._colour.name()) if self.displayColorName else "")

    def _current(self) -> QColor:
        return self._colour

    def setColor(self, colour: QColor) -> None:
        if colour != self._colour:
            self._colour = QColor(colour)
            self._show()
            self.colorChanged.emit(self._colour)

    color = Property(QColor, _current, setColor, user=True)

    def _colour_name(self) -> str:
        return self._name

    def _set_colour_name(self, name: str) -> None:
        if name != self._name:
            self._name = name
            self._show()
            self.colorNameChanged.emit(name)

    colorName = Property(str, _colour_name, _set_colour_name)

    @Slot()
    def changeColor(self) -> None:
        colour = QColorDialog.getColor(self._colour, self)
        if colour.isValid():
            self.setColor(colour)
