"""Slicer's error log: what Qt, VTK's Python and ``logging`` say, in one list."""

from __future__ import annotations

import logging
from typing import Any

from PySide6.QtCore import QObject, QtMsgType, qInstallMessageHandler


class ctkErrorLogModel(QObject):
    def __init__(self) -> None:
        super().__init__()
        self._entries: list[str] = []

    def logEntryCount(self) -> int:
        return len(self._entries)

    def logEntryDescription(self, index: int) -> str:
        return self._entries[index]

    def clear(self) -> None:
        self._entries.clear()

    def _add(self, text: str) -> None:
        self._entries.append(text)


class _Handler(logging.Handler):
    def __init__(self, model: ctkErrorLogModel) -> None:
        super().__init__()
        self._model = model

    def emit(self, record: logging.LogRecord) -> None:
        self._model._add(record.getMessage())


def start_log() -> tuple[ctkErrorLogModel, Any]:
    """The model, and the function that stops it."""
    model = ctkErrorLogModel()
    handler = _Handler(model)
    logging.getLogger().addHandler(handler)

    def from_qt(_kind: QtMsgType, _context: Any, text: str) -> None:
        model._add(text)

    before = qInstallMessageHandler(from_qt)

    def stop() -> None:
        logging.getLogger().removeHandler(handler)
        qInstallMessageHandler(before)

    return model, stop
