"""Words for a user: translation, and numbers as people say them."""

from __future__ import annotations

from html import escape

from ..core.language import tr as _
from ..core.language import translate_by

__all__ = [
    "_", "as_written", "colour_square", "escape", "readable_bytes", "readable_modality", "readable_seconds",
    "speak_as_slicer",
]  # fmt: skip

_MODALITIES = {"PT": "PET", "CT": "CT", "MR": "MR"}


def speak_as_slicer() -> None:
    """From now on texts come in Slicer's language, from its translations for the source file that a text stands in."""
    from slicer.i18n import getContext, translate

    translate_by(lambda text, source_file: str(translate(getContext(source_file), text)))


def as_written(text: str) -> str:
    """A text for a tooltip, which shows a text with tags as rich text: as it is, whoever wrote it.

    Rich text may name pictures on this computer and on others, and Qt opens them.
    """
    if "<" not in text and "&" not in text:
        return text
    return f'<p style="white-space:pre-wrap">{escape(text, quote=False)}</p>'


def readable_bytes(count: int) -> str:
    """``812 kB``, ``1.2 GB``; decimal, as disks and downloads are labelled."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def readable_seconds(seconds: float) -> str:
    """``8 s``, ``2 min 5 s``, ``1 h 10 min``."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    if whole < 3600:
        return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return _("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


def readable_modality(modality: str) -> str:
    """DICOM's Modality as people say it; several may be joined by a plus sign."""
    if not modality:
        return _("Any image")
    return " + ".join(_MODALITIES.get(part, part) for part in modality.split("+"))


def colour_square(color_rgb: tuple[int, int, int]) -> str:
    """A small square of a colour, as rich text."""
    red, green, blue = color_rgb
    return f'<span style="color:#{red:02x}{green:02x}{blue:02x}">&#9632;</span>'
