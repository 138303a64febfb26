"""Databases opened, folders imported, series loaded by whichever plugin is surest: the functions that scripts use."""

from __future__ import annotations

import logging
import shutil
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
import vtk

Progress = Callable[[str, float], bool] | None


def openDatabase(databaseDir: str) -> bool:
    if not Path(databaseDir).exists():
        logging.error(f"Specified database directory {databaseDir!r} cannot be found")
        return False
    slicer.dicomDatabase.openDatabase(databaseDir + "/ctkDICOM.sql")
    if not slicer.dicomDatabase.isOpen:
        logging.error(f"Unable to open DICOM database {databaseDir}")
    return bool(slicer.dicomDatabase.isOpen)


def clearDatabase(dicomDatabase: Any = None) -> None:
    database = dicomDatabase or slicer.dicomDatabase
    for patient in database.patients():
        database.removePatient(patient)


def _temporary_folder(directory: str | None) -> str:
    name = directory or time.strftime("%Y%m%d_%H%M%S_", time.gmtime()) + "TempDICOMDatabase"
    folder = Path(slicer.app.temporaryPath) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder.as_posix()


def openTemporaryDatabase(directory: str | None = None) -> Any:
    """Switches to an empty database; gives the folder of the one before, to come back to."""
    folder = _temporary_folder(directory)
    settings = qt.QSettings()
    before = settings.value(slicer.dicomDatabaseDirectorySettingsKey)
    settings.setValue(slicer.dicomDatabaseDirectorySettingsKey, folder)
    openDatabase(folder)
    slicer.dicomDatabase.initializeDatabase()
    return before


def closeTemporaryDatabase(originalDatabaseDir: Any, cleanup: bool = True) -> bool:
    if not slicer.dicomDatabase.isOpen:
        logging.error(f"Unable to close DICOM database {slicer.dicomDatabase.databaseFilename}")
    else:
        if cleanup:
            slicer.dicomDatabase.initializeDatabase()
        slicer.dicomDatabase.closeDatabase()
    if originalDatabaseDir is None:
        return True
    qt.QSettings().setValue(slicer.dicomDatabaseDirectorySettingsKey, originalDatabaseDir)
    return not Path(originalDatabaseDir).exists() or openDatabase(originalDatabaseDir)


def createTemporaryDatabase(directory: str | None = None) -> Any:
    folder = _temporary_folder(directory)
    database = ctk.ctkDICOMDatabase()
    database.openDatabase(folder + "/ctkDICOM.sql")
    return database if database.isOpen else None


def deleteTemporaryDatabase(dicomDatabase: Any, cleanup: bool = True) -> bool:
    dicomDatabase.closeDatabase()
    if cleanup:
        shutil.rmtree(Path(dicomDatabase.databaseFilename).parent)
    return True


class TemporaryDICOMDatabase:
    """An empty database for the length of a ``with`` block."""

    def __init__(self, directory: str | None = None) -> None:
        self.temporaryDatabaseDir = directory
        self.originalDatabaseDir: Any = None

    def __enter__(self) -> Any:
        self.originalDatabaseDir = openTemporaryDatabase(self.temporaryDatabaseDir)
        return slicer.dicomDatabase

    def __exit__(self, *exception: object) -> None:
        closeTemporaryDatabase(self.originalDatabaseDir)


