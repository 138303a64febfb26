"""Where a volume node came from: its DICOM series, by the database, the subject hierarchy and the node itself.

Slicer keeps the voxels and forgets the header; what models and exports need of it is found again here.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.errors import ConfirmationRequired, InputError
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.volume import SeriesReference
from .dicom_candidate import column_attributes, reference
from .dicom_database import DatabaseState, database_state, open_database, series_row
from .dicom_instances import SERIES_UID, cached_header, cached_value, locate, read_headers, sketch_headers
from .dicom_scan import POSITIONS_REPEATED, SeriesScan, scan
from .node_slices import in_slice_order, values_agree
from .node_units import node_modality, node_units

INSTANCE_UIDS = "DICOM.instanceUIDs"

_VALUES_DIFFER_BY_IMAGE = ("CT", "PT", "")
"""Modalities whose padding, rescale or times have to be read from each image; of others one header tells all."""


@dataclass(frozen=True, eq=False)
class Origin:
    """What is known of a node's origin.

    Attributes:
        modality: DICOM's, empty where nothing says it.
        description: SeriesDescription; empty for a node that did not come from DICOM.
        series: None for such a node; without files where they are not known or no longer there.
        attributes: as in ``Volume.attributes``. ``Units`` are those of the node's values as they are now.
        notices: what a user should know.
        problem: why the series is no volume that can be trusted, such as too many slices missing.
        question: what a user has to confirm before the values are taken as SUV; :meth:`accepted` is the answer.
    """

    modality: str = ""
    description: str = ""
    series: SeriesReference | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    problem: InputError | None = None
    question: ConfirmationRequired | None = None

    def accepted(self) -> Origin:
        """With the question answered by yes: the values are SUV by body weight."""
        if self.question is None:
            return self
        notice = Notice("suv-accepted", _("The image's values were taken as SUV by body weight (g/mL), as accepted."))
        attributes = dict(self.attributes) | {"Units": "GML", "SUVType": "BW"}
        return replace(self, attributes=attributes, notices=(*self.notices, notice), question=None)


def origin_of(node: Any) -> Origin:
    """What can be told at once: at most one file is opened, and that only the first time.

    The series has no files, and times are those of its first image: enough to match and to check. A run wants
    :func:`read_origin`.
    """
    uids = instance_uids(node)
    database = _database_with(uids)
    if database is None:
        return _with_units(_from_hierarchy(node, uids), node)
    row = series_row(_series_uid(database, uids[0]), database)
    header = cached_header(database.fileForInstance(uids[0]))
    origin = Origin(
        modality=row.modality,
        description=row.description,
        series=reference(database, row, uids),
        attributes=header.attributes if header else column_attributes(database, row.series_uid),
    )
    return _with_units(origin, node)


def read_origin(node: Any) -> Generator[None, None, Origin]:
    """Everything, from the headers of the node's images; yields after each of them.

    Where files are gone, what :func:`origin_of` knows, with a notice.
    """
    quick, uids = origin_of(node), instance_uids(node)
    database = _database_with(uids)
    yield
    if database is None or quick.series is None:
        return quick
    files = yield from locate(database, uids)
    if not files.complete:
        return replace(quick, notices=(*quick.notices, _gone_notice()))
    try:
        if quick.modality in _VALUES_DIFFER_BY_IMAGE:
            instances = yield from read_headers(files)
        else:
            instances = yield from sketch_headers(database, files)
        found = scan(instances, quick.description or node.GetName() or "")
    except InputError:
        return replace(quick, notices=(*quick.notices, _gone_notice()))
    ordered = in_slice_order(node, found.frames)
    origin = replace(
        quick,
        attributes=found.attributes,
        series=_in_order(found, ordered),
        notices=found.notices,
        problem=found.problem or _stacking_problem(node, found, quick.description),
        question=None,
    )
    yield
    return _with_units(origin, node, changed=origin.modality == "PT" and values_agree(node, ordered) is False)


def instance_uids(node: Any) -> tuple[str, ...]:
    """SOP instance UIDs that Slicer's plugin has noted on a node; empty for a node from elsewhere."""
    return tuple(uid for uid in (node.GetAttribute(INSTANCE_UIDS) or "").split() if uid != "Unknown")


def is_in_database(node: Any) -> bool:
    """Whether the open database knows the series of a node, be its files there or not."""
    return _database_with(instance_uids(node)) is not None


