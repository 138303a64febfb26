"""Random views of a case: where the scanner's grid lay, how much it covered, how bright it was.

One resampling makes pose, size, shape, field of view and the zero-filled corners of an oblique grid at once;
the contrast changes follow it, and the bundle's own normalisation comes last, as at inference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .cases import Case

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Augmentation:
    """How far the views go: angles in degrees, lengths in mm (= voxels), intensities per 99th percentile."""

    patch: Triple = (40, 56, 40)  # even, see _resample
    lower_percentile: float = 1.0
    upper_percentile: float = 99.0
    pose_probability: float = 0.8
    small_angle: float = 15.0
    large_angle: float = 38.0
    large_angle_probability: float = 0.35
    scale: tuple[float, float] = (0.83, 1.22)
    axis_scale: tuple[float, float] = (0.92, 1.09)
    shift: float = 6.0
    bend_probability: float = 0.35
    bend: float = 2.0
    trim_probability: float = 0.3
    trim: int = 4
    surround_probability: float = 0.35
    gamma_probability: float = 0.4
    bias_probability: float = 0.4
    coarse_probability: float = 0.25
    sharpness_probability: float = 0.25
    noise_probability: float = 0.4
    offset_probability: float = 0.15
    contrast_probability: float = 0.4


def draw_view(case: Case, options: Augmentation, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """One random view of a case: image (1, i, j, k) float32 in 0..1 and labels (1, i, j, k) int64."""
    image, labels, covered = _resample(case, options, rng)
    image = _change_contrast(image, options, rng)
    return _normalise(image, covered, options, rng)[None], labels[None]


def _uniform(rng: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=rng))


def _chance(rng: torch.Generator, probability: float) -> bool:
    return float(torch.rand((), generator=rng)) < probability


def _resample(
    case: Case, options: Augmentation, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Image, labels and coverage (1 where the case has data) on the patch grid, each (i, j, k)."""
    shape = torch.tensor(case.image.shape, dtype=torch.float32)
    points = _patch_points_mm(options.patch)
    posed = _chance(rng, options.pose_probability)
    if posed and _chance(rng, options.bend_probability):
        points = points + _smooth_field(options.patch, 3, _uniform(rng, 0.0, options.bend), rng).movedim(0, -1)
    if posed:
        points = points @ _random_linear(options, rng).T
    points = points + _random_shift(posed, options, rng)
    if _chance(rng, 0.5):
        points = points * torch.tensor([-1.0, 1.0, 1.0])
    # Whole-voxel steps leave unposed views exactly as sharp as the data, as inference on a 1 mm image sees them.
    centre = (shape - 1) / 2 if posed else torch.floor(shape / 2) - 0.5
    normalised = 2 * (points + centre) / (shape - 1) - 1
    channels = torch.stack(
        [case.image, (case.labels == 1).float(), (case.labels == 2).float(), _field_of_view(case, options, rng)]
    )
    channels[:3] *= channels[3]
    sampled = F.grid_sample(channels[None], normalised.flip(-1)[None], padding_mode="zeros", align_corners=True)[0]
    background = 1 - sampled[1] - sampled[2]
    labels = torch.stack([background, sampled[1], sampled[2]]).argmax(0)
    if _chance(rng, options.surround_probability):
        return sampled[0] + (1 - sampled[3]) * _surround(case, normalised, rng), labels, torch.ones_like(sampled[3])
    return sampled[0], labels, sampled[3]


