"""A node's segments as the user sees them, edits and additions included, into files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ..app.protocol import ExportReply, ExportRequest
from ..core.errors import InputError, UsageError
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.result import JobResult, Provenance
from ..core.volume import SeriesReference
from ..exporters import SEG_NRRD
from .dicom_database import DatabaseState, database_state
from .dicom_origin import is_in_database, origin_of, read_origin
from .no_dicom import NoDicom
from .node_description import describe_node
from .node_segments import RecordedNode, record_node
from .node_statistics import Ask, measure_record
from .pump import Pieces
from .run_record import RunRecord, provenance_of_node
from .writers import MeshKind, meshes_in_pieces

DICOM_SEG = "dicom-seg"

_WITH_NUMBERS = ("nifti", "tables")
"""Formats that hold volumes and statistics."""

_WRITTEN_HERE = tuple(kind.value for kind in MeshKind)
"""Formats that Slicer itself writes; the others are the worker's."""


def why_no_dicom(node: Any) -> NoDicom | None:
    """Why a DICOM SEG of a node cannot be written, as far as can be told at once; None where it can."""
    image = _image(node)
    if image is None:
        return NoDicom.NO_IMAGE
    if origin_of(image).series is None:
        return NoDicom.NOT_DICOM
    return None if is_in_database(image) else _why_not_in_database()


def export_node(
    node: Any,
    formats: Sequence[str],
    output: Path,
    *,
    folder: Path,
    ask: Ask,
    overwrite: bool = False,
) -> Pieces[ExportReply]:
    """Write files of a segmentation node into a folder, with what is in the node now.

    Segments that a run made and a person changed are marked as SEMIAUTOMATIC in DICOM SEG, a person's own as MANUAL,
    and both are named in the provenance.

    Args:
        formats: names of ``exporters.EXPORTERS``, ``stl`` or ``obj``.
        folder: for what the worker is given.
        ask: the worker.

    Raises:
        InputError: if DICOM SEG is wanted of an image that is no DICOM series.
        UsageError: if there is nothing to write, or a file is there and may not be overwritten.
        ResourceError: if a file cannot be written.
    """
    if node.GetSegmentation().GetNumberOfSegments() == 0:
        raise UsageError(_("the segmentation has no segments."), remedy=_("Run a model or draw a segment first."))
    files: dict[str, tuple[Path, ...]] = {}
    notices: list[Notice] = []
    asked = tuple(name for name in formats if name not in _WRITTEN_HERE)
    if asked:
        reply = yield from _by_worker(node, asked, output, folder, ask, overwrite=overwrite)
        files |= reply.files
        notices += reply.notices
    for name in formats:
        if name in _WRITTEN_HERE:
            path = output / f"segmentation.{name}"
            written = yield from meshes_in_pieces(node, path, MeshKind(name), overwrite=overwrite)
            files[name] = written.files
            notices += written.notices
    return ExportReply(files, tuple(dict.fromkeys(notices)))


def provenance_of_export(runs: Sequence[RunRecord], edited: Sequence[str], added: Sequence[str]) -> Provenance:
    """The runs behind segments as one record, which says what a person has changed or drawn.

    A DICOM SEG has room for one algorithm here: of several models each segment's is in the parameters.
    """
    made = [run.provenance for run in runs if run.segments]
    parameters: dict[str, str] = {}
    for run in made:
        parameters |= run.parameters
    if len({run.model_id for run in made}) > 1:
        parameters |= {f"segments of {r.provenance.model_id}": ", ".join(r.segments) for r in runs if r.segments}
    if edited:
        parameters["edited"] = ", ".join(edited)
    if added:
        parameters["drawn by hand"] = ", ".join(added)
    latest = made[-1] if made else Provenance("", "", "", "", "", {}, "", {}, "")
    return replace(
        latest,
        model_id=_joined(run.model_id for run in made),
        model_name=_joined(run.model_name for run in made),
        model_version=_joined(run.model_version for run in made),
        model_sha256=_joined(run.model_sha256 for run in made),
        parameters=parameters,
    )


def _by_worker(
    node: Any, formats: tuple[str, ...], output: Path, folder: Path, ask: Ask, *, overwrite: bool
) -> Pieces[ExportReply]:
    series = yield from _series(node, is_needed=DICOM_SEG in formats)
    recorded = yield from record_node(node, folder, series=series, whole=formats == (SEG_NRRD,))
    record = replace(recorded.record, node=describe_node(node, recorded.segment_ids))
    whole = None
    if recorded.notices and SEG_NRRD in formats:
        again = yield from record_node(node, folder, whole=True)
        whole = replace(again.record, node=describe_node(node, again.segment_ids))
    runs = provenance_of_node(node)
    is_measured = any(name in _WITH_NUMBERS for name in formats)
    result = JobResult(
        segments=(yield from measure_record(node, recorded, folder, ask)).segments if is_measured else (),
        provenance=provenance_of_export(_under_present_names(runs, recorded), recorded.edited, recorded.added),
        timings_s=runs[-1].timings_s if runs else {},
        peak_memory_bytes=runs[-1].peak_memory_bytes if runs else 0,
    )
    request = ExportRequest(folder, record, result, formats, output, overwrite, recorded.edited, whole)
    reply = cast("ExportReply", (yield from ask(request)))
    return replace(reply, notices=(*recorded.notices, *reply.notices))


def _series(node: Any, *, is_needed: bool) -> Pieces[SeriesReference | None]:
    image = _image(node)
    if not is_needed:
        return None
    if image is None:
        raise _no_dicom(NoDicom.NO_IMAGE)
    origin = yield from read_origin(image)
    if origin.series is None:
        raise _no_dicom(NoDicom.NOT_DICOM)
    if not origin.series.files:
        raise _no_dicom(NoDicom.NO_FILES if is_in_database(image) else _why_not_in_database())
    return origin.series


def _why_not_in_database() -> NoDicom:
    is_open = database_state() in (DatabaseState.READY, DatabaseState.EMPTY)
    return NoDicom.NOT_IN_DATABASE if is_open else NoDicom.DATABASE_CLOSED


def _no_dicom(reason: NoDicom) -> InputError:
    return InputError(_("no DICOM SEG can be written: {why}.").format(why=reason.in_words()), remedy=reason.way_out())


def _image(node: Any) -> Any:
    return node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())


def _under_present_names(runs: Sequence[RunRecord], recorded: RecordedNode) -> tuple[RunRecord, ...]:
    """The user may have renamed what a run has made."""
    names: Mapping[str, str] = {
        segment_id: s.name for segment_id, s in zip(recorded.segment_ids, recorded.record.segments, strict=True)
    }
    return tuple(replace(run, segments={names[i]: i for i in run.segments.values() if i in names}) for run in runs)


def _joined(values: Any) -> str:
    return "; ".join(dict.fromkeys(value for value in values if value))
