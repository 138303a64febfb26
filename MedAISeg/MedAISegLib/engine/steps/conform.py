"""FreeSurfer's conform: one grid and one range of intensities for every head."""

from __future__ import annotations

import numpy as np
import torch

from ...core.geometry import VolumeGeometry, patient_axes_lps
from ...models.operations import Conform, Interpolation, Orient, ScaleRange
from ..prepared import Prepared
from ..resampling import Outside
from .intensity import mapped
from .spatial import orient, resampled

_LARGEST = 255.0


def conform(operation: Conform, prepared: Prepared) -> Prepared:
    """A cube along the patient's axes about the volume's centre, values from 0 to 255; zero outside the volume."""
    turned = orient(Orient(operation.axis_codes), prepared)
    target = _target(operation, turned.geometry)
    on_grid = target.matches(turned.geometry)
    if on_grid and _is_of_bytes(turned.values):
        return turned
    # The top is looked for in the volume as it came: the zeros around it and interpolation would move it.
    scaled = turned.with_values(_robustly_scaled(turned.values, operation.clipped))
    return scaled if on_grid else resampled(scaled, target, Interpolation.LINEAR, Outside.ZERO)


def _target(operation: Conform, source: VolumeGeometry) -> VolumeGeometry:
    size = operation.size
    affine = np.eye(4)
    affine[:3, :3] = patient_axes_lps(operation.axis_codes) * operation.spacing_mm
    centre = source.index_to_lps((np.asarray(source.shape_kji) - 1.0) / 2.0)
    affine[:3, 3] = centre - affine[:3, :3] @ np.full(3, (size - 1.0) / 2.0)
    return VolumeGeometry((size, size, size), affine)


def _is_of_bytes(values: torch.Tensor) -> bool:
    return bool((values >= 0.0).all() and (values <= _LARGEST).all() and (values == values.round()).all())


def _robustly_scaled(values: torch.Tensor, clipped: float) -> torch.Tensor:
    counted = values[values != 0].cpu().numpy()
    if counted.size == 0:
        return values
    rank = counted.size - 1 - int(clipped * counted.size)
    top = float(np.partition(counted, rank)[rank])
    return mapped(values, ScaleRange(float(values.min()), top, 0.0, _LARGEST, clip=True))
