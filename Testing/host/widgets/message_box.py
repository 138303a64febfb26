"""ctkMessageBox: a message box that can be told not to come again."""

from __future__ import annotations

from PySide6.QtCore import Property, QSettings, QTimer
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QMessageBox, QSizePolicy, QWidget

_ACCEPT = QMessageBox.ButtonRole.AcceptRole
_NONE = QMessageBox.ButtonRole.InvalidRole.value


class ctkMessageBox(QMessageBox):
    """The button that was taken last time is in the settings; told not to come again, the box presses it itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = ""
        self._roles = [_ACCEPT]
        self._again = QCheckBox("Don't show this message again", self)
        self._again.setObjectName("ctk_msgbox_dontshowcheckbox")
        self._again.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)
        self._again.hide()
        self.finished.connect(self._on_finished)

    def _is_silenced(self) -> bool:
        return self._again.isChecked()

    def setDontShowAgain(self, silenced: bool) -> None:
        self._again.setChecked(silenced)

    dontShowAgain = Property(bool, _is_silenced, setDontShowAgain)

    def _offers(self) -> bool:
        return self._again.isVisibleTo(self)

    def _offer(self, visible: bool) -> None:
        self._again.setVisible(visible)
        if not visible:
            return
        accepting = self._button_of(_ACCEPT.value)
        if accepting is not None and accepting.text():
            self._again.setText(f"Don't show this message again and always {accepting.text()}")
        self.setCheckBox(self._again)

    dontShowAgainVisible = Property(bool, _offers, _offer)

    def _settings_key(self) -> str:
        return self._key

    def _set_settings_key(self, key: str) -> None:
        if key == self._key:
            return
        self._key = key
        if key:
            self._again.setChecked(self._kept_button() != _NONE)
        self._offer(bool(key))

    dontShowAgainSettingsKey = Property(str, _settings_key, _set_settings_key)

    def addDontShowAgainButtonRole(self, role: QMessageBox.ButtonRole) -> None:
        if role not in self._roles:
            self._roles.append(role)

    def _kept_button(self) -> int:
        return int(str(QSettings().value(self._key, _NONE)))

    def _button_of(self, number: int) -> QAbstractButton | None:
        if not self.buttons() and number != _NONE:
            self.addButton(QMessageBox.StandardButton.Ok)
        if number > 0 and self.standardButtons().value & number:
            return self.button(QMessageBox.StandardButton(number))
        return next((button for button in self.buttons() if self.buttonRole(button).value == number), None)

    def _on_finished(self, _result: int) -> None:
        clicked = self.clickedButton()
        if not self._key or clicked is None or self.buttonRole(clicked) not in self._roles:
            return
        standard = self.standardButton(clicked)
        known = standard != QMessageBox.StandardButton.NoButton
        number = standard.value if known else self.buttonRole(clicked).value
        QSettings().setValue(self._key, number if self._again.isChecked() else _NONE)

    def setVisible(self, visible: bool) -> None:
        if visible and self._again.isChecked():
            kept = self._kept_button() if self._key else _NONE
            button = self._button_of(kept if kept != _NONE else _ACCEPT.value)
            if button is not None:
                QTimer.singleShot(0, button.click)
                return
        super().setVisible(visible)