def _surround(case: Case, normalised: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Tissue (i, j, k) for where the crop ends: the crop itself upside down and displaced, with no hippocampus to find.

    A box cut from a whole head shows tissue all round, which the training crops never do.
    """
    displaced = normalised + (2 * torch.rand(3, generator=rng) - 1)
    upside_down = displaced * torch.tensor([1.0, 1.0, -1.0])
    image = case.image[None, None]
    return F.grid_sample(image, upside_down.flip(-1)[None], padding_mode="reflection", align_corners=True)[0, 0]


def _patch_points_mm(patch: Triple) -> torch.Tensor:
    axes = [torch.arange(size, dtype=torch.float32) - (size - 1) / 2 for size in patch]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def _random_linear(options: Augmentation, rng: torch.Generator) -> torch.Tensor:
    large = _chance(rng, options.large_angle_probability)
    axis = F.normalize(torch.randn(3, generator=rng), dim=0)
    angle = math.radians(_uniform(rng, 0.0, options.large_angle if large else options.small_angle))
    cross = torch.linalg.cross(torch.eye(3), axis.expand(3, 3))
    rotation = torch.linalg.matrix_exp(angle * cross)
    per_axis = torch.tensor([_uniform(rng, *options.axis_scale) for _ in range(3)])
    return rotation @ torch.diag(per_axis / _uniform(rng, *options.scale))


def _random_shift(posed: bool, options: Augmentation, rng: torch.Generator) -> torch.Tensor:
    shift = (2 * torch.rand(3, generator=rng) - 1) * options.shift
    return shift if posed else shift.round()


def _smooth_field(patch: Triple, channels: int, size: float, rng: torch.Generator) -> torch.Tensor:
    """A random field (channels, i, j, k) of standard deviation ``size`` that varies over about a third of the patch."""
    coarse = torch.randn((1, channels, 4, 5, 4), generator=rng) * size
    return F.interpolate(coarse, size=patch, mode="trilinear", align_corners=True)[0]


def _field_of_view(case: Case, options: Augmentation, rng: torch.Generator) -> torch.Tensor:
    seen = torch.ones_like(case.image)
    if _chance(rng, options.trim_probability):
        for axis in range(3):
            low, high = (int(_uniform(rng, 0, options.trim + 1)) for _ in range(2))
            seen.narrow(axis, 0, low).zero_()
            seen.narrow(axis, seen.shape[axis] - high, high).zero_()
    return seen


def _change_contrast(image: torch.Tensor, options: Augmentation, rng: torch.Generator) -> torch.Tensor:
    if _chance(rng, options.gamma_probability):
        image = image.clamp_min(0) ** math.exp(_uniform(rng, -0.45, 0.45))
    if _chance(rng, options.bias_probability):
        image = image * torch.exp(_smooth_field(options.patch, 1, _uniform(rng, 0.0, 0.25), rng)[0])
    if _chance(rng, options.coarse_probability):
        image = _coarsen(image, rng)
    if _chance(rng, options.sharpness_probability):
        smooth = F.avg_pool3d(image[None], 3, stride=1, padding=1, count_include_pad=False)[0]
        image = image + _uniform(rng, -0.7, 0.8) * (smooth - image)
    if _chance(rng, options.noise_probability):
        image = image + _uniform(rng, 0.0, 0.08) * torch.randn(image.shape, generator=rng)
    return image


def _coarsen(image: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    size = [max(8, round(length / _uniform(rng, 1.0, 2.0))) for length in image.shape]
    coarse = F.interpolate(image[None, None], size=size, mode="trilinear", align_corners=True)
    return F.interpolate(coarse, size=tuple(image.shape), mode="trilinear", align_corners=True)[0, 0]


def _normalise(image: torch.Tensor, covered: torch.Tensor, options: Augmentation, rng: torch.Generator) -> torch.Tensor:
    """Scale between percentiles to 0..1, either of what is covered or of everything, zero-filled corners included."""
    if _chance(rng, options.offset_probability):
        image = image + _uniform(rng, 0.0, 0.8)
    image = image * (covered if _chance(rng, 0.5) else (covered > 0.5))
    inside = image if _chance(rng, 0.5) else image[covered > 0.5]
    ordered = inside.flatten()[::3].sort().values
    low = ordered[int(options.lower_percentile / 100 * (len(ordered) - 1))]
    high = ordered[int(options.upper_percentile / 100 * (len(ordered) - 1))]
    scaled = (image - low) / (high - low).clamp_min(1e-6)
    if _chance(rng, options.contrast_probability):
        scaled = scaled * _uniform(rng, 0.8, 1.25) + _uniform(rng, -0.1, 0.1)
    return scaled.clamp(0, 1) * (covered > 0)
