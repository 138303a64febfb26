"""What the readers keep of a DICOM header: plain values, checked once, no pydicom objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .dicom_plain import PlainPixels

Vector = NDArray[np.float64]

PALETTE = "PALETTE COLOR"
"""PhotometricInterpretation of pixels that are numbers of colours (PS3.3 C.7.6.3.1.2)."""

ASSUMED_SPACING_MM = (1.0, 1.0)
"""Of pixels whose size the header does not give; whoever assumes it has to say so."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice: a single-frame file, or one frame of a multi-frame file.

    Attributes:
        index: of the frame within its file.
        position_lps: (3,) centre of the first pixel, mm; None where the header does not say.
        orientation: (6,) direction cosines of a row and of a column (PS3.3 C.7.6.2.1.1), None where missing.
        pixel_spacing_mm: between rows, between columns; None where the header does not say.
        spacing_is_at_detector: whether that is where the rays fell, not in the patient (ImagerPixelSpacing).
        slope, intercept: of the rescale.
        is_rescaled: whether the header says how stored values become values (PS3.3 C.11.1).
        marks: values that may tell frames at one place apart, by DICOM keyword; none at all where they were not read.
        plain: where the file's pixels lie, None where they must be decoded.
    """

    path: Path
    sop_instance_uid: str
    index: int = 0
    position_lps: Vector | None = None
    orientation: Vector | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    spacing_is_at_detector: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    is_rescaled: bool = True
    marks: Mapping[str, str] = field(default_factory=dict)
    plain: PlainPixels | None = None

    @property
    def normal(self) -> Vector:
        """(3,) row direction times column direction."""
        if self.orientation is None:
            raise ValueError("a frame without orientation has no normal")
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        return np.asarray(normal / np.linalg.norm(normal))


@dataclass(frozen=True, eq=False)
class Instance:
    """One file.

    Attributes:
        stored_bytes: length of the pixel data that the file really holds, None where it cannot be told from the header.
        expected_bytes: length that uncompressed pixel data must have; None for compressed ones.
        padding_stored: PixelPaddingValue and PixelPaddingRangeLimit, as stored values, low and high.
        attributes: as in ``Volume.attributes``.
        missing: keywords of the identifiers that are empty.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    modality: str
    description: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    samples: int
    photometric: str
    colour_map: bool
    frame_count: int
    frames: tuple[Frame, ...]
    slice_thickness_mm: float | None
    stored_bytes: int | None
    expected_bytes: int | None
    padding_stored: tuple[int, int] | None
    attributes: Mapping[str, str]
    missing: tuple[str, ...]

    @property
    def is_coloured(self) -> bool:
        """Whether a pixel stands for a colour; which may be a grey one."""
        return self.samples != 1 or self.photometric == PALETTE

    @property
    def is_localizer(self) -> bool:
        return "LOCALIZER" in self.image_type

    @property
    def is_mosaic(self) -> bool:
        return "MOSAIC" in self.image_type
