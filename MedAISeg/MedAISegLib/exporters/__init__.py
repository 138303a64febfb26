"""Slicer's own file, DICOM SEG, NIfTI and tables; each written atomically.

A writer is one function, and one line in ``EXPORTERS``::

    def write_x(
        segmentation: Segmentation, result: JobResult, path: Path, *, overwrite: bool = False, poll: Poll = never
    ) -> Written: ...

It writes ``path`` and whatever belongs beside it, completely or not at all, and calls ``poll`` several times a second.
Raises UsageError where a file is there already and may not be overwritten, InputError where the format cannot hold the
segmentation, ResourceError where the disk is full or the folder cannot be written, and what ``poll`` raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ..core.progress import Poll, never
from .written import Written

Writer = Callable[..., Written]


@dataclass(frozen=True)
class ExportFormat:
    """A format that a segmentation can be written in.

    Attributes:
        file_name: the name of the file in an output folder.
        writer: ``module:attribute`` of the function that writes it.
    """

    file_name: str
    writer: str

    def load(self) -> Writer:
        """The function that writes it."""
        module, attribute = self.writer.split(":")
        function: Writer = getattr(import_module(module), attribute)
        return function

    def write(
        self, segmentation: object, result: object, folder: Path, *, overwrite: bool = False, poll: Poll = never
    ) -> Written:
        """Write into a folder under the format's usual name."""
        return self.load()(segmentation, result, folder / self.file_name, overwrite=overwrite, poll=poll)


SEG_NRRD = "seg.nrrd"
"""Slicer's own: the one format that holds all of a node, on whatever grid."""

EXPORTERS = {
    SEG_NRRD: ExportFormat("segmentation.seg.nrrd", "MedAISegLib.exporters.seg_nrrd:write_seg_nrrd"),
    "dicom-seg": ExportFormat("segmentation.dcm", "MedAISegLib.exporters.dicom_seg:write_dicom_seg"),
    "nifti": ExportFormat("segmentation.nii.gz", "MedAISegLib.exporters.nifti:write_nifti"),
    "tables": ExportFormat("segments.csv", "MedAISegLib.exporters.tables:write_tables"),
}
"""Format name to its writer."""
