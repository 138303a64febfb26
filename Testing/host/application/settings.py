"""Slicer's settings objects: INI files of one start of the emulated application."""

from __future__ import annotations

from PySide6.QtCore import QSettings


class ctkSettings(QSettings):
    def __init__(self, path: str = "") -> None:
        if path:
            super().__init__(path, QSettings.Format.IniFormat)
        else:
            super().__init__()
