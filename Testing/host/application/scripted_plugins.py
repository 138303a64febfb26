"""Plugins in Python that modules register: they are made, as the application makes them, and asked nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QObject

from ..pythonqt import wrap


class qSlicerSubjectHierarchyScriptedPlugin(QObject):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._plugin_name, self._source, self._python = "", "", None

    def _set_plugin_name(self, name: str) -> None:
        self._plugin_name = name

    name = Property(str, lambda self: self._plugin_name, _set_plugin_name)
    pythonSource = Property(str, lambda self: self._source)

    def setPythonSource(self, path: str) -> bool:
        spec = importlib.util.spec_from_file_location(Path(path).stem, path)
        if spec is None or spec.loader is None:
            return False
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._source = path
        name = Path(path).stem
        # A plugin may lie in a module's own file.
        class_name = name if name.endswith("SubjectHierarchyPlugin") else f"{name}SubjectHierarchyPlugin"
        self._python = getattr(module, class_name)(wrap(self))
        return True

    def self(self) -> Any:
        return self._python
