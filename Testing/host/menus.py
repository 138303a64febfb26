"""The menu of a button, as a user has it before him."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from Testing.host.pythonqt import unwrap


def choose_from_menu(panel, button_name, text):
    """A real click on an entry by its text; the menu is opened below the button."""
    button = unwrap(getattr(panel.ui, button_name))
    assert button.isEnabled(), button_name
    menu = button.menu()
    action = _entry(panel, button_name, text)
    assert action.isEnabled(), f"{text}: {action.toolTip()}"
    menu.popup(button.mapToGlobal(button.rect().bottomLeft()))
    place = menu.actionGeometry(action).center()
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    panel.settle()


def menu_entry(panel, button_name, text):
    """Whether an entry can be chosen, and its tooltip."""
    action = _entry(panel, button_name, text)
    return action.isEnabled(), action.toolTip()


def _entry(panel, button_name, text):
    menu = unwrap(getattr(panel.ui, button_name)).menu()
    (action,) = [action for action in menu.actions() if action.text() == text]
    return action
