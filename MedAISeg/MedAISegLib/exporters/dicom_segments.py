"""What each segment of a DICOM SEG is and which model found it (PS3.3 C.8.20.4)."""

from __future__ import annotations

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from ..core.result import Provenance
from ..core.segmentation import AlgorithmType, Segment
from ..core.terminology import Code

_LONGEST_STRING = 64
"""Characters that the value representation LO holds (PS3.5 6.2)."""


def describe_segments(
    segments: tuple[Segment, ...], numbers: dict[str, int], provenance: Provenance
) -> list[hd.seg.SegmentDescription]:
    """One description a segment, in the given order, numbered by name."""
    algorithm = hd.AlgorithmIdentificationSequence(
        name=_short(provenance.model_name or provenance.model_id, "unnamed model"),
        family=codes.DCM.ArtificialIntelligence,
        version=_short(provenance.model_version, "unknown"),
        source="MedAISeg",
        parameters={"model": provenance.model_id, "sha256": provenance.model_sha256} | dict(provenance.parameters),
    )
    return [_describe(segment, numbers[segment.name], algorithm) for segment in segments]


def _describe(
    segment: Segment, number: int, algorithm: hd.AlgorithmIdentificationSequence
) -> hd.seg.SegmentDescription:
    terminology = segment.terminology
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=_short(segment.name, f"segment {segment.label_value}"),
        segmented_property_category=_coded(terminology.category),
        segmented_property_type=_coded(terminology.type),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues[segment.algorithm_type.value],
        # What a person has drawn was found by no algorithm.
        algorithm_identification=None if segment.algorithm_type is AlgorithmType.MANUAL else algorithm,
        anatomic_regions=[_coded(terminology.region)] if terminology.region else None,
        display_color=hd.color.CIELabColor.from_rgb(*segment.color_rgb),
    )
    if terminology.modifier:
        kind: Dataset = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [_coded(terminology.modifier)]
    if terminology.region and terminology.region_modifier:
        region: Dataset = description.AnatomicRegionSequence[0]
        region.AnatomicRegionModifierSequence = [_coded(terminology.region_modifier)]
    return description


def _coded(code: Code) -> hd.sr.CodedConcept:
    return hd.sr.CodedConcept(code.value, code.scheme, _short(code.meaning, code.value))


def _short(text: str, otherwise: str) -> str:
    """A text as a DICOM string may hold it."""
    return " ".join(text.replace("\\", "/").split())[:_LONGEST_STRING].strip() or otherwise
