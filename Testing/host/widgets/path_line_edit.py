"""ctkPathLineEdit: a path that can be typed, chosen from its history or browsed for."""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Property, QDir, QRegularExpression, QSettings, QSize, Signal, Slot
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFileDialog,
    QFileSystemModel,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from Testing.host.widgets.properties import held

_HISTORY = 5
_FIRST_FILTERS = 24663  # all entries without . and .., readable, executable; Qt's numbers
_ENDING = re.compile(r"\*\.(\w+)")
_IN_BRACKETS = re.compile(r".*\(([^()]*)\)$")


def _resize(widget: Any) -> None:
    widget.updateGeometry()


class ctkPathLineEdit(QWidget):
    """As of CTK. The name filters decide what may be typed; `filters` decides which dialog opens."""

    class Filter(enum.IntFlag):
        Dirs = 0x001
        Files = 0x002
        Drives = 0x004
        NoSymLinks = 0x008
        AllEntries = 0x007
        TypeMask = 0x00F
        Readable = 0x010
        Writable = 0x020
        Executable = 0x040
        PermissionMask = 0x070
        Modified = 0x080
        Hidden = 0x100
        System = 0x200
        AccessMask = 0x3F0
        AllDirs = 0x400
        CaseSensitive = 0x800
        NoDotAndDotDot = 0x1000
        NoDot = 0x2000
        NoDotDot = 0x4000
        NoFilter = -1

    class Option(enum.IntFlag):
        ShowDirsOnly = 0x01
        DontResolveSymlinks = 0x02
        DontConfirmOverwrite = 0x04
        DontUseNativeDialog = 0x10
        ReadOnly = 0x20
        HideNameFilterDetails = 0x40
        DontUseSheet = 0x08

    class SizeAdjustPolicy(enum.IntEnum):
        AdjustToContents = 0
        AdjustToContentsOnFirstShow = 1
        AdjustToMinimumContentsLength = 2

    validInputChanged = Signal(bool)
    currentPathChanged = Signal(str)
    _last_directory: ClassVar[str] = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo: QComboBox | None = None
        self._edit: QLineEdit | None = None
        self._filters = _FIRST_FILTERS
        self._name_filters: list[str] = []
        self._setting_key = ""
        self._valid = False
        self._validator = QRegularExpressionValidator(self)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(0)
        self._make_edit(with_history=True)
        self._button = QToolButton(self)
        self._button.setText("...")
        self._button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self._button.setToolTip("Open a dialog")
        self._button.clicked.connect(lambda *_: self.browse())
        self._line.addWidget(self._button)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setControlType(QSizePolicy.ControlType.LineEdit)
        self.setSizePolicy(policy)
        self.setFocusProxy(self._edit)

    label = held(str, "")
    options = held(int, 0)
    sizeAdjustPolicy = held(int, int(SizeAdjustPolicy.AdjustToMinimumContentsLength), _resize)
    minimumContentsLength = held(int, 0, _resize)

    def _make_edit(self, with_history: bool) -> None:
        path = self._path()
        old = self._line.itemAt(0).widget() if self._line.count() else None
        self._combo = QComboBox(self) if with_history else None
        if self._combo is not None:
            self._combo.setEditable(True)
            self._combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._edit = self._combo.lineEdit() if self._combo is not None else QLineEdit(self)
        self._line.insertWidget(0, self._combo or self._edit)
        if old is not None:
            self._line.removeWidget(old)
            old.deleteLater()
        self._use_filters()
        self.retrieveHistory()
        self.setCurrentPath(path)
        self._edit.textChanged.connect(self._on_text)

    def _use_filters(self) -> None:
        completer = QCompleter(self)
        model = QFileSystemModel(completer)
        wanted = QDir.Filter.AllDirs | QDir.Filter.Drives | QDir.Filter.NoDotAndDotDot
        if self._filters & self.Filter.Files:
            wanted |= QDir.Filter.Files
        model.setFilter(wanted)
        model.setNameFilters(_patterns(self._name_filters))
        model.setNameFilterDisables(False)
        completer.setModel(model)
        self._edit.setCompleter(completer)
        endings = [match[1] for match in map(_ENDING.search, _patterns(self._name_filters)) if match]
        accepted = "|".join(rf".*\.{ending}?$" for ending in endings)
        self._validator.setRegularExpression(QRegularExpression(f"({accepted})" if accepted else ".+"))
        self._edit.setValidator(self._validator)

    def _filter_flags(self) -> int:
        return int(self._filters)

    def _set_filter_flags(self, filters: int) -> None:
        self._filters = filters
        self._use_filters()

    filters = Property(int, _filter_flags, _set_filter_flags)

    def _names(self) -> list[str]:
        return list(self._name_filters)

    def _set_names(self, filters: list[str]) -> None:
        self._name_filters = list(filters)
        self._use_filters()

    nameFilters = Property("QStringList", _names, _set_names)

    def _key(self) -> str:
        return self._setting_key

    def _set_key(self, key: str) -> None:
        self._setting_key = key
        self.retrieveHistory()

    settingKey = Property(str, _key, _set_key)

    def _browses(self) -> bool:
        return self._button.isVisibleTo(self)

    def _set_browses(self, visible: bool) -> None:
        self._button.setVisible(visible)

    showBrowseButton = Property(bool, _browses, _set_browses)

    def _shows_history(self) -> bool:
        return self._combo is not None

    showHistoryButton = Property(bool, _shows_history, lambda self, visible: self._make_edit(visible))

    def comboBox(self) -> QComboBox | None:
        return self._combo

    def _path(self) -> str:
        return "" if self._edit is None else self._edit.text()

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        self._edit.setText(path)

    currentPath = Property(str, _path, setCurrentPath, user=True)

    def _on_text(self, _text: str) -> None:
        """A path that the filters do not accept, the empty one too, is no new path; only validity changes."""
        before, self._valid = self._valid, self._edit.hasAcceptableInput()
        if self._valid:
            path = Path(self._path())
            ctkPathLineEdit._last_directory = str(path.parent if path.is_file() else path)
            self.currentPathChanged.emit(self._path())
        if self._valid != before:
            self.validInputChanged.emit(self._valid)

    @Slot(str)
    def setCurrentDirectory(self, directory: str) -> None:
        ctkPathLineEdit._last_directory = directory

    @Slot()
    def updateHasValidInput(self) -> None:
        self._on_text(self._path())

    @Slot()
    def browse(self) -> None:
        start = self._path() or ctkPathLineEdit._last_directory
        options, names = QFileDialog.Option(self.options), ";;".join(self._name_filters)
        if not self._filters & self.Filter.Files:
            path = QFileDialog.getExistingDirectory(self, "Select a directory...", start, options)
        elif self._filters & self.Filter.Writable:
            path, _ = QFileDialog.getSaveFileName(self, "Select a file to save ", start, names, "", options)
        else:
            path, _ = QFileDialog.getOpenFileName(self, "Open a file", start, names, "", options)
        if path:
            self.setCurrentPath(path)

    def _history_key(self) -> str:
        return f"ctkPathLineEdit/{self._setting_key or self.objectName()}"

    def _history(self) -> list[str]:
        kept = QSettings().value(self._history_key(), [])
        return [kept] if isinstance(kept, str) else list(kept or [])

    @Slot()
    def retrieveHistory(self) -> None:
        if self._combo is None:
            return
        path = self._path()
        blocked = self.blockSignals(True)
        self._combo.clear()
        self._combo.addItems(self._history()[:_HISTORY])
        if path:
            self.setCurrentPath(path)
        self.blockSignals(blocked)
        if not path:
            self._combo.setCurrentIndex(0)

    @Slot()
    def addCurrentPathToHistory(self) -> None:
        path = self._path()
        if self._combo is None or not path:
            return
        history = [path, *(other for other in self._history() if other != path)]
        QSettings().setValue(self._history_key(), history)
        if (known := self._combo.findText(path)) >= 0:
            self._combo.removeItem(known)
        while self._combo.count() >= _HISTORY:
            self._combo.removeItem(self._combo.count() - 1)
        self._combo.insertItem(0, path)
        self._combo.setCurrentIndex(0)

    def minimumSizeHint(self) -> QSize:
        shown = self._combo or self._edit
        button = self._button.minimumSizeHint().width() if self.showBrowseButton else 0
        text = self.minimumContentsLength * self.fontMetrics().horizontalAdvance("X")
        if self.sizeAdjustPolicy != self.SizeAdjustPolicy.AdjustToMinimumContentsLength:
            text = max(text, self.fontMetrics().horizontalAdvance(self._path() or "xxxxxxx") + 8)
        return QSize(30 + text + button, shown.minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()


def _patterns(name_filters: list[str]) -> list[str]:
    """ "Images (*.jpg *.png)" gives *.jpg and *.png; a bare wildcard is taken as it is."""
    patterns: list[str] = []
    for text in name_filters:
        match = _IN_BRACKETS.match(text)
        patterns += match[1].split() if match else [text]
    return patterns
