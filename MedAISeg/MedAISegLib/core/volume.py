"""An image in memory with its place in the patient and what is known of its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import VolumeGeometry
from .notice import Notice

Voxels = NDArray[Any]


@dataclass(frozen=True)
class SeriesReference:
    """The DICOM series that a volume was made from.

    Attributes:
        sop_instance_uids: in the order of the volume's slices (one for a multi-frame object).
        files: the files of those instances, in the same order; empty where only the UIDs are known.
    """

    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uids: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar image.

    Attributes:
        voxels: (k, j, i), real-world values: HU for CT, activity or SUV for PET, arbitrary units for MR.
        geometry: index to LPS mm.
        modality: DICOM's Modality (``CT``, ``MR``, ``PT``, …), empty where the source does not say.
        description: DICOM's SeriesDescription or the file's name.
        series: the DICOM series behind it, None for image files.
        attributes: what matching and quantities need, keyed by DICOM keyword (``ContrastBolusAgent``, ``EchoTime``,
            ``ImageType``, ``Units``, …); multiple values joined by a backslash. Never a patient's identity.
        notices: what a user should know about how the volume came to be.
    """

    voxels: Voxels
    geometry: VolumeGeometry
    modality: str = ""
    description: str = ""
    series: SeriesReference | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        if self.voxels.shape != self.geometry.shape_kji:
            raise ValueError(f"voxels {self.voxels.shape} do not fit the geometry {self.geometry.shape_kji}")
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def with_voxels(self, voxels: Voxels, *notices: Notice) -> Volume:
        """The same volume with other values, and what is to be said about the change."""
        return replace(self, voxels=voxels, attributes=dict(self.attributes), notices=self.notices + notices)

    def window(self, start_kji: tuple[int, int, int], shape_kji: tuple[int, int, int]) -> Volume:
        """A box of the volume, which must lie inside it; the voxels are a view."""
        box = tuple(slice(a, a + n) for a, n in zip(start_kji, shape_kji, strict=True))
        return replace(
            self,
            voxels=self.voxels[box],
            geometry=self.geometry.window(start_kji, shape_kji),
            attributes=dict(self.attributes),
        )

    @property
    def value_range(self) -> tuple[float, float] | None:
        """Smallest and largest finite value; None where no value is finite."""
        finite = self.voxels if self.voxels.dtype.kind in "iu" else self.voxels[np.isfinite(self.voxels)]
        return (float(finite.min()), float(finite.max())) if finite.size else None
