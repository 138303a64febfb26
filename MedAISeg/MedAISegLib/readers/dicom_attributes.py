"""The words of a DICOM header that matching and quantities need; never a patient's identity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from ..core.quantities import GE_SCAN_DATE_TIME, PHILIPS_ACTIVITY_FACTOR, PHILIPS_SUV_FACTOR
from .dicom_records import Vector

PLAIN = (
    "ImageType", "Modality", "SeriesNumber", "SeriesDescription", "ProtocolName", "BodyPartExamined", "Laterality",
    "Manufacturer", "ContrastBolusAgent", "ScanningSequence", "SequenceVariant", "SequenceName", "ScanOptions",
    "MRAcquisitionType", "EchoTime", "RepetitionTime", "InversionTime", "FlipAngle", "EchoNumbers", "EchoTrainLength",
    "DiffusionBValue", "MagneticFieldStrength", "PulseSequenceName", "AcquisitionContrast", "ConvolutionKernel", "KVP",
    "SliceThickness", "SpacingBetweenSlices", "PatientPosition", "PatientOrientation", "ViewPosition", "Units",
    "SUVType", "DecayCorrection", "CorrectedImage", "CountsSource", "SeriesType", "RescaleType", "PatientWeight",
    "PatientSize", "PatientSex", "SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime",
    "AcquisitionDateTime",
)  # fmt: skip
"""Keywords that are taken as they stand at the top level of the header."""

_RADIOPHARMACEUTICAL = (
    "Radiopharmaceutical", "RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime", "RadionuclideTotalDose",
    "RadionuclideHalfLife",
)  # fmt: skip

_PRIVATE = (
    (0x7053, "Philips PET Private Group", 0x00, PHILIPS_SUV_FACTOR),
    (0x7053, "Philips PET Private Group", 0x09, PHILIPS_ACTIVITY_FACTOR),
    (0x0009, "GEMS_PETD_01", 0x0D, GE_SCAN_DATE_TIME),
)
"""Group, private creator, element, and the name it gets among the attributes."""

_FUNCTIONAL_GROUPS = {
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "RepetitionTime": ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "InversionTime": ("MRModifierSequence", "InversionTime"),
    "AcquisitionContrast": ("MRImageFrameTypeSequence", "AcquisitionContrast"),
    "DiffusionBValue": ("MRDiffusionSequence", "DiffusionBValue"),
    "SliceThickness": ("PixelMeasuresSequence", "SliceThickness"),
    "KVP": ("CTXRayDetailsSequence", "KVP"),
    "ConvolutionKernel": ("CTReconstructionSequence", "ConvolutionKernel"),
}
"""Where enhanced objects keep what others have at the top level (PS3.3 C.7.6.16.2, C.8.13, C.8.15)."""

_NESTED = ("RadiopharmaceuticalInformationSequence", "ContrastBolusAgentSequence")

PRIVATE_TAGS = tuple((group << 16) + (0x10 << 8) + element for group, _, element, _ in _PRIVATE) + tuple(
    (group << 16) + 0x10 for group, *_ in _PRIVATE
)
"""With their creators' tags: all a header pass must ask for beside the keywords."""

KEYWORDS = (*PLAIN, *_NESTED)

MARKS = (
    "TemporalPositionIdentifier", "TemporalPositionIndex", "StackID", "FrameReferenceTime", "DiffusionBValue",
    "DiffusionGradientOrientation", "SequenceName", "EchoTime", "EchoNumbers", "InversionTime", "FlipAngle",
    "NominalPercentageOfCardiacPhase", "TriggerTime", "ImageType", "ConvolutionKernel", "KVP", "AcquisitionNumber",
    "AcquisitionDateTime", "AcquisitionTime", "ContentTime", "InstanceNumber",
)  # fmt: skip
"""Values that may tell images at one place apart, those that say it most plainly first."""

_TAGS = {keyword: Tag(keyword) for keyword in (*PLAIN, *MARKS)}


def text(value: Any) -> str:
    """A header's value as text; multiple values joined by a backslash, as DICOM writes them."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("ascii", errors="replace").strip("\0 ")
    if isinstance(value, (MultiValue, list, tuple)):
        return "\\".join(text(item) for item in value)
    return str(value).strip()


def value_of(dataset: Dataset, keyword: str) -> Any:
    """``dataset.get(keyword)``; most of what is asked for is missing, and pydicom takes long to say so."""
    return dataset.get(keyword) if _TAGS[keyword] in dataset else None


def numbers(value: object, count: int) -> Vector | None:
    """As many finite numbers as wanted, else None."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        return None
    array = np.array([float(item) for item in value])
    return array if np.isfinite(array).all() else None


def spacing_of(value: object) -> tuple[float, float] | None:
    """The distance between rows and between columns, mm: both above zero (PS3.3 10.7.1.3), else None."""
    spacing = numbers(value, 2)
    return None if spacing is None or (spacing <= 0).any() else (float(spacing[0]), float(spacing[1]))


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence, none where it is missing."""
    sequence = dataset.get(keyword)
    return list(sequence) if sequence else []


def collect(dataset: Dataset, functional_groups: Iterable[Dataset] = ()) -> dict[str, str]:
    """The attributes of a file; functional groups are those of its first frame, the frame's own first."""
    found = {keyword: text(value_of(dataset, keyword)) for keyword in PLAIN}
    for item in items_of(dataset, "RadiopharmaceuticalInformationSequence")[:1]:
        found |= {keyword: text(item.get(keyword)) for keyword in _RADIOPHARMACEUTICAL}
    if not found["ContrastBolusAgent"]:
        agents = items_of(dataset, "ContrastBolusAgentSequence")
        found["ContrastBolusAgent"] = "\\".join(text(agent.get("CodeMeaning")) for agent in agents)
    for group, creator, element, name in _PRIVATE:
        found[name] = _private(dataset, group, creator, element)
    for keyword, (sequence, inner) in _FUNCTIONAL_GROUPS.items():
        for groups in functional_groups:
            if not found[keyword]:
                found[keyword] = next((text(item.get(inner)) for item in items_of(groups, sequence)), "")
    return {keyword: value for keyword, value in found.items() if value}


def _private(dataset: Dataset, group: int, creator: str, element: int) -> str:
    try:
        return text(dataset.private_block(group, creator)[element].value)
    except KeyError:
        return ""