def _database_with(uids: tuple[str, ...]) -> Any:
    """The open database if it knows the first of the instances, else None."""
    if not uids or database_state() is not DatabaseState.READY:
        return None
    database = open_database()
    return database if _series_uid(database, uids[0]) else None


def _series_uid(database: Any, uid: str) -> str:
    found = cached_value(database, uid, SERIES_UID)
    series_uid: str = found or database.seriesForFile(database.fileForInstance(uid))
    return series_uid


def _from_hierarchy(node: Any, uids: tuple[str, ...]) -> Origin:
    """By the subject hierarchy, which is saved with the scene."""
    scene = node.GetScene()
    hierarchy: Any = scene.GetSubjectHierarchyNode() if scene is not None else None
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    if not item:
        return Origin(modality=node_modality(node))
    series_uid = hierarchy.GetItemUID(item, "DICOM")
    study = hierarchy.GetItemAncestorAtLevel(item, "Study")
    study_uid = hierarchy.GetItemUID(study, "DICOM") if study else ""
    words = ("Modality", "SeriesDescription", "SeriesNumber", "SeriesDate", "SeriesTime", "Manufacturer")
    attributes = {word: hierarchy.GetItemAttribute(item, f"DICOM.{word}") for word in words}
    series = None
    if series_uid or uids:
        frame = hierarchy.GetItemAttribute(item, "DICOM.FrameOfReferenceUID")
        series = SeriesReference(study_uid, series_uid, frame_of_reference_uid=frame, sop_instance_uids=uids)
    return Origin(
        modality=attributes["Modality"] or node_modality(node),
        description=attributes["SeriesDescription"],
        series=series,
        attributes={word: value for word, value in attributes.items() if value},
    )


def _in_order(found: SeriesScan, ordered: tuple[Any, ...]) -> SeriesReference:
    return replace(
        found.series,
        sop_instance_uids=tuple(dict.fromkeys(frame.sop_instance_uid for frame in ordered)),
        files=tuple(dict.fromkeys(frame.path for frame in ordered)),
    )


def _stacking_problem(node: Any, found: SeriesScan, title: str) -> InputError | None:
    """Slicer stacks the images of a series whatever they show; those at one place become a volume that never was."""
    repeated = any(notice.code == POSITIONS_REPEATED for notice in found.notices)
    if not repeated or node.GetImageData().GetDimensions()[2] <= len(found.frames):
        return None
    return InputError(
        _("several of its images lie at one place (a time series, or copies), and Slicer has put them on each other."),
        where=title,
        remedy=_("Load one of its parts: the module DICOM offers them under Advanced, Examine."),
    )


def _with_units(origin: Origin, node: Any, *, changed: bool = False) -> Origin:
    """The units of the node's values; for PET a question where they cannot be told.

    The node's own word counts before the header's: what has set it has changed the values too.
    """
    if origin.modality not in ("PT", ""):
        return origin
    contradictory = _("its units are none that are known, or contradict its name.")
    changed_since = _("its values were changed since it was loaded, so that its header no longer tells their units.")
    unreachable = _("its units are in the DICOM headers, and those cannot be reached.")
    unsaid = _("nothing says whether its values are SUV.")
    said = node_units(node)
    if said is None:
        return replace(_without_units(origin), question=_question(origin, node, contradictory))
    if said.units:
        without = _without_units(origin)
        return replace(without, attributes=dict(without.attributes) | said.attributes)
    if changed:
        return replace(_without_units(origin), question=_question(origin, node, changed_since))
    if origin.attributes.get("Units"):
        return origin
    return replace(origin, question=_question(origin, node, unreachable if instance_uids(node) else unsaid))


def _without_units(origin: Origin) -> Origin:
    kept = {keyword: value for keyword, value in origin.attributes.items() if keyword not in ("Units", "SUVType")}
    return replace(origin, attributes=kept)


def _question(origin: Origin, node: Any, what: str) -> ConfirmationRequired:
    return ConfirmationRequired(
        what,
        # Extensions put the patient's name into the names of nodes.
        where=origin.description or node.GetName() or "",
        remedy=_(
            "Accept that they are SUV by body weight (g/mL), or load the series from Slicer's DICOM database again."
        ),
    )


def _gone_notice() -> Notice:
    message = _(
        "The DICOM files of the image are no longer where they were: a DICOM SEG cannot be written, other formats can."
    )
    return Notice("files-gone", message)
