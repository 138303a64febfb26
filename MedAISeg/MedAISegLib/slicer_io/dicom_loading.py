"""Series of the DICOM database into the scene, by Slicer's own plugins; what comes back is checked."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import Any

from ..core.errors import InputError
from .dicom_database import open_database, series_row, series_title
from .dicom_instances import files_problem, locate
from .scene import mrml_scene

_BODY_WEIGHT = re.compile(r"suv ?bw|(?<!ideal[ _])body[ _]weight", re.IGNORECASE)
_OTHER_SUV = re.compile(r"suv ?(lbm|ibw|bsa)|lean[ _]body|ideal[ _]body|body[ _]surface", re.IGNORECASE)


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
    return _volume_among(_loaded_nodes(series_uid), title)


def _loaded_nodes(series_uid: str) -> list[Any]:
    from DICOMLib import DICOMUtils

    scene = mrml_scene()
    nodes = (scene.GetNodeByID(node_id) for node_id in DICOMUtils.loadSeriesByUID([series_uid]))
    # A plugin may remove what it made on its way.
    return [node for node in nodes if node is not None]


def _volume_among(nodes: Sequence[Any], title: str) -> Any:
    """Raises InputError unless exactly one of the nodes is meant by the series."""
    volumes = [
        node for node in nodes if node.IsA("vtkMRMLScalarVolumeNode") and not node.IsA("vtkMRMLLabelMapVolumeNode")
    ]
    # An extension for PET loads the same images in each kind of SUV; models want that by body weight.
    by_weight = [node for node in volumes if _BODY_WEIGHT.search(node.GetName() or "")]
    if len(by_weight) == 1 and all(node in by_weight or _OTHER_SUV.search(node.GetName() or "") for node in volumes):
        volumes = by_weight
    if len(volumes) == 1:
        return volumes[0]
    if not nodes:
        raise InputError(
            "none of Slicer's DICOM plugins could load the series.",
            where=title,
            remedy="Slicer's error log says why; load it in the module DICOM to try another plugin.",
        )
    if not volumes:
        kinds = ", ".join(sorted({node.GetNodeTagName() for node in nodes}))
        raise InputError(
            f"Slicer loaded the series as something else than a scalar volume ({kinds}).",
            where=title,
            remedy="Choose another series.",
        )
    names = ", ".join(f"“{node.GetName()}”" for node in volumes)
    raise InputError(
        f"Slicer made {len(volumes)} volumes of the series: {names}.",
        where=title,
        remedy="They are in the scene now: choose one of them as input.",
    )


def _finished(work: Generator[None, None, Any]) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
