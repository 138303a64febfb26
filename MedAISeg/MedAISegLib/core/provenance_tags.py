"""A short record of what made a segment, as its tags: unlike the attributes of a node they survive ``.seg.nrrd``."""

from __future__ import annotations

from .characters import shown
from .result import Provenance
from .segmentation import Segment

PREFIX = "MedAISeg."
MODEL_ID = f"{PREFIX}ModelId"
MODEL_NAME = f"{PREFIX}ModelName"
MODEL_VERSION = f"{PREFIX}ModelVersion"
MODEL_SHA256 = f"{PREFIX}ModelSha256"
SOFTWARE_VERSION = f"{PREFIX}SoftwareVersion"
CREATED = f"{PREFIX}Created"
LABEL_VALUE = f"{PREFIX}LabelValue"
SEGMENT_NAME = f"{PREFIX}SegmentName"
CHECKSUM = f"{PREFIX}Checksum"


def provenance_tags(provenance: Provenance, described: Segment, checksum: str) -> dict[str, str]:
    """The run, what the model calls the segment, and the checksum of its voxels, by the tag's name."""
    record = {
        MODEL_ID: provenance.model_id,
        MODEL_NAME: provenance.model_name,
        MODEL_VERSION: provenance.model_version,
        MODEL_SHA256: provenance.model_sha256,
        SOFTWARE_VERSION: provenance.software_version,
        CREATED: provenance.created_utc,
        LABEL_VALUE: str(described.label_value),
        SEGMENT_NAME: described.name,
        CHECKSUM: checksum,
    }
    return {name: tag_text(value) for name, value in record.items()}


def tag_text(value: str) -> str:
    """A text as a tag may hold it: half of a surrogate pair in one ends the process.

    In a ``.seg.nrrd`` a bar ends a tag and a line break ends the header's line; a colon is safe after the first one.
    """
    return " ".join(shown(value).replace("|", " ").split())
