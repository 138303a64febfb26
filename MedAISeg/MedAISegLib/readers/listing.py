"""What a folder or file holds, known from headers alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from ..core.errors import MedAISegError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.series_place import NUMBER_IN_SERIES, place_in_series
from ..core.volume import SeriesReference


@dataclass(frozen=True, eq=False)
class ImageListing:
    """One image that can be read, or one object that cannot and why.

    It carries the same words as a Volume (modality, description, attributes, geometry, series), so that a series can be
    chosen for a model before its voxels are read.

    Attributes:
        reader: name of the reader in ``READERS`` that made it.
        kind: what it is, in a user's words, e.g. ``DICOM series`` or ``NIfTI``.
        paths: its files, in the order of the volume's slices where there is one file a slice.
        geometry: the grid of its volumes, None where it is not known or the object is no image.
        volume_count: number of volumes that reading gives, more than one for time series and the like.
        wanted: reading gives only this one of them, counted from 0.
        notices: what was found odd; reading may add to it.
        are_copies: whether its volumes hold the same pixels, so that reading gives one of them: read no further than
            to the first that differ; None where they are counted by the header. Raises InputError.
        problem: why it cannot be read, or what the user would have to accept (ConfirmationRequired).
        source: what its reader keeps for reading; nobody else's business.
    """

    reader: str
    kind: str
    paths: tuple[Path, ...]
    modality: str = ""
    description: str = ""
    geometry: VolumeGeometry | None = None
    series: SeriesReference | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    volume_count: int = 1
    wanted: int | None = None
    are_copies: Callable[[], bool] | None = field(default=None, repr=False)
    notices: tuple[Notice, ...] = ()
    problem: MedAISegError | None = None
    source: object = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    @property
    def names(self) -> tuple[str, ...]:
        """What a user calls each volume by: the series' UID, with a number where the series holds several.

        Empty for what is in no series, or cannot be read.
        """
        if self.series is None or self.problem is not None:
            return ()
        first = self.attributes.get(NUMBER_IN_SERIES)
        if first is None:
            return (self.series_instance_uid,)
        return tuple(place_in_series(self.series_instance_uid, int(first) + n) for n in range(self.volume_count))

    @property
    def study_instance_uid(self) -> str:
        """Empty for image files."""
        return self.series.study_instance_uid if self.series else ""

    @property
    def series_instance_uid(self) -> str:
        """Empty for image files."""
        return self.series.series_instance_uid if self.series else ""

    @property
    def series_number(self) -> str:
        """As the header writes it; empty where there is none."""
        return self.attributes.get("SeriesNumber", "")

    @property
    def size_ijk(self) -> tuple[int, int, int] | None:
        """Columns, rows, slices."""
        if self.geometry is None:
            return None
        k, j, i = self.geometry.shape_kji
        return i, j, k

    @property
    def spacing_ijk_mm(self) -> tuple[float, float, float] | None:
        """Distance between neighbouring columns, rows and slices, mm."""
        if self.geometry is None:
            return None
        k, j, i = (float(mm) for mm in self.geometry.spacing_mm)
        return i, j, k

    @property
    def orientation(self) -> str:
        """The patient sides to which columns, rows and slices run, e.g. ``LPS``; empty where there is no grid."""
        return self.geometry.axis_codes()[::-1] if self.geometry else ""


def with_numbers(listings: Sequence[ImageListing]) -> tuple[ImageListing, ...]:
    """The same; where a series (or what has no series' UID) holds several volumes, they are numbered in this order."""
    named = [listing for listing in listings if listing.names]
    totals = Counter[str]()
    for listing in named:
        totals[listing.series_instance_uid] += listing.volume_count
    met = Counter[str]()
    result = []
    for listing in listings:
        uid = listing.series_instance_uid
        if listing.names and totals[uid] > 1:
            attributes = {**listing.attributes, NUMBER_IN_SERIES: str(met[uid] + 1)}
            met[uid] += listing.volume_count
            listing = replace(listing, attributes=attributes)
        result.append(listing)
    return tuple(result)
