"""Modal dialogs in tests: a test says beforehand how the user answers; a dialog that nobody closes fails the test.

An answer is a button's text or standard button, or a function of the dialog (a wrapper), called once the dialog is
shown. File and input dialogs take the value itself. What nobody answers is rejected after ``patience`` seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QAbstractButton, QDialog, QMenu, QMessageBox

from ..pythonqt import LEDGER, NotModelled, unwrap, wrap
from ..pythonqt.members import extra, static_extra
from ..pythonqt.methods import live_native
from .loop import run_dialog, run_loop

patience = 8.0
"""Seconds; a fixture or ``run.py`` may have less."""
Answer = str | int | Callable[[Any], object]
_answers: deque[Any] = deque()
shown: list[str] = []
"""The texts of the dialogs that were shown, for a test to read."""


def answer(*answers: Any) -> None:
    """How the next dialogs are answered, one each."""
    _answers.extend(answers)


def forget_answers() -> None:
    _answers.clear()
    shown.clear()


def unused_answers() -> int:
    return len(_answers)


def execute(dialog: QDialog) -> int:
    """Runs a dialog as ``exec_`` does, with the answer that waits for it."""
    shown.append(_text(dialog))
    watch = QTimer()
    watch.setSingleShot(True)
    watch.timeout.connect(lambda: shiboken6.isValid(dialog) and _give_up(dialog))
    watch.start(int(patience * 1000))
    if _answers:
        given = _answers.popleft()
        QTimer.singleShot(0, dialog, lambda: _apply(dialog, given))
    result = run_dialog(dialog)
    watch.stop()
    return result


def _give_up(dialog: QDialog) -> None:
    LEDGER.unanswered.append(_text(dialog))
    dialog.reject()


def _apply(dialog: QDialog, given: Answer) -> None:
    try:
        if callable(given):
            given(wrap(dialog))
        else:
            _button(dialog, given).click()
    except BaseException:  # noqa: BLE001  the test's own mistake must not hang the dialog
        LEDGER.record_exception()
        dialog.reject()


def _button(dialog: QDialog, given: str | int) -> Any:

    if isinstance(given, int) and isinstance(dialog, QMessageBox):
        found = dialog.button(QMessageBox.StandardButton(int(given)))
    else:
        buttons = dialog.findChildren(QAbstractButton)
        found = next((each for each in buttons if each.text().replace("&", "") == str(given)), None)
    if found is None:
        raise LookupError(f"the dialog {_text(dialog)!r} has no button {given!r}")
    return found


def _text(dialog: QDialog) -> str:
    text = dialog.text() if isinstance(dialog, QMessageBox) else dialog.windowTitle()
    return text or type(dialog).__name__


@extra("QDialog", "exec_", "exec")
def dialog_exec(wrapper: Any) -> int:
    return execute(live_native(wrapper, "call 'exec' on"))


@extra("QEventLoop", "exec_", "exec")
def loop_exec(wrapper: Any, *_: Any) -> int:
    return run_loop(live_native(wrapper, "call 'exec' on"))


@extra("QMenu", "exec_", "exec")
def menu_exec(wrapper: Any, *_: Any) -> Any:
    """The user chooses the action whose text waits as an answer."""
    menu: QMenu = live_native(wrapper, "call 'exec' on")
    if not _answers:
        LEDGER.unanswered.append(f"menu {menu.title()}")
        return None
    chosen = _answers.popleft()
    action = next((each for each in menu.actions() if each.text().replace("&", "") == chosen), None)
    if action is not None:
        action.trigger()
    return wrap(action)


def _message(icon: QMessageBox.Icon) -> Callable[..., int]:
    def ask(parent: Any, title: str, text: str, *rest: Any) -> int:
        box = QMessageBox(unwrap(parent))
        box.setIcon(icon)
        box.setWindowTitle(str(title))
        box.setText(str(text))
        buttons = QMessageBox.StandardButton(int(rest[0])) if rest else QMessageBox.StandardButton.Ok
        if not rest and icon is QMessageBox.Icon.Question:
            buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
        box.setStandardButtons(buttons)
        if len(rest) > 1:
            box.setDefaultButton(QMessageBox.StandardButton(int(rest[1])))
        return execute(box)

    return ask


for _name in ("question", "information", "warning", "critical"):
    static_extra("QMessageBox", _name)(_message(QMessageBox.Icon[_name.capitalize()]))


def _value_of(what: str) -> Any:
    if _answers:
        return _answers.popleft()
    LEDGER.unanswered.append(what)
    return None


def _file_dialog(name: str, empty: Any) -> Callable[..., Any]:
    def ask(*arguments: Any) -> Any:
        title = str(arguments[1]) if len(arguments) > 1 else name
        shown.append(title)
        value = _value_of(f"QFileDialog.{name}: {title}")
        if value is None:
            return empty
        return tuple(str(each) for each in value) if isinstance(empty, tuple) else str(value)

    return ask


for _name, _empty in (
    ("getOpenFileName", ""),
    ("getSaveFileName", ""),
    ("getExistingDirectory", ""),
    ("getOpenFileNames", ()),
):
    static_extra("QFileDialog", _name)(_file_dialog(_name, _empty))


def _input_dialog(name: str) -> Callable[..., Any]:
    def ask(*arguments: Any) -> Any:
        raise NotModelled(f"QInputDialog.{name}{arguments!r}")

    return ask


for _name in ("getText", "getItem", "getInt", "getDouble", "getMultiLineText"):
    static_extra("QInputDialog", _name)(_input_dialog(_name))
