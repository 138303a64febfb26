"""Where Qt 5.15, with which the recorded application was built, differs from the Qt of PySide6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore, QtWidgets


@dataclass(frozen=True)
class Qt5Signal:
    """A signal that Qt 6 lacks: one that it has, and how the arguments are made."""

    native: str
    adapt: Callable[..., tuple[Any, ...]]


_SIGNALS: dict[type, dict[str, Qt5Signal]] = {
    QtWidgets.QSpinBox: {"valueChanged(QString)": Qt5Signal("textChanged(QString)", lambda _, text: (text,))},
    QtWidgets.QDoubleSpinBox: {"valueChanged(QString)": Qt5Signal("textChanged(QString)", lambda _, text: (text,))},
    QtWidgets.QComboBox: {
        "currentIndexChanged(QString)": Qt5Signal("currentIndexChanged(int)", lambda box, row: (box.itemText(row),)),
        "activated(QString)": Qt5Signal("textActivated(QString)", lambda _, text: (text,)),
        "highlighted(QString)": Qt5Signal("textHighlighted(QString)", lambda _, text: (text,)),
    },
    QtWidgets.QButtonGroup: {
        "buttonClicked(int)": Qt5Signal("idClicked(int)", lambda _, number: (number,)),
        "buttonToggled(int,bool)": Qt5Signal("idToggled(int,bool)", lambda _, number, on: (number, on)),
    },
    QtCore.QProcess: {
        "finished(int)": Qt5Signal("finished(int,QProcess::ExitStatus)", lambda _, code, __: (code,)),
        "error(QProcess::ProcessError)": Qt5Signal("errorOccurred(QProcess::ProcessError)", lambda _, error: (error,)),
    },
}


def qt5_signal(kind: type, signature: str) -> Qt5Signal | None:
    return next((table[signature] for base in kind.__mro__ if signature in (table := _SIGNALS.get(base, {}))), None)


QT6_ONLY: dict[str, frozenset[str]] = {
    "QFormLayout": frozenset({"setRowVisible", "isRowVisible"}),
    "QCheckBox": frozenset({"checkStateChanged"}),
    "QLayout": frozenset({"getContentsMargins"}),
    "QTimer": frozenset({"isSingleShotTimer", "id"}),
    "QLineEdit": frozenset({"setTimeZone"}),
    "QObject": frozenset({"isQuickItemType"}),
}
"""Names of Qt 6 that the recorded application lacks, by class."""

METHODS_NOT_PROPERTIES: dict[str, frozenset[str]] = {"QLayout": frozenset({"contentsMargins"})}
"""Properties of Qt 6 that are plain methods in Qt 5."""


def _margin(layout: QtWidgets.QLayout) -> int:
    margins = layout.contentsMargins()
    sides = {margins.left(), margins.top(), margins.right(), margins.bottom()}
    return sides.pop() if len(sides) == 1 else -1


def _set_margin(layout: QtWidgets.QLayout, margin: int) -> None:
    layout.setContentsMargins(margin, margin, margin, margin)


QT5_PROPERTIES: dict[str, dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None] | None]]] = {
    "QLayout": {"margin": (_margin, _set_margin)},
}
"""Properties that only Qt 5 has: getter and setter, by class."""

QT5_METHODS: dict[str, dict[str, Callable[..., Any]]] = {
    "QFontMetrics": {"width": lambda metrics, text: metrics.horizontalAdvance(text)},
    "QFontMetricsF": {"width": lambda metrics, text: metrics.horizontalAdvance(text)},
}
"""Methods that only Qt 5 has, by class; they take and return PySide6 objects."""

QT5_ENUMS: dict[str, dict[str, int]] = {
    "Qt": {"MidButton": 4, "MiddleButton": 4, "BackgroundColorRole": 8, "TextColorRole": 9, "SystemLocaleDate": 2},
    "QPalette": {"Background": 10, "Foreground": 0},
    "QComboBox": {"AdjustToMinimumContentsLength": 2},
}
"""Values of enumerations that only Qt 5 has."""
