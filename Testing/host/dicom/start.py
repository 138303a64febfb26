"""What the application's start leaves behind: a database that is there and closed, and the registry of plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

from . import schema
from .database import ctkDICOMDatabase


def install(host: Any) -> None:
    """``slicer.dicomDatabase``, the name of its setting, and ``slicer.modules.dicomPlugins``."""
    from .scalar_volume_plugin import DICOMScalarVolumePluginClass

    database = ctkDICOMDatabase()
    host.application._managers["dicomDatabase"] = database
    host.slicer.dicomDatabase = host.wrap(database)
    host.slicer.dicomDatabaseDirectorySettingsKey = f"DatabaseDirectory_{schema.VERSION}"
    # The application tries the folder of its settings; it is there only after the user has made a database.
    folder = QSettings().value(host.slicer.dicomDatabaseDirectorySettingsKey)
    database.openDatabase(f"{folder or Path(host.slicer.app.temporaryPath) / 'NoDatabaseYet'}/ctkDICOM.sql")
    host.slicer.modules.dicomPlugins = {"DICOMScalarVolumePlugin": DICOMScalarVolumePluginClass}

    def end() -> None:
        database.closeDatabase()
        del host.slicer.dicomDatabase, host.slicer.dicomDatabaseDirectorySettingsKey

    host.at_end(end)
