"""A markups ROI of the scene as the box that limits a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.geometry import LPS_TO_RAS
from ..core.language import tr as _
from ..core.region import OrientedBox, Vector
from .geometry import array_from_matrix, to_world_matrix
from .scene import vtk_module

ROI_CLASS = "vtkMRMLMarkupsROINode"

_SHEAR_TOLERANCE = 1e-3


def region_from_node(node: Any) -> OrientedBox:
    """The box of a ``vtkMRMLMarkupsROINode`` in the world, LPS mm; it may be rotated and lie under linear transforms.

    Raises:
        InputError: if the node is no ROI, has not been drawn yet, stands for what is outside it, or lies under a
            transform that makes it no box: one that bends, shears or flattens it.
    """
    name = node.GetName() or _("the region")
    if not node.IsA(ROI_CLASS):
        raise InputError(_("it is no region of interest (ROI)."), where=name, remedy=_("Choose a markups ROI."))
    size_mm = np.array(node.GetSize(), dtype=np.float64)
    if node.GetNumberOfDefinedControlPoints() < 1 or not (size_mm > 0.0).all():
        raise InputError(
            _("the region is not drawn yet."), where=name, remedy=_("Place it in a view, or use no region.")
        )
    if node.GetInsideOut():
        raise InputError(_("the region is turned inside out."), where=name, remedy=_("Switch that off in Markups."))
    object_to_node = vtk_module().vtkMatrix4x4()
    object_to_node.DeepCopy(node.GetObjectToNodeMatrix())
    to_world_ras = _parent_to_world(node, name) @ array_from_matrix(object_to_node)
    axes = (LPS_TO_RAS @ to_world_ras)[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not (lengths > 1e-9).all():
        raise InputError(_("its transform flattens the region."), where=name, remedy=_choose_another())
    unit = axes / lengths
    if np.abs(unit.T @ unit - np.eye(3)).max() > _SHEAR_TOLERANCE:
        raise InputError(
            _("its transform shears the region, which is no box then."), where=name, remedy=_choose_another()
        )
    first, second, third = (_vector(unit[:, axis]) for axis in range(3))
    center = (LPS_TO_RAS @ to_world_ras)[:3, 3]
    return OrientedBox(_vector(center), (first, second, third), _vector(size_mm * lengths))


def _parent_to_world(node: Any, name: str) -> NDArray[np.float64]:
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        raise InputError(_("it lies under a transform that bends it."), where=name, remedy=_choose_another())
    return to_world_matrix(parent)


def _choose_another() -> str:
    return _("Harden the transform on the region, take it out of the transform, or draw another region.")


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
