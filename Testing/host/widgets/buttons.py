"""ctkPushButton, ctkCheckBox and ctkDirectoryButton."""

from __future__ import annotations

import enum
from typing import Any

from PySide6.QtCore import Property, QDir, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from Testing.host.widgets.properties import held, passed_on, property_of

_CENTRE = int(Qt.AlignmentFlag.AlignHCenter.value | Qt.AlignmentFlag.AlignVCenter.value)
_LEFT = int(Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignVCenter.value)


def _repaint(widget: Any) -> None:
    widget.updateGeometry()
    widget.update()


class ctkPushButton(QPushButton):
    """A push button whose text and icon are placed on their own, and whose text may be elided."""

    buttonTextAlignment = held(int, _CENTRE, _repaint)
    iconAlignment = held(int, _LEFT, _repaint)
    elideMode = held(int, int(Qt.TextElideMode.ElideNone.value), _repaint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def minimumSizeHint(self) -> QSize:
        size = super().minimumSizeHint()
        if self.elideMode != Qt.TextElideMode.ElideNone.value:
            size.setWidth(self.iconSize().width() + self.fontMetrics().horizontalAdvance("…") + 16)
        return size

    def paintEvent(self, event: Any) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        text, option.text, option.icon = option.text, "", QIcon()
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        place = self.rect().adjusted(6, 2, -6, -2)
        if not self.icon().isNull():
            mode = QIcon.Mode.Normal if self.isEnabled() else QIcon.Mode.Disabled
            pixmap = self.icon().pixmap(self.iconSize(), mode)
            painter.drawItemPixmap(place, self.iconAlignment, pixmap)
            if self.iconAlignment & Qt.AlignmentFlag.AlignLeft.value:
                place.setLeft(place.left() + self.iconSize().width() + 4)
        shown = self.fontMetrics().elidedText(text, Qt.TextElideMode(self.elideMode), place.width())
        flags = self.buttonTextAlignment | Qt.TextFlag.TextShowMnemonic.value
        role = self.foregroundRole()
        self.style().drawItemText(painter, place, flags, self.palette(), self.isEnabled(), shown, role)
        painter.end()


class ctkCheckBox(QCheckBox):
    """A check box whose mark may be an icon."""

    indicatorIcon = held(QIcon, QIcon(), _repaint)
    indicatorIconSize = held(QSize, QSize(-1, -1), _repaint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def paintEvent(self, event: Any) -> None:
        if self.indicatorIcon.isNull():
            super().paintEvent(event)
            return
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        place = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        if not self.indicatorIconSize.isEmpty():
            place.setSize(self.indicatorIcon.actualSize(self.indicatorIconSize))
        state = QIcon.State.Off if self.isChecked() else QIcon.State.On
        mode = QIcon.Mode.Normal if self.isEnabled() else QIcon.Mode.Disabled
        pixmap: QPixmap = self.indicatorIcon.pixmap(place.size(), mode, state)
        painter.drawItemPixmap(place, Qt.AlignmentFlag.AlignHCenter.value, pixmap)
        option.rect = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, self)
        painter.drawControl(QStyle.ControlElement.CE_CheckBoxLabel, option)
        painter.end()


class ctkDirectoryButton(QWidget):
    """A button that shows a directory and opens a dialog for another."""

    class Option(enum.IntFlag):
        ShowDirsOnly = 0x01
        DontResolveSymlinks = 0x02
        DontConfirmOverwrite = 0x04
        DontUseSheet = 0x08
        DontUseNativeDialog = 0x10
        ReadOnly = 0x20
        HideNameFilterDetails = 0x40

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._directory = QDir()
        self._text = ""
        self._button = ctkPushButton(self)
        self._button.elideMode = int(Qt.TextElideMode.ElideMiddle.value)
        self._button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._button.setIcon(self.style().standardIcon(QStyle.StandardPixmap.SP_DirIcon))
        self._button.clicked.connect(lambda *_: self.browse())
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._button)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._show()

    acceptMode = held(int, int(QFileDialog.AcceptMode.AcceptOpen.value))
    caption = held(str, "")
    options = held(int, int(Option.ShowDirsOnly))
    icon = passed_on(QIcon, "_button", "icon", "setIcon")
    elideMode = property_of(int, "_button", "elideMode")

    def _show(self) -> None:
        self._button.setText(self._text or self._directory.absolutePath())

    def _shown_text(self) -> str:
        return self._text

    def _set_text(self, text: str) -> None:
        self._text = text
        self._show()

    text = Property(str, _shown_text, _set_text)

    def _path(self) -> str:
        return self._directory.path()

    def _set_path(self, path: str) -> None:
        chosen = QDir(path)
        same = chosen == self._directory
        if not same:
            self._directory = QDir(chosen.absolutePath())
            self._show()
        self.directorySelected.emit(chosen.absolutePath())
        if not same:
            self.directoryChanged.emit(chosen.absolutePath())

    directory = Property(str, _path, _set_path, user=True)

    def browse(self) -> str:
        title = self.caption or self.toolTip()
        path = QFileDialog.getExistingDirectory(self, title, self._path(), QFileDialog.Option(self.options))
        if path:
            self._set_path(path)
        return path
