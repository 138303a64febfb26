"""Copies of a case as other scanners and exports would have stored it: same anatomy, another grid or another scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from monai.data import MetaTensor
from monai.transforms import BorderPad, Orientation, SpatialResample


@dataclass(frozen=True, eq=False)
class Pair:
    """Image and labels on one grid, each (1, i, j, k) with a RAS affine in mm."""

    image: MetaTensor
    labels: MetaTensor


Perturbation = Callable[[Pair], Pair]


def reorder(axcodes: str) -> Perturbation:
    """Permute and flip the axes, exactly."""
    turn = Orientation(axcodes=axcodes)
    return lambda pair: Pair(turn(pair.image), turn(pair.labels))


def rescale(slope: float, intercept: float) -> Perturbation:
    """Another intensity unit."""
    return lambda pair: Pair(pair.image * slope + intercept, pair.labels)


def regrid(spacing_mm: tuple[float, float, float], angles_deg: tuple[float, float, float]) -> Perturbation:
    """Resample onto a turned grid that covers the whole image; what lies outside the image becomes zero."""

    def apply(pair: Pair) -> Pair:
        affine, size = _covering_grid(pair.image, spacing_mm, angles_deg)
        keep = {"dst_affine": affine, "spatial_size": size, "padding_mode": "zeros", "align_corners": True}
        image = SpatialResample(mode="bilinear")(pair.image, **keep)
        labels = SpatialResample(mode="nearest")(pair.labels, **keep)
        return Pair(image, labels)

    return apply


def pad(low: tuple[int, int, int], high: tuple[int, int, int]) -> Perturbation:
    """More field of view, in voxels before and after, of which nothing was recorded."""
    add = BorderPad([n for ends in zip(low, high, strict=True) for n in ends])
    return lambda pair: Pair(add(pair.image), add(pair.labels))


def store(dtype: torch.dtype, largest: float) -> Perturbation:
    """Whole numbers, from 0 to the largest."""

    def apply(pair: Pair) -> Pair:
        image = pair.image - pair.image.min()
        return Pair((image * (largest / float(image.max()))).round().to(dtype), pair.labels)

    return apply


def chain(*perturbations: Perturbation) -> Perturbation:
    """One after the other."""

    def apply(pair: Pair) -> Pair:
        for perturbation in perturbations:
            pair = perturbation(pair)
        return pair

    return apply


MM = (1.0, 1.0, 1.0)
STRAIGHT = (0.0, 0.0, 0.0)
_AXES = ["".join(codes) for codes in itertools.product("RL", "AP", "SI")] + ["ASR", "SRA", "PLI", "IRP", "SAL", "LIA"]

PERTURBATIONS: Mapping[str, Perturbation] = {
    "original": lambda pair: pair,
    **{f"axes {codes}": reorder(codes) for codes in _AXES[1:]},
    "oblique 10 deg": regrid(MM, (0.0, 0.0, 10.0)),
    "oblique 20 deg": regrid(MM, (0.0, 0.0, 20.0)),
    "oblique 30 deg": regrid(MM, (30.0, 0.0, 0.0)),
    "oblique 25, -12 deg": regrid(MM, (25.0, -12.0, 0.0)),
    "oblique 15, 20, -15 deg": regrid(MM, (15.0, 20.0, -15.0)),
    "intensity / 1000": rescale(0.001, 0.0),
    "intensity 3.7 x + 250": rescale(3.7, 250.0),
    "intensity - 500": rescale(1.0, -500.0),
    "bytes": store(torch.uint8, 255.0),
    "4-byte whole numbers to 2,000,000": store(torch.int32, 2e6),
    "oblique, then intensity 3.7 x + 250": chain(regrid(MM, (20.0, 10.0, 0.0)), rescale(3.7, 250.0)),
    "intensity + 800, then oblique": chain(rescale(1.0, 800.0), regrid(MM, (20.0, 10.0, 0.0))),
    "zeros around, 10 voxels": pad((10, 10, 10), (10, 10, 10)),
    "zeros around, 30 and 5 voxels": pad((30, 5, 30), (5, 30, 5)),
    "intensity + 800, then zeros around": chain(rescale(1.0, 800.0), pad((15, 15, 15), (15, 15, 15))),
    "spacing 0.7 mm": regrid((0.7, 0.7, 0.7), STRAIGHT),
    "spacing 0.8 x 0.8 x 1.3 mm": regrid((0.8, 0.8, 1.3), STRAIGHT),
    "spacing 0.7 x 2.0 x 0.7 mm": regrid((0.7, 2.0, 0.7), STRAIGHT),
    "spacing 1.5 mm": regrid((1.5, 1.5, 1.5), STRAIGHT),
    "spacing 2.0 mm": regrid((2.0, 2.0, 2.0), STRAIGHT),
    "oblique 0.9 x 0.9 x 1.5 mm, axes LSA": chain(regrid((0.9, 0.9, 1.5), (12.0, 17.0, 0.0)), reorder("LSA")),
}


def _covering_grid(
    image: MetaTensor, spacing_mm: tuple[float, float, float], angles_deg: tuple[float, float, float]
) -> tuple[torch.Tensor, list[int]]:
    turn = _rotation(angles_deg)
    ends = [(-0.5, size - 0.5) for size in image.shape[1:]]
    corners = torch.tensor([[*corner, 1.0] for corner in itertools.product(*ends)], dtype=torch.float64)
    turned = (corners @ image.affine.T)[:, :3] @ turn
    spacing = torch.tensor(spacing_mm, dtype=torch.float64)
    extent = turned.max(0).values - turned.min(0).values
    size = torch.ceil(extent / spacing - 1e-6)
    centre = (turned.max(0).values + turned.min(0).values) / 2
    affine = torch.eye(4, dtype=torch.float64)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = turn @ (centre - spacing * (size - 1) / 2)
    return affine, [int(length) for length in size]


def _rotation(angles_deg: tuple[float, float, float]) -> torch.Tensor:
    matrix = torch.eye(3, dtype=torch.float64)
    for axis, angle in enumerate(angles_deg):
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        first, second = (index for index in range(3) if index != axis)
        step = torch.eye(3, dtype=torch.float64)
        step[first, first] = step[second, second] = cosine
        step[first, second], step[second, first] = -sine, sine
        matrix = matrix @ step
    return matrix
