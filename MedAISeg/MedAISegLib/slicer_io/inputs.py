"""What a run can take its images from: volumes of the scene, or series of Slicer's DICOM database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.colours import PHOTOMETRIC, RGB
from ..core.errors import ConfirmationRequired, InputError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.volume import SeriesReference
from .dicom_origin import origin_of
from .volume_node import is_picture, node_grid

VOLUME_CLASS = "vtkMRMLVolumeNode"
_SCALAR_CLASS = "vtkMRMLScalarVolumeNode"


@dataclass(frozen=True)
class NodeInput:
    """A volume node of the scene."""

    node_id: str


@dataclass(frozen=True)
class SeriesInput:
    """A series of the DICOM database, which is loaded when the run starts."""

    series_uid: str


Input = NodeInput | SeriesInput


@dataclass(frozen=True, eq=False)
class NodeCandidate:
    """What is known of a volume node without looking at its voxels; geometry in the world, LPS mm.

    Attributes:
        bent: it lies under a transform that bends it, so that it has to be resampled.
        question: what has to be confirmed before its values are taken as SUV.
    """

    input: NodeInput
    name: str
    modality: str
    description: str
    geometry: VolumeGeometry | None
    series: SeriesReference | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    bent: bool = False
    question: ConfirmationRequired | None = None


def scene_candidates(scene: Any, *, pictures: bool = False) -> tuple[NodeCandidate, ...]:
    """The scalar volumes that are shown to the user, in the order of the scene; coloured pictures too where wanted."""
    nodes = _visible_volumes(scene)
    return tuple(candidate_of(node) for node in nodes if not why_excluded(node, pictures=pictures))


def excluded_volumes(scene: Any, *, pictures: bool = False) -> tuple[tuple[str, str], ...]:
    """Name of each volume that cannot be an input, and why."""
    excluded = ((node, why_excluded(node, pictures=pictures)) for node in _visible_volumes(scene))
    return tuple((node.GetName() or "", why) for node, why in excluded if why)


def candidate_of(node: Any) -> NodeCandidate:
    """What matching and checking look at; only headers and tags.

    Raises:
        InputError: if the node cannot be an input; the text says why.
    """
    if why := why_excluded(node, pictures=True):
        raise InputError(f"{why}.", where=node.GetName() or "", remedy=_("Choose another volume."))
    origin, grid = origin_of(node), node_grid(node)
    return NodeCandidate(
        input=NodeInput(node.GetID()),
        name=node.GetName() or "",
        modality=origin.modality,
        description=origin.description or node.GetName() or "",
        geometry=grid.world,
        series=origin.series,
        attributes={**origin.attributes, PHOTOMETRIC: RGB} if is_picture(node) else origin.attributes,
        notices=origin.notices,
        bent=not grid.exact,
        question=origin.question,
    )


def why_excluded(node: Any, *, pictures: bool = False) -> str:
    """Why a volume node cannot be an input, as half a sentence; empty where it can.

    Args:
        pictures: coloured ones can be, as for models of flat images.
    """
    if pictures and node.IsA(_SCALAR_CLASS) and is_picture(node):
        return ""
    if not node.IsA(_SCALAR_CLASS):
        return _("it is no scalar volume")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        return _("it holds labels, not an image")
    if node.IsA("vtkMRMLVectorVolumeNode"):
        return _("it has several values a voxel (a colour image, for models of flat images, or vectors)")
    if node.IsA("vtkMRMLTensorVolumeNode"):
        return _("it holds tensors")
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0 or image.GetPointData().GetScalars() is None:
        return _("it is empty")
    if image.GetNumberOfScalarComponents() != 1:
        return _("it has several values a voxel")
    return ""


def _visible_volumes(scene: Any) -> Iterator[Any]:
    for n in range(scene.GetNumberOfNodesByClass(VOLUME_CLASS)):
        node = scene.GetNthNodeByClass(n, VOLUME_CLASS)
        if not node.GetHideFromEditors():
            yield node
