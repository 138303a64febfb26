"""Series of the DICOM database into the scene, by Slicer's own plugins; what comes back is checked."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from ..core.errors import InputError
from ..core.language import tr as _
from .dicom_candidate import series_candidate
from .dicom_database import open_database, series_row, series_title
from .dicom_instances import files_problem, locate
from .dicom_scan import POSITIONS_REPEATED
from .node_units import suv_type_in
from .scene import mrml_scene

_SEVERAL_VOLUMES = (POSITIONS_REPEATED, "mixed-orientation", "mixed-images")


def load_series(series_uid: str) -> Any:
    """The volume node of a series; it blocks as long as Slicer takes to read the files.

    A series that Slicer loads as a sequence gives the volume node that its browser shows.

    Raises:
        ResourceError: if the database is not open.
        InputError: if files are gone, no plugin can read the series, or it gave no volume, or several.
    """
    database = open_database()
    row = series_row(series_uid, database)
    title = series_title(row)
    problem = files_problem(_finished(locate(database, database.instancesForSeries(series_uid))), title)
    if problem is not None:
        raise problem
    return _volume_among(_loaded_nodes(list(database.filesForSeries(series_uid)), series_uid), title)


def _loaded_nodes(files: list[str], series_uid: str) -> list[Any]:
    """What the plugin that is surest makes of the files."""
    from DICOMLib import DICOMUtils

    offers, _ignored = DICOMUtils.getLoadablesFromFileLists([files])
    DICOMUtils.selectHighestConfidenceLoadables(offers)
    _prefer_whole([offer for plugin_offers in offers.values() for offer in plugin_offers], files, series_uid)
    scene = mrml_scene()
    nodes = (scene.GetNodeByID(node_id) for node_id in DICOMUtils.loadLoadables(offers))
    # A plugin may remove what it made on its way.
    return [node for node in nodes if node is not None]


def _prefer_whole(offers: Sequence[Any], files: Sequence[str], series_uid: str) -> None:
    """Slicer takes a series with a missing slice apart where any tag changes in it; it is one volume all the same."""
    chosen = [offer for offer in offers if offer.selected]
    whole = [offer for offer in offers if set(offer.files) == set(files)]
    if len(chosen) < 2 or not whole or any(offer in whole for offer in chosen):
        return
    candidate = _finished(series_candidate(series_uid))
    if candidate.geometry is None or any(notice.code in _SEVERAL_VOLUMES for notice in candidate.notices):
        return
    for offer in offers:
        offer.selected = offer is whole[0]


def _volume_among(nodes: Sequence[Any], title: str) -> Any:
    """Raises InputError unless exactly one of the nodes is meant by the series."""
    volumes = [
        node for node in nodes if node.IsA("vtkMRMLScalarVolumeNode") and not node.IsA("vtkMRMLLabelMapVolumeNode")
    ]
    # An extension for PET loads the same images in each kind of SUV; models want that by body weight.
    kinds = [suv_type_in(node.GetName() or "") for node in volumes]
    if all(kinds) and kinds.count("BW") == 1:
        volumes = [volumes[kinds.index("BW")]]
    if len(volumes) == 1:
        return volumes[0]
    if not nodes:
        raise InputError(
            _("none of Slicer's DICOM plugins could load the series."),
            where=title,
            remedy=_("Slicer's error log says why; load it in the module DICOM to try another plugin."),
        )
    if not volumes:
        found = ", ".join(sorted({node.GetNodeTagName() for node in nodes}))
        raise InputError(
            _("Slicer loaded the series as something else than a scalar volume ({found}).").format(found=found),
            where=title,
            remedy=_("Choose another series."),
        )
    raise InputError(
        _("Slicer made {count} volumes of the series.").format(count=len(volumes)),
        where=title,
        remedy=_("They are in the scene now: choose one of them as input."),
    )


def _finished(work: Generator[None, None, Any]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
