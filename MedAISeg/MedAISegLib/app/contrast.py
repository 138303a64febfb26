"""What an image seems to show, told from its description and its sequence tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Weighting(Enum):
    """What makes tissues differ in an MR image."""

    T1 = "T1"
    T2 = "T2"
    FLAIR = "FLAIR"
    T2_STAR = "T2*"
    DIFFUSION = "DWI"
    ADC = "ADC"
    PROTON_DENSITY = "PD"


@dataclass(frozen=True)
class Appearance:
    """A guess, with its ground in a user's words; None where nothing is known."""

    weighting: Weighting | None = None
    weighting_ground: str = ""
    enhanced: bool | None = None
    enhanced_ground: str = ""


_WEIGHTINGS = (
    (Weighting.ADC, r"adc|apparent diffusion"),
    (Weighting.DIFFUSION, r"dwi|dti|diff(usion)?|trace|b ?\d{3,4}"),
    (Weighting.FLAIR, r"flair|tirm|dark ?fluid|t2 ?w? ?f(lair)?"),
    (Weighting.T2_STAR, r"t2 ?star|t2s|t2\*|swi|swan|gre|hemo"),
    (Weighting.T2, r"t2[a-z]?"),
    (Weighting.PROTON_DENSITY, r"pd[w]?|proton ?density"),
    (Weighting.T1, r"t1( ?(w|c|n|ce|gd|km|post|pre|contrast|native))?[a-z]?|mp ?rage|f?spgr|bravo|vibe|lava|thrive"),
)
"""Whole words, the narrower meanings first: a FLAIR's description often says T2 as well."""

_ENHANCED = r"post|post ?contrast|contrast|gad[a-z]*|gd|km|ce|\+c|t1 ?w? ?(c|ce|gd|km|post|contrast|\+c)|enhanced"
_NATIVE = r"pre|pre ?contrast|nativ[a-z]*|without|non ?contrast|no ?contrast|unenhanced|plain|nc|t1 ?(n|pre|native)"

_BY_CONTRAST_TAG = {
    "T1": Weighting.T1, "T2": Weighting.T2, "T2_STAR": Weighting.T2_STAR, "FLUID_ATTENUATED": Weighting.FLAIR,
    "DIFFUSION": Weighting.DIFFUSION, "PROTON_DENSITY": Weighting.PROTON_DENSITY,
}  # fmt: skip
"""Values of AcquisitionContrast (PS3.3 C.8.13.3.1.1)."""


def appearance_of(description: str, attributes: Mapping[str, str]) -> Appearance:
    """What the words of a description say, and, where they are silent, the tags."""
    texts = [text for text in (description, attributes.get("ProtocolName", "")) if text]
    weighting = next(((w, text) for text in texts if (w := _weighting(text))), None)
    by_words = (weighting[0], f"“{weighting[1]}”") if weighting else (None, "")
    by_tags = _weighting_by_tags(attributes)
    enhanced = next(((e, text) for text in texts if (e := _enhanced(text)) is not None), None)
    agent = attributes.get("ContrastBolusAgent", "")
    contrast = (enhanced[0], f"“{enhanced[1]}”") if enhanced else (True, "ContrastBolusAgent") if agent else (None, "")
    return Appearance(*(by_words if by_words[0] else by_tags), *contrast)


def words_of(text: str) -> str:
    """Lower-case words with single spaces, as the patterns want them."""
    return " ".join(re.sub(r"[^a-z0-9*+]+", " ", text.lower()).split())


def has_word(pattern: str, text: str) -> bool:
    """Whether the pattern matches one or more whole words of the text."""
    return re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", words_of(text)) is not None


def _weighting(text: str) -> Weighting | None:
    return next((weighting for weighting, pattern in _WEIGHTINGS if has_word(pattern, text)), None)


def _enhanced(text: str) -> bool | None:
    if has_word(_NATIVE, text):
        return False
    return True if has_word(_ENHANCED, text) else None


def _weighting_by_tags(attributes: Mapping[str, str]) -> tuple[Weighting | None, str]:
    """By AcquisitionContrast, else by the usual timings of spin echo at 1.5 and 3 T (ms) and of short gradient echo."""
    named = _BY_CONTRAST_TAG.get(attributes.get("AcquisitionContrast", "").upper())
    if named:
        return named, "AcquisitionContrast"
    echo_ms, repetition_ms = _number(attributes, "EchoTime"), _number(attributes, "RepetitionTime")
    inversion_ms = _number(attributes, "InversionTime")
    if echo_ms is None or repetition_ms is None:
        return None, ""
    ground = f"TE {echo_ms:g}, TR {repetition_ms:g} ms"
    if inversion_ms and 1500 <= inversion_ms <= 3000 and echo_ms >= 70:
        return Weighting.FLAIR, f"{ground}, TI {inversion_ms:g} ms"
    if echo_ms >= 70 and repetition_ms >= 1800:
        return Weighting.T2, ground
    if echo_ms <= 30 and repetition_ms <= 1000:
        return Weighting.T1, ground
    if echo_ms <= 10 and inversion_ms and inversion_ms >= 600:
        return Weighting.T1, f"{ground}, TI {inversion_ms:g} ms"
    return None, ""


def _number(attributes: Mapping[str, str], keyword: str) -> float | None:
    try:
        return float(attributes.get(keyword, "").split("\\")[0])
    except ValueError:
        return None
