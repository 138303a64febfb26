"""How well an image fits a channel of a model, and why, in a user's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..core.colours import colour_number
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.series_place import NUMBER_IN_SERIES, place_in_series
from ..core.volume import SeriesReference
from ..models.spec import Channel
from .contrast import Appearance, Weighting, appearance_of, has_word, words_of

_RADIOGRAPHS = {"CR", "DX", "RG"}
"""What DICOM calls a radiograph depends on how it was recorded."""

_MODALITY_WORDS = {"CT": "ct", "PT": "pet|pt|suv", "MR": "mr|mri"}


class Candidate(Protocol):
    """What matching looks at; a Volume has it, and so has a listing whose voxels are not read yet."""

    @property
    def modality(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, str]: ...

    @property
    def geometry(self) -> VolumeGeometry | None: ...

    @property
    def series(self) -> SeriesReference | None: ...


def fit(channel: Channel, image: Candidate, *, flat: bool = False) -> tuple[float, str]:
    """How well an image fits a channel, and why, in a user's words; ``flat`` for a model of flat images."""
    score, reasons = 0.0, []
    if channel.modality and image.modality:
        score += -2.0 if is_other_modality(channel, image) else 2.0
        reasons.append(_("modality {modality}").format(modality=image.modality))
    elif has_word(_MODALITY_WORDS.get(channel.modality, "(?!)"), image.description):
        score += 2.0
        reasons.append(_names(image, channel.modality))
    wanted, seen = appearance_of(channel.name, {}), appearance_of(image.description, image.attributes)
    points, why = appearance_points(wanted, seen)
    score += points
    reasons += why
    name = words_of(channel.name)
    if wanted.weighting is None and name != "image" and has_word(name, image.description):
        score += 3.0
        reasons.append(_names(image, channel.name))
    if "LOCALIZER" in image.attributes.get("ImageType", "").split("\\") or (_slices(image) == 1 and not flat):
        score -= 1.5
        reasons.append(_("a localizer or single slice"))
    return score, ", ".join(reasons) or _("nothing known against it")


def appearance_points(wanted: Appearance, seen: Appearance) -> tuple[float, list[str]]:
    """Above 0 for the wanted weighting, below for another, 0 where nothing is known; contrast agent counts for T1."""
    if wanted.weighting is None:
        return 0.0, []
    if seen.weighting is None:
        return 0.0, [_("weighting unknown")]
    reasons = [_("{weighting} by {ground}").format(weighting=seen.weighting.value, ground=seen.weighting_ground)]
    if seen.weighting is not wanted.weighting:
        return -4.0, reasons
    score = 4.0
    if wanted.enhanced:
        contrast = {True: 2.0, None: -2.0, False: -6.0}[seen.enhanced]
    else:
        contrast = {True: -2.0, None: 0.0, False: 1.0}[seen.enhanced] if wanted.weighting is Weighting.T1 else 0.0
    if seen.enhanced is not None and contrast:
        words = _("with contrast agent by {ground}") if seen.enhanced else _("without contrast agent by {ground}")
        reasons.append(words.format(ground=seen.enhanced_ground))
    return score + contrast, reasons


def is_other_modality(channel: Channel, image: Candidate) -> bool:
    """Whether both say their modality, and they are different kinds of images."""
    wanted, found = channel.modality, image.modality
    return bool(wanted and found and wanted != found and not {wanted, found} <= _RADIOGRAPHS)


def _names(image: Candidate, what: str) -> str:
    return _("“{description}” names {what}").format(description=image.description, what=what)


def _slices(image: Candidate) -> int:
    return image.geometry.shape_kji[0] if image.geometry else 0


def image_of(channel: str) -> str:
    """``image for T1``; just ``image`` where the channel itself is called that, or is a colour of it."""
    if channel.casefold() == "image" or colour_number(channel) is not None:
        return _("image")
    return _("image for {channel}").format(channel=channel)


def describe(image: Candidate) -> str:
    """One line that lets a user tell an image from others: series number, description, modality, size, UID."""
    number = image.attributes.get("SeriesNumber")
    size = " x ".join(str(n) for n in image.geometry.shape_kji[::-1]) if image.geometry else ""
    uid = image.series.series_instance_uid if image.series else ""
    if place := image.attributes.get(NUMBER_IN_SERIES):
        uid = place_in_series(uid, int(place))
    numbered = _("number {number}").format(number=number) if number else ""
    parts = (numbered, image.description or _("no description"), image.modality, size, uid)
    return ", ".join(part for part in parts if part)
