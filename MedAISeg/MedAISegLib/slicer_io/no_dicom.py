"""Why the segments of a node cannot be written as a DICOM SEG."""

from __future__ import annotations

from enum import Enum

from ..core.language import tr as _


class NoDicom(Enum):
    """What is missing of the image that was segmented."""

    NO_IMAGE = "no-image"
    NOT_DICOM = "not-dicom"
    DATABASE_CLOSED = "database-closed"
    NOT_IN_DATABASE = "not-in-database"
    NO_FILES = "no-files"

    def in_words(self) -> str:
        """For a user, as a clause that can follow a colon."""
        return {
            NoDicom.NO_IMAGE: _("the image that was segmented is not in the scene"),
            NoDicom.NOT_DICOM: _(
                "the image that was segmented was not loaded from DICOM, so that the segments cannot refer to it"
            ),
            NoDicom.DATABASE_CLOSED: _(
                "Slicer's DICOM database, which knows the headers of the image that was segmented, is not open"
            ),
            NoDicom.NOT_IN_DATABASE: _("the image that was segmented is not in Slicer's DICOM database"),
            NoDicom.NO_FILES: _("the DICOM files of the image that was segmented are gone"),
        }[self]

    def way_out(self) -> str:
        """What the user can do."""
        if self is NoDicom.DATABASE_CLOSED:
            return _("Open it in the module DICOM, or choose another format.")
        if self is NoDicom.NOT_IN_DATABASE:
            return _("Import its study in the module DICOM, or choose another format.")
        if self is NoDicom.NO_FILES:
            return _("Put them back, or choose another format.")
        return _("Choose another format.")
