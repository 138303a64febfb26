"""What a DICOM stack leaves open and can be assumed only with the user's consent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core.language import tr as _
from ..core.notice import Notice
from .dicom_records import Frame
from .dicom_series import Stack, is_projection


def questions_of(stack: Stack) -> tuple[str, ...]:
    """What is not known of a stack that lies in the patient, each with what would be assumed; mostly nothing.

    The size of the pixels decides over every length and volume, so that a guess needs consent; a projection has no
    lengths in the patient anyway.
    """
    questions = [stack.question] if stack.question else []
    if not is_projection(stack.first):
        questions += _about_spacing(stack.frames[0])
    if _lacks_slope(stack):
        questions.append(_("its RescaleSlope is 0, which would make all its voxels equal; it is taken as 1."))
    return tuple(questions)


def rescale_notice(stack: Stack) -> tuple[Notice, ...]:
    """A CT has to say how its values become HU (PS3.3 C.8.2.1); where it does not, they mostly are HU already."""
    if stack.first.modality != "CT" or all(frame.is_rescaled for frame in stack.frames):
        return ()
    message = _("The files do not say how their values become HU (RescaleIntercept); they were taken as HU.")
    return (Notice("rescale-missing", message),)


def with_assumptions(stack: Stack) -> Stack:
    """The stack as it is read once its questions are accepted."""
    if not _lacks_slope(stack):
        return stack
    sloped = {frame: replace(frame, slope=1.0) for frame in stack.frames}
    copies = tuple((sloped[kept], replace(copy, slope=1.0)) for kept, copy in stack.copies)
    return replace(stack, frames=tuple(sloped.values()), copies=copies)


def _about_spacing(frame: Frame) -> Iterator[str]:
    if frame.pixel_spacing_mm is None:
        yield _(
            "it does not say how large its pixels are (PixelSpacing is missing or not above zero); 1 x 1 mm is "
            "assumed, and all lengths and volumes depend on it."
        )
    elif frame.spacing_is_at_detector:
        down, across = frame.pixel_spacing_mm
        yield _(
            "it says how large its pixels are at the detector only, where the patient appears magnified "
            "(ImagerPixelSpacing); that size, {across} x {down} mm, is assumed."
        ).format(across=f"{across:.4g}", down=f"{down:.4g}")


def _lacks_slope(stack: Stack) -> bool:
    """Whether no image has a slope; where some have one, that of the others is for their pixels to judge."""
    return all(frame.slope == 0.0 for frame in stack.frames)