def importDicom(dicomDataDir: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
    """Links the files of a folder; a folder that is not there is no failure."""
    indexer = ctk.ctkDICOMIndexer()
    indexer.addDirectory(dicomDatabase or slicer.dicomDatabase, dicomDataDir, copyFiles)
    indexer.waitForImportFinished()
    return True


def allSeriesUIDsInDatabase(database: Any = None) -> list[str]:
    database = database or slicer.dicomDatabase
    studies = [study for patient in database.patients() for study in database.studiesForPatient(patient)]
    return [series for study in studies for series in database.seriesForStudy(study)]


def getDatabasePatientUIDByPatientName(name: str) -> str | None:
    return _patient_with("0010,0010", name)


def getDatabasePatientUIDByPatientID(patientID: str) -> str | None:
    return _patient_with("0010,0020", patientID)


def _patient_with(tag: str, value: str) -> str | None:
    """By the tag in the first file of each patient."""
    database = slicer.dicomDatabase
    for patient in database.patients():
        series = [one for study in database.studiesForPatient(patient) for one in database.seriesForStudy(study)]
        files = [file for one in series for file in database.filesForSeries(one, 1)]
        if files and database.fileValue(files[0], tag) == value:
            return str(patient)
    return None


def loadPatientByUID(
    patientUID: str, messages: Any = None, progressCallback: Progress = None, enabledPluginClassNames: Any = None
) -> list[str]:
    if not slicer.dicomDatabase.isOpen:
        raise OSError("DICOM module or database cannot be accessed")
    studies = slicer.dicomDatabase.studiesForPatient(str(patientUID))
    if not studies:
        raise OSError(f"No patient found with DICOM database UID {patientUID}")
    series = [one for study in studies for one in slicer.dicomDatabase.seriesForStudy(study)]
    return loadSeriesByUID(series, messages, progressCallback, enabledPluginClassNames)


def loadPatientByName(
    patientName: str, messages: Any = None, progressCallback: Progress = None, enabledPluginClassNames: Any = None
) -> list[str]:
    patient = getDatabasePatientUIDByPatientName(patientName)
    if patient is None:
        raise OSError(f"Patient not found by PatientName {patientName}")
    return loadPatientByUID(patient, messages, progressCallback, enabledPluginClassNames)


def loadPatientByPatientID(
    patientID: str, messages: Any = None, progressCallback: Progress = None, enabledPluginClassNames: Any = None
) -> list[str]:
    patient = getDatabasePatientUIDByPatientID(patientID)
    if patient is None:
        raise OSError(f"Patient not found by PatientID {patientID}")
    return loadPatientByUID(patient, messages, progressCallback, enabledPluginClassNames)


def loadSeriesByUID(
    seriesUIDs: list[str], messages: Any = None, progressCallback: Progress = None, enabledPluginClassNames: Any = None
) -> list[str]:
    """IDs of the nodes that came into the scene; none for a series that is not in the database."""
    if not isinstance(seriesUIDs, list):
        raise ValueError("SeriesUIDs must contain a list")
    if not seriesUIDs:
        raise ValueError("No series UIDs given")
    if not slicer.dicomDatabase.isOpen:
        raise OSError("DICOM module or database cannot be accessed")
    files = [slicer.dicomDatabase.filesForSeries(series) for series in seriesUIDs]
    loadables, _ = getLoadablesFromFileLists(files, enabledPluginClassNames, messages, progressCallback)
    selectHighestConfidenceLoadables(loadables)
    return loadLoadables(loadables, messages, progressCallback)


def getDefaultPluginClassNames() -> list[str]:
    return list(slicer.modules.dicomPlugins)


def getLoadablesFromFileLists(
    fileLists: Sequence[Sequence[str]],
    pluginClassNames: Any = None,
    messages: Any = None,
    progressCallback: Progress = None,
    pluginInstances: Any = None,
) -> tuple[dict[Any, list[Any]], bool]:
    """What each plugin offers, by plugin; a plugin that fails is left out, and its traceback printed."""
    found: dict[Any, list[Any]] = {}
    if not isinstance(fileLists, list) or not fileLists or type(fileLists[0]) not in (tuple, list):
        logging.error("File lists must contain a non-empty list of tuples/lists")
        return found, False
    names = getDefaultPluginClassNames() if pluginClassNames is None else list(pluginClassNames)
    instances = {} if pluginInstances is None else pluginInstances
    for step, name in enumerate(names):
        if name not in instances:
            instances[name] = slicer.modules.dicomPlugins[name]()
        if progressCallback and progressCallback(name, step * 100 / len(names)):
            break
        try:
            found[instances[name]] = instances[name].examineForImport(fileLists)
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything, and the others go on
            traceback.print_exc()
            logging.error(f"DICOM Plugin failed: {error}")
            if messages:
                messages.append(f"Plugin failed: {name}.")
    return found, any(found.values())


def selectHighestConfidenceLoadables(loadablesByPlugin: dict[Any, list[Any]]) -> None:
    """Of each series only the surest offers stay selected; all of them where several are equally sure."""
    by_series: dict[str, list[Any]] = {}
    for loadables in loadablesByPlugin.values():
        for loadable in loadables:
            series = slicer.dicomDatabase.fileValue(loadable.files[0], "0020,000E")
            by_series.setdefault(series, []).append(loadable)
    for loadables in by_series.values():
        highest = max(loadable.confidence for loadable in loadables)
        for loadable in loadables:
            loadable.selected = loadable.confidence == highest


def loadLoadables(
    loadablesByPlugin: dict[Any, list[Any]], messages: Any = None, progressCallback: Progress = None
) -> list[str]:
    """IDs of all nodes that came into the scene meanwhile, but storage and display nodes."""
    chosen = [(one, plugin) for plugin, offers in loadablesByPlugin.items() for one in offers if one.selected]
    node_ids: list[str] = []

    @vtk.calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]
    def remember(_caller: Any, _event: str, node: Any) -> None:
        if not isinstance(node, (slicer.vtkMRMLStorageNode, slicer.vtkMRMLDisplayNode)):
            node_ids.append(node.GetID())

    observer = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, remember)
    try:
        for step, (loadable, plugin) in enumerate(chosen, start=1):
            if progressCallback and progressCallback(loadable.name, step * 100 / len(chosen)):
                break
            try:
                loadable.loadSuccess = bool(plugin.load(loadable))
            except Exception:  # noqa: BLE001
                loadable.loadSuccess = False
                logging.error(
                    f"DICOM plugin failed to load '{loadable.name}' as a '{plugin.loadType}'.\n{traceback.format_exc()}"
                )
            if not loadable.loadSuccess and messages is not None:
                messages.append(f"Could not load: {loadable.name} as a {plugin.loadType}")
    finally:
        slicer.mrmlScene.RemoveObserver(observer)
    return node_ids


def getSortedImageFiles(filePaths: Sequence[str], epsilon: float = 0.01) -> tuple[list[str], dict[str, float], str]:
    """Files along the normal of the first one, their distances, and a warning where they do not stand evenly."""
    from Testing.host.dicom.sorting import sorted_files

    return sorted_files(slicer.dicomDatabase, list(filePaths), epsilon)
