"""The steps that prepare images for a network, and those that clean its labels, as data.

Each is carried out in :mod:`MedAISegLib.engine.steps`; spatial ones are undone in reverse order. Array axes are those
of the prepared array at that step; a case enters as (channel, k, j, i).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Interpolation(Enum):
    """How values between voxel centres are found."""

    NEAREST = "nearest"
    LINEAR = "linear"


@dataclass(frozen=True)
class ReverseAxes:
    """From (k, j, i) to (i, j, k): the order in which MONAI, nibabel and FreeSurfer index an image."""


@dataclass(frozen=True)
class Transpose:
    """New axis n is the present axis ``order[n]``."""

    order: tuple[int, int, int]


@dataclass(frozen=True)
class Orient:
    """Permute and flip so that the array axes run to the given patient sides, e.g. ``RAS`` (MONAI Orientation)."""

    axis_codes: str


@dataclass(frozen=True)
class Resample:
    """To a spacing along each array axis, first voxel centre kept (MONAI Spacing, ``diagonal=False``).

    Attributes:
        spacing_mm: along each array axis; a value of 0 keeps that axis.
        tolerance: a spacing that differs by no more than this share of the wanted one stays.
        single_precision: places are computed in 32 bits, which decides whether a voxel at the edge of an empty
            background gets a trace of its neighbour.
    """

    spacing_mm: tuple[float, float, float]
    interpolation: Interpolation = Interpolation.LINEAR
    tolerance: float = 0.0
    single_precision: bool = False


@dataclass(frozen=True)
class Resize:
    """To the number of voxels that comes nearest to a spacing, the volume's outer edges kept (nnU-Net).

    Cubic splines, or ``linear``; where the largest spacing of an image exceeds ``anisotropy`` times the smallest, that
    axis is resampled on its own by the nearest slice. Scores come back linearly, along such an axis by the nearest.
    A value of 0 in ``spacing_mm``, along each array axis, keeps that axis.
    """

    spacing_mm: tuple[float, float, float]
    anisotropy: float = 3.0
    linear: bool = False


@dataclass(frozen=True)
class ResizeTo:
    """To a fixed number of voxels, linearly, the volume's outer edges kept (``cv2.resize``).

    Attributes:
        size: along each array axis; 0 keeps that axis.
        floored_labels: labels come back from ``floor(index * ratio)``, as ``nearest`` means it in cv2 and in torch.
        averaged: a value is the mean of those that its voxel touches (torch's ``area``); the way back stays linear.
    """

    size: tuple[int, int, int]
    floored_labels: bool = False
    averaged: bool = False


@dataclass(frozen=True)
class Zoom:
    """To a spacing, linearly, the first and last voxel centres of each axis kept (``scipy.ndimage.zoom``).

    What follows takes the wanted spacing for the true one, and labels are decided on this grid: they come back by the
    nearest voxel, as TotalSegmentator has it.

    Attributes:
        spacing_mm: along each array axis.
        whole_numbers: what is behind the point of a value is cut off.
    """

    spacing_mm: tuple[float, float, float]
    whole_numbers: bool = True


@dataclass(frozen=True)
class Conform:
    """Into a cube along the patient's axes and to 0..255, much as FreeSurfer's ``mri_convert --conform`` does.

    Smallest value..top become 0..255, clipped; the top is what only a small share of the voxels other than 0 exceeds.
    The cube lies about the middle of the volume's outer edges, so that it does not matter in which order the voxels are
    stored (FreeSurfer's lies half a voxel farther); beyond the volume are zeros. A volume on such a grid, of whole
    numbers from 0 to 255, is conformed already and stays as it is.

    Attributes:
        size: voxels along each axis of the cube.
        spacing_mm: the same along each axis.
        axis_codes: the patient sides that the array axes run to, e.g. ``LIA``.
        clipped: share of the voxels other than 0 that lie above the top.
    """

    size: int
    spacing_mm: float
    axis_codes: str
    clipped: float = 0.001


@dataclass(frozen=True)
class CropForeground:
    """To the box of values above the threshold in any channel, plus a margin in voxels (MONAI CropForeground).

    Attributes:
        within_image: the margin ends at the image's edge; otherwise it is padded with zeros beyond it.
    """

    threshold: float = 0.0
    margin: int = 0
    within_image: bool = False


@dataclass(frozen=True)
class CropNonzero:
    """To the box of values other than 0 in any channel (nnU-Net)."""


@dataclass(frozen=True)
class PadToMultiple:
    """With zeros on both sides until each axis is a multiple of ``multiple`` (MONAI DivisiblePad)."""

    multiple: tuple[int, int, int]


@dataclass(frozen=True)
class PadToSize:
    """With zeros on both sides until each axis is at least that long (MONAI SpatialPad)."""

    size: tuple[int, int, int]


@dataclass(frozen=True)
class ScaleRange:
    """Map source_min..source_max linearly onto target_min..target_max (MONAI ScaleIntensityRange)."""

    source_min: float
    source_max: float
    target_min: float = 0.0
    target_max: float = 1.0
    clip: bool = False


@dataclass(frozen=True)
class ScalePercentiles:
    """Map the values at two percentiles (0 to 100) onto target_min..target_max (MONAI ScaleIntensityRangePercentiles).

    ``nonzero`` takes the percentiles of the values other than 0.
    """

    lower: float
    upper: float
    target_min: float = 0.0
    target_max: float = 1.0
    clip: bool = False
    channel_wise: bool = False
    nonzero: bool = False


@dataclass(frozen=True)
class MinMax:
    """Map smallest..largest value linearly onto target_min..target_max (MONAI ScaleIntensity)."""

    target_min: float = 0.0
    target_max: float = 1.0
    channel_wise: bool = False


@dataclass(frozen=True)
class ZScore:
    """Subtract the mean and divide by the standard deviation (MONAI NormalizeIntensity).

    Attributes:
        nonzero: only values other than 0 count and change.
        channel_wise: each channel by its own statistics.
        mean: subtract this instead (one for all, or one a channel).
        std: divide by this instead.
    """

    nonzero: bool = False
    channel_wise: bool = False
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


@dataclass(frozen=True)
class ZScoreInside:
    """Each of some channels by its own mean and deviation inside of the body; what is outside stays (nnU-Net).

    Inside is where any channel is not 0, and what such voxels wholly enclose.

    Attributes:
        channels: that change, counted from 0.
    """

    channels: tuple[int, ...]


@dataclass(frozen=True)
class ZeroOutsideBody:
    """0 for what is not the body in each slice across the first axis.

    The body is what lies above the slice's own threshold (Otsu), eroded by a cross, of that the largest component
    (through edges and corners), dilated again, with what it encloses. A slice without any is all 0.
    """


@dataclass(frozen=True)
class Clip:
    """Limit values to minimum..maximum, None leaves that side open; ``whole`` cuts off what is behind the point."""

    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class ShiftScale:
    """value * factor + offset, e.g. HU / 1000 for CT, grey / 255 for radiographs (MONAI ShiftIntensity)."""

    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class LogCompress:
    """log(1 + max(value, 0) / scale): flattens the long tail of SUV images."""

    scale: float = 1.0


@dataclass(frozen=True)
class FromMinimum:
    """Subtract the smallest value and divide by the (sample) standard deviation of all values (Auto3DSeg for PET)."""


@dataclass(frozen=True)
class Sigmoid:
    """1 / (1 + exp(-value)): any range into 0..1."""


@dataclass(frozen=True)
class SoftLimit:
    """limit * tanh(value / limit): small values stay, none gets beyond the limit."""

    limit: float


@dataclass(frozen=True)
class OnChannel:
    """An intensity operation on one channel; the others stay. ``channel`` counts from 0."""

    channel: int
    operation: IntensityOperation


SpatialOperation = (
    ReverseAxes
    | Transpose
    | Orient
    | Resample
    | Resize
    | ResizeTo
    | Zoom
    | Conform
    | CropForeground
    | CropNonzero
    | PadToMultiple
    | PadToSize
)
IntensityOperation = (
    ScaleRange
    | ScalePercentiles
    | MinMax
    | ZScore
    | Clip
    | ShiftScale
    | LogCompress
    | FromMinimum
    | Sigmoid
    | SoftLimit
)
Operation = SpatialOperation | IntensityOperation | OnChannel | ZScoreInside | ZeroOutsideBody


@dataclass(frozen=True)
class KeepLargestComponent:
    """Keep the largest 6- or 26-connected component of each label (of all labels where ``labels`` is empty).

    Attributes:
        together: the labels count as one structure, of which all components of the largest size stay (nnU-Net).
    """

    labels: tuple[int, ...] = ()
    connectivity: int = 26
    together: bool = False


@dataclass(frozen=True)
class RemoveSmallComponents:
    """Remove the 6- or 26-connected components of a label up to a volume (of all labels where ``labels`` is empty)."""

    volume_mm3: float
    labels: tuple[int, ...] = ()
    connectivity: int = 26


@dataclass(frozen=True)
class FillHoles:
    """Fill what a label wholly encloses, other labels included (all labels where ``labels`` is empty; MONAI)."""

    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class NumberVertebrae:
    """Number vertebral bodies anew where they are mixed up, and grow all of them by so many mm (``vertebrae_pp``).

    ``labels`` stand in their order along the spine, the topmost first.
    """

    labels: tuple[int, ...]
    smallest_mm3: float = 100.0
    grown_mm: float = 3.0


LabelOperation = KeepLargestComponent | RemoveSmallComponents | FillHoles | NumberVertebrae
