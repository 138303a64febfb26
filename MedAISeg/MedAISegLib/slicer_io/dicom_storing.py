"""DICOM SEG files back into Slicer's DICOM database, beside the study they were made from."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import InputError, ResourceError
from ..core.language import tr as _
from ..core.notice import Notice
from .dicom_database import open_database
from .scene import slicer_module

_SEGMENTATION_PLUGIN = "DICOMSegmentationPlugin"


def insert_segmentation(path: Path, study_uid: str) -> None:
    """Store a copy of a DICOM file in the database, and make sure that it lies there under its source's study.

    Args:
        path: a file that may be deleted afterwards.
        study_uid: StudyInstanceUID of the images that it was made from.

    Raises:
        InputError: if the file is no DICOM object.
        ResourceError: if the database is not open, or the file did not arrive in it.
    """
    database = open_database()
    instance_uid, series_uid = _identity(path)
    # The database remembers what it inserted last, although another connection may have removed it since.
    database.prepareInsert()
    database.insert(str(path), True, False)
    stored = database.fileForInstance(instance_uid)
    if not stored or not Path(stored).is_file():
        raise _not_stored(_("it does not appear in the database"))
    if Path(stored).stat().st_size != path.stat().st_size:
        raise _not_stored(_("its copy is incomplete, as on a full disk"))
    if Path(database.databaseDirectory).resolve() not in Path(stored).resolve().parents:
        raise _not_stored(_("the database did not take a copy of it"))
    if database.studyForSeries(series_uid) != study_uid:
        raise _not_stored(_("it does not lie under the study of its source images"))
    # Else the database's browser shows the new row without its texts.
    database.updateDisplayedFields()


def reading_notice() -> Notice | None:
    """What is needed to load a DICOM SEG from the database again; None where this Slicer can."""
    if _SEGMENTATION_PLUGIN in getattr(slicer_module().modules, "dicomPlugins", {}):
        return None
    message = _(
        "The DICOM SEG is in the database. To load it again from there, this version of Slicer "
        "needs the extension QuantitativeReporting (Extensions Manager)."
    )
    return Notice("segmentation-reader-missing", message)


def _identity(path: Path) -> tuple[str, str]:
    """SOPInstanceUID and SeriesInstanceUID."""
    from ..readers.dicom_header import read_header

    instance = read_header(path)
    if instance is None or not (instance.sop_instance_uid and instance.series_instance_uid):
        raise InputError(_("it is no DICOM object that a database could hold."), where=path.name)
    return instance.sop_instance_uid, instance.series_instance_uid


def _not_stored(why: str) -> ResourceError:
    return ResourceError(
        _("the DICOM SEG could not be stored in Slicer's DICOM database: {why}.").format(why=why),
        remedy=_("Check that the database's folder can be written to and has space left, or export to a folder."),
    )
