"""How fine and how large a piece of the patient a model looks at, in mm."""

from __future__ import annotations

from ..core.geometry import VolumeGeometry
from .operations import Conform, Resample
from .spec import ModelSpec

Lengths = tuple[float, float, float]

_CLEARLY_MORE = 1.5


def working_spacing_mm(spec: ModelSpec) -> Lengths | None:
    """The spacing that images are brought to, along the prepared array's axes; None where the model fixes none."""
    spacings: list[Lengths] = []
    for step in spec.stages[0].preprocessing:
        if isinstance(step, Resample):
            spacings.append(step.spacing_mm)
        elif isinstance(step, Conform):
            spacings.append((step.spacing_mm,) * 3)
    return spacings[-1] if spacings else None


def window_extent_mm(spec: ModelSpec) -> Lengths | None:
    """The size of the network's window; None where the model fixes no window or no spacing.

    A length of 0 stands for the whole image along that axis.
    """
    size, spacing_mm = spec.stages[0].windows.size, working_spacing_mm(spec)
    if size is None or spacing_mm is None:
        return None
    a, b, c = (n * mm for n, mm in zip(size, spacing_mm, strict=True))
    return a, b, c


def extent_mm(geometry: VolumeGeometry) -> Lengths:
    """The lengths of an image along its array axes."""
    a, b, c = (float(n * mm) for n, mm in zip(geometry.shape_kji, geometry.spacing_mm, strict=True))
    return a, b, c


def is_clearly_larger(geometry: VolumeGeometry, window_mm: Lengths) -> bool:
    """Whether an image is clearly more than one window, whichever way its axes run."""
    pairs = zip(sorted(extent_mm(geometry)), sorted(window_mm), strict=True)
    return any(image > _CLEARLY_MORE * window for image, window in pairs if window > 0)
