"""Copies of a case as other scanners and exports would have stored it: same anatomy, another grid or another scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from monai.data import MetaTensor
from monai.transforms import Orientation, SpatialResample


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


def chain(*perturbations: Perturbation) -> Perturbation:
    """One after the other."""

    def apply(pair: Pair) -> Pair:
        for perturbation in perturbations:
            pair = perturbation(pair)
        return pair

    return apply


PERTURBATIONS: Mapping[str, Perturbation] = {
    "original": lambda pair: pair,
    "axes LPS": reorder("LPS"),
    "axes SAL": reorder("SAL"),
    "axes IRP": reorder("IRP"),
    "oblique 20 deg": regrid((1.0, 1.0, 1.0), (0.0, 0.0, 20.0)),
    "oblique 25, -12 deg": regrid((1.0, 1.0, 1.0), (25.0, -12.0, 0.0)),
    "oblique 15, 20, -15 deg": regrid((1.0, 1.0, 1.0), (15.0, 20.0, -15.0)),
    "intensity 3.7 x + 250": rescale(3.7, 250.0),
    "oblique, then intensity 3.7 x + 250": chain(regrid((1.0, 1.0, 1.0), (20.0, 10.0, 0.0)), rescale(3.7, 250.0)),
    "intensity + 800, then oblique": chain(rescale(1.0, 800.0), regrid((1.0, 1.0, 1.0), (20.0, 10.0, 0.0))),
    "spacing 0.8 x 0.8 x 1.3 mm": regrid((0.8, 0.8, 1.3), (0.0, 0.0, 0.0)),
    "spacing 0.7 x 2.0 x 0.7 mm": regrid((0.7, 2.0, 0.7), (0.0, 0.0, 0.0)),
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
