"""The one application object outlives each start: what modules connected to it is taken off."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import SIGNAL, QObject

from ..pythonqt.signals import _records


def forget_connections(application: Any) -> None:
    for _signature, _callable, native, relay in _records(application):
        QObject.disconnect(application, SIGNAL(native), relay)
    _records(application).clear()
