"""Steps that tell the body from the emptiness around it.

SimpleITK is imported where it is used: most runs do without its 90 MB.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ...models.operations import ZeroOutsideBody, ZScoreInside
from ..prepared import Prepared

_SMALLEST_DEVIATION = 1e-8


def z_score_inside(operation: ZScoreInside, prepared: Prepared) -> Prepared:
    """To mean 0 and standard deviation 1 inside of the body."""
    inside = _inside(prepared)
    values = prepared.values.clone()
    for channel in operation.channels:
        counted = values[channel][inside].double()
        if counted.numel() == 0:
            continue
        mean = float(counted.mean())
        deviation = max(float(counted.std(correction=0)), _SMALLEST_DEVIATION)
        values[channel] = torch.where(inside, (values[channel] - mean) / deviation, values[channel])
        prepared.poll()
    return prepared.with_values(values)


def zero_outside_body(_: ZeroOutsideBody, prepared: Prepared) -> Prepared:
    """0 outside of the body, slice by slice; the first channel tells where that is."""
    values = prepared.values.clone()
    for number in range(values.shape[1]):
        body = torch.from_numpy(_body(values[0, number].cpu().numpy()))
        values[:, number] *= body.to(values.device)
        prepared.poll()
    return prepared.with_values(values)


def _body(plane: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(b, c) mask of the body in one slice."""
    import SimpleITK as sitk

    low, high = float(plane.min()), float(plane.max())
    if low == high:
        return np.zeros(plane.shape, dtype=bool)
    # As whole numbers of 0 to 255, one bin each.
    grey = sitk.GetImageFromArray(((plane - low) / (high - low) * 255).astype(np.uint8))
    above = sitk.OtsuThreshold(grey, 0, 1, 256)
    cross, radius = sitk.sitkCross, (1, 1)
    eroded = sitk.BinaryErode(above, radius, cross, 0.0, 1.0, False)
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(eroded, True))
    sizes = np.bincount(parts.ravel())
    if len(sizes) == 1:
        return np.zeros(plane.shape, dtype=bool)
    largest = sitk.GetImageFromArray((parts == 1 + sizes[1:].argmax()).astype(np.uint8))
    dilated = sitk.BinaryDilate(largest, radius, cross, 0.0, 1.0)
    return np.asarray(sitk.GetArrayFromImage(sitk.BinaryFillhole(dilated, False, 1.0)) > 0)


def _inside(prepared: Prepared) -> torch.Tensor:
    """(a, b, c): not 0 in some channel, or wholly enclosed by such voxels (through faces)."""
    import SimpleITK as sitk

    nonzero = (prepared.values != 0).any(dim=0)
    prepared.poll()
    image = sitk.GetImageFromArray(nonzero.cpu().numpy().astype(np.uint8))
    filled = sitk.BinaryFillhole(image, fullyConnected=False, foregroundValue=1)
    prepared.poll()
    return torch.from_numpy(sitk.GetArrayFromImage(filled) > 0).to(prepared.values.device)
