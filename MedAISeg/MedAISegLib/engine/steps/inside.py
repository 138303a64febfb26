"""Steps that tell the body from the emptiness around it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
import torch

from ...models.operations import ZScoreInside
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


def _inside(prepared: Prepared) -> torch.Tensor:
    """(a, b, c): not 0 in some channel, or wholly enclosed by such voxels (through faces)."""
    nonzero = (prepared.values != 0).any(dim=0)
    prepared.poll()
    image = sitk.GetImageFromArray(nonzero.cpu().numpy().astype(np.uint8))
    filled = sitk.BinaryFillhole(image, fullyConnected=False, foregroundValue=1)
    prepared.poll()
    return torch.from_numpy(sitk.GetArrayFromImage(filled) > 0).to(prepared.values.device)
