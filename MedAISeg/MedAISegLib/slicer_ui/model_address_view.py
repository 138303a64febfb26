"""The line for a web address, there while it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class AddressView:
    """Below the buttons of the Model section.

    Args:
        on_address: gets what the user has typed.
    """

    def __init__(self, ui: Any, on_address: Callable[[str], None]) -> None:
        self._ui, self._on_address = ui, on_address
        ui.installAddressButton.connect("clicked()", self._install)
        ui.addressEdit.connect("returnPressed()", self._install)
        ui.addressEdit.connect("textChanged(QString)", self._typed)
        ui.closeAddressButton.connect("clicked()", self.close)

    def open(self) -> None:
        """Ask for an address."""
        self._ui.addressFrame.setVisible(True)
        self._typed()
        self._ui.addressEdit.setFocus()

    def close(self) -> None:
        self._ui.addressFrame.setVisible(False)
        self._ui.addressEdit.clear()

    def _typed(self, _text: str = "") -> None:
        self._ui.installAddressButton.enabled = "://" in self._ui.addressEdit.text

    def _install(self) -> None:
        url = self._ui.addressEdit.text.strip()
        if "://" in url:
            self.close()
            self._on_address(url)
