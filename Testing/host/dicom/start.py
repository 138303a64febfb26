"""What the application's start leaves behind: a database that is there and closed, and the registry of plugins."""

from __future__ import annotations

from typing import Any

from . import schema
from .database import ctkDICOMDatabase


def install(host: Any) -> None:
    """``slicer.dicomDatabase``, the name of its setting, and ``slicer.modules.dicomPlugins``."""
    from .scalar_volume_plugin import DICOMScalarVolumePluginClass

    database = ctkDICOMDatabase()
    host.application._managers["dicomDatabase"] = database
    host.slicer.dicomDatabase = host.wrap(database)
    host.slicer.dicomDatabaseDirectorySettingsKey = f"DatabaseDirectory_{schema.VERSION}"
    host.slicer.modules.dicomPlugins = {"DICOMScalarVolumePlugin": DICOMScalarVolumePluginClass}

    def end() -> None:
        database.closeDatabase()
        del host.slicer.dicomDatabase, host.slicer.dicomDatabaseDirectorySettingsKey

    host.at_end(end)
