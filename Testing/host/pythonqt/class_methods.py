"""Methods of single Qt classes that PythonQt, or the host, does its own way."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui

from .arguments import MismatchError, accept
from .conversion import unwrap, wrap
from .members import extra, static_extra
from .methods import live_native
from .properties import wrapped_tool_tip
from .signals import Relay


@static_extra("QTimer", "singleShot")
def single_shot(milliseconds: Any, *rest: Any) -> None:
    try:
        delay = accept(int, milliseconds, strict=False)
    except MismatchError:
        raise ValueError(f"Called singleShot(int msec, PyObject callable) with wrong arguments: {rest!r}") from None
    callable_ = rest[-1] if callable(rest[-1]) else getattr(rest[0], str(rest[1]).partition("(")[0])
    QtCore.QTimer.singleShot(delay, Relay(callable_))


@static_extra("QGuiApplication", "setOverrideCursor")
def set_override_cursor(cursor: Any) -> None:
    """PySide6 returns a guard; C++ nothing."""
    shape = unwrap(cursor)
    QtGui.QGuiApplication.setOverrideCursor(
        shape if isinstance(shape, QtGui.QCursor) else QtCore.Qt.CursorShape(int(shape))
    )


@extra("QSettings", "value")
def settings_value(wrapper: Any, key: str, default: Any = None) -> Any:
    settings = live_native(wrapper, "read a setting of")
    if not settings.contains(key):
        return default
    value = settings.value(key)
    return () if value is None and _EMPTY_LISTS.get((settings.fileName(), _full(settings, key))) else wrap(value)


@extra("QSettings", "setValue")
def set_settings_value(wrapper: Any, key: str, value: Any) -> None:
    settings = live_native(wrapper, "write a setting of")
    # PySide6 gives None for an empty list; PythonQt gives the list.
    _EMPTY_LISTS[settings.fileName(), _full(settings, key)] = isinstance(value, (list, tuple)) and not value
    settings.setValue(key, unwrap(value))


_EMPTY_LISTS: dict[tuple[str, str], bool] = {}


def _full(settings: Any, key: str) -> str:
    return f"{settings.group()}/{key}" if settings.group() else key


@extra("QMenu", "addAction")
@extra("QToolBar", "addAction")
def add_action(wrapper: Any, *arguments: Any) -> Any:
    """PythonQt connects a callable to ``triggered()``; its exceptions are then recorded like those of any slot."""
    native = live_native(wrapper, "add an action to")
    called = [each for each in arguments if callable(each) and not isinstance(unwrap(each), QtCore.QObject)]
    plain = [unwrap(each) for each in arguments if each not in called]
    action = native.addAction(*plain)
    for each in called:
        action.triggered.connect(Relay(each, lambda *_: ()))
    return wrap(action if action is not None else plain[0])


@extra("QAbstractItemView", "selectedIndexes")
def selected_indexes(wrapper: Any) -> Any:
    """Protected in C++ and yet seen by PythonQt."""
    view = live_native(wrapper, "read the selection of")
    return wrap(view.selectionModel().selectedIndexes())


@extra("QWidget", "setToolTip")
def set_tool_tip(wrapper: Any, text: Any) -> None:
    live_native(wrapper, "set the tool tip of").setToolTip(wrapped_tool_tip(accept(str, text, strict=False)))


@extra("QByteArray", "data")
def byte_array_data(wrapper: Any) -> bytes:
    return bytes(wrapper._native.data())
