"""Frames of a multi-frame object, each with its own place and rescale (PS3.3 C.7.6.16)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydicom.dataset import Dataset

from .dicom_attributes import items_of, numbers, spacing_of, text
from .dicom_records import Frame

FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")

_MARKS = {
    "TemporalPositionIndex": ("FrameContentSequence", "TemporalPositionIndex"),
    "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
    "AcquisitionDateTime": ("FrameContentSequence", "FrameAcquisitionDateTime"),
    "StackID": ("FrameContentSequence", "StackID"),
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "InversionTime": ("MRModifierSequence", "InversionTime"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "NominalPercentageOfCardiacPhase": ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
    "ConvolutionKernel": ("CTReconstructionSequence", "ConvolutionKernel"),
    "KVP": ("CTXRayDetailsSequence", "KVP"),
}

_FRAME_TYPES = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence")


def frames_of(dataset: Dataset, first: Frame, frame_count: int) -> tuple[Frame, ...]:
    """The frames of a file.

    Args:
        dataset: its header, with the functional groups.
        first: what the top level of the header says of the first frame.
        frame_count: NumberOfFrames.

    Returns:
        One frame for a single-frame file. Frames of a multi-frame file whose place the header does not give have no
        position: the top level describes at most the first of them.
    """
    per_frame = items_of(dataset, FUNCTIONAL_GROUPS[1])
    shared = (items_of(dataset, FUNCTIONAL_GROUPS[0]) or [Dataset()])[0]
    if len(per_frame) == frame_count:
        return tuple(_frame(first, index, own, shared) for index, own in enumerate(per_frame))
    if frame_count == 1:
        return (first,)
    return tuple(replace(first, index=index, position_lps=None) for index in range(frame_count))


def _frame(first: Frame, index: int, own: Dataset, shared: Dataset) -> Frame:
    spacing = spacing_of(_inner(own, shared, "PixelMeasuresSequence", "PixelSpacing"))
    orientation = numbers(_inner(own, shared, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    slope = _inner(own, shared, "PixelValueTransformationSequence", "RescaleSlope")
    intercept = _inner(own, shared, "PixelValueTransformationSequence", "RescaleIntercept")
    marks = {keyword: text(_inner(own, shared, *place)) for keyword, place in _MARKS.items()}
    marks["ImageType"] = next(
        (found for name in _FRAME_TYPES if (found := _frame_type(own, shared, name))), first.marks.get("ImageType", "")
    )
    gradient = _inner(own, shared, "MRDiffusionSequence", "DiffusionGradientDirectionSequence")
    if gradient:
        marks["DiffusionGradientOrientation"] = text(gradient[0].get("DiffusionGradientOrientation"))
    return replace(
        first,
        index=index,
        position_lps=numbers(_inner(own, shared, "PlanePositionSequence", "ImagePositionPatient"), 3),
        orientation=first.orientation if orientation is None else orientation,
        pixel_spacing_mm=spacing or first.pixel_spacing_mm,
        spacing_is_at_detector=spacing is None and first.spacing_is_at_detector,
        slope=first.slope if slope is None else float(slope),
        intercept=first.intercept if intercept is None else float(intercept),
        is_rescaled=first.is_rescaled or intercept is not None,
        marks=dict(first.marks) | {keyword: value for keyword, value in marks.items() if value},
    )


def _frame_type(own: Dataset, shared: Dataset, sequence: str) -> str:
    """Frame type with the complex component, which tells magnitude from phase."""
    parts = (_inner(own, shared, sequence, "FrameType"), _inner(own, shared, sequence, "ComplexImageComponent"))
    return "\\".join(text(part) for part in parts if part)


def _inner(own: Dataset, shared: Dataset, sequence: str, keyword: str) -> Any:
    """A value of the frame's own functional group, else of the one that all frames share."""
    for groups in (own, shared):
        for item in items_of(groups, sequence)[:1]:
            if item.get(keyword) is not None:
                return item.get(keyword)
    return None
