"""The sample study in Slicer: drawn on this machine from an atlas, into the scene or into the DICOM database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..app.exchange import Exchange
from ..core.errors import ResourceError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.volume import Volume
from .dicom_database import open_database
from .dicom_loading import load_series
from .event_loop import temporary_folder
from .scene import mrml_scene, slicer_module
from .volume_node import volume_to_node

CATEGORY = "MedAISeg"
SCENE_SAMPLE = "MedAISeg T1 hippocampus"
DATABASE_SAMPLE = "MedAISeg T1 hippocampus, DICOM"
THUMBNAIL = Path(__file__).resolve().parents[2] / "Resources" / "SampleData" / "sample_study.png"

_NODE_NAME = "T1 hippocampus sample"
_SEED = 0
_MR_SIGNAL = ("110852", "DCM", "MR signal intensity")
_NO_UNITS = ("1", "UCUM", "no units")
"""What Slicer's DICOM plugin notes on the volume of an MR series."""


def register_sample_data() -> None:
    """Offer the study in Slicer's Sample Data module; nothing is downloaded, it is drawn when it is asked for."""
    # Some builds of Slicer are without the module.
    try:
        logic = import_module("SampleData").SampleDataLogic
    except ImportError:
        return
    _forget_registered()
    for name, draw in ((SCENE_SAMPLE, _draw_into_scene), (DATABASE_SAMPLE, _draw_into_database)):
        # The module wants an address of a file for everything; none is asked for where there is a downloader.
        logic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=name,
            uris="",
            fileNames="",
            nodeNames=_NODE_NAME,
            thumbnailFileName=str(THUMBNAIL),
            customDownloader=draw,
        )


def load_sample_study() -> Any:
    """Draw the study into the scene as Slicer would load it, show it in the slice views, and return its volume node."""
    from ..app.sample_study import WHITE_MATTER, draw_sample

    with _wait_cursor():
        sample = draw_sample(_SEED)
        voxels = np.rint(sample.voxels).astype(np.int16)
        volume = Volume(voxels, VolumeGeometry(voxels.shape, sample.affine_lps), modality="MR")
        node = volume_to_node(volume, mrml_scene(), _NODE_NAME)
        node.SetVoxelValueQuantity(_coded_entry(*_MR_SIGNAL))
        node.SetVoxelValueUnits(_coded_entry(*_NO_UNITS))
        display = node.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(1.1 * WHITE_MATTER, 0.55 * WHITE_MATTER)
        _show(node)
    return node


def load_sample_study_through_database() -> Any:
    """Draw the study as a DICOM series, store it in the open database, and load it from there; its volume node.

    Raises:
        ResourceError: if the database is not open, or did not take the series.
        InputError: if Slicer's plugins do not load it.
    """
    from ..app.sample_study import sample_series_uid, write_sample_study

    database = open_database()
    series_uid = sample_series_uid(_SEED)
    with _wait_cursor():
        if not database.instancesForSeries(series_uid):
            with _private_folder() as folder:
                write_sample_study(folder, seed=_SEED)
                _import_copies(folder)
        if not database.instancesForSeries(series_uid):
            raise ResourceError(
                _("Slicer's DICOM database did not take the sample study."),
                remedy=_("Check that its folder can be written to and has space left."),
            )
        node = load_series(series_uid)
        _show(node)
    return node


@contextmanager
def _private_folder() -> Iterator[Path]:
    """What a killed Slicer leaves of it goes with all else that it left, at the next start."""
    exchange = Exchange(temporary_folder())
    try:
        yield exchange.new_folder()
    finally:
        exchange.close()


def _import_copies(folder: Path) -> None:
    from DICOMLib import DICOMUtils

    DICOMUtils.importDicom(str(folder), copyFiles=True)


def _draw_into_scene(_source: Any) -> Any:
    # By its name, so that after a reload of the module it is the new one that runs.
    from MedAISegLib.slicer_io.sample_data import load_sample_study as load

    return [load()]


def _draw_into_database(_source: Any) -> Any:
    from MedAISegLib.slicer_io.sample_data import load_sample_study_through_database as load

    slicer: Any = slicer_module()
    with slicer.util.tryWithErrorDisplay(_("The sample study could not be loaded."), waitCursor=True):
        return [load()]
    return []


def _forget_registered() -> None:
    """Sources are told apart by the address of their function too, which is another one after each reload."""
    sources = getattr(slicer_module().modules, "sampleDataSources", {})
    sources.pop(CATEGORY, None)


def _coded_entry(value: str, scheme: str, meaning: str) -> Any:
    entry = slicer_module().vtkCodedEntry()
    entry.SetValueSchemeMeaning(value, scheme, meaning)
    return entry


def _show(node: Any) -> None:
    slicer: Any = slicer_module()
    if getattr(slicer, "app", None) is not None:
        slicer.util.setSliceViewerLayers(background=node, fit=True)


def _wait_cursor() -> Any:
    slicer: Any = slicer_module()
    return nullcontext() if getattr(slicer, "app", None) is None else slicer.util.WaitCursor()
