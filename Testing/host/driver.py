"""What a test does in the user's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QRadioButton, QWidget

from .application.loop import gil, process_events, spin, wait_until
from .application.screenshot import panel_picture, screenshot
from .pythonqt import unwrap

__all__ = [
    "click",
    "from_the_loop",
    "gil",
    "panel_picture",
    "process_events",
    "screenshot",
    "spin",
    "type_text",
    "wait_until",
]


def click(button: Any) -> None:
    """A real click of the left mouse button.

    Raises:
        AssertionError: if the user could not click it, for it is disabled or hidden.
    """
    native: QWidget = unwrap(button)
    assert native.isEnabled(), f"{native.objectName() or native} is disabled: {native.toolTip()}"
    assert native.isVisible(), f"{native.objectName() or native} is not visible"
    place = native.rect().center()
    if isinstance(native, (QCheckBox, QRadioButton)):
        place = QPoint(10, native.height() // 2)
    elif not isinstance(native, QAbstractButton):
        place = QPoint(min(15, native.width() // 2), min(10, native.height() // 2))
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    process_events()


def type_text(widget: Any, text: str) -> None:
    """Types into a widget, key by key."""
    native: QWidget = unwrap(widget)
    native.setFocus()
    QTest.keyClicks(native, text)
    process_events()


def from_the_loop(act: Callable[[], object]) -> None:
    """Call as a button does it: what is deleted later is deleted when the loop that has called goes on."""
    done: list[object] = []
    QTimer.singleShot(0, lambda: done.append(act()))
    wait_until(lambda: done, timeout=200)
    spin(0.2)
