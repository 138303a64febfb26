"""What a user sees of a model before it is run, whether it is installed or only known from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..core.notice import Notice
from .extent import Lengths, window_extent_mm, working_spacing_mm
from .spec import Channel, ModelSpec, SegmentSpec


class ModelState(Enum):
    """Whether a model can be run."""

    READY = "ready"
    TO_DOWNLOAD = "to download"
    UNUSABLE = "cannot be used"


@dataclass(frozen=True)
class ModelCard:
    """The facts of a model; texts are empty and sizes 0 where the publisher does not say.

    Attributes:
        commercial_use: whether the licence allows it, None where the publisher does not say.
        wants_region: it was trained on crops; a whole scan needs a region around the structure.
        spacing_mm: that images are brought to, None where the model fixes none.
        window_mm: size of the network's window, None where the model fixes none; 0 for the whole image.
        embedded: comes with the program and cannot be removed.
        problem: why it cannot be used.
    """

    id: str
    name: str
    state: ModelState
    format: str = ""
    version: str = ""
    description: str = ""
    anatomy: str = ""
    channels: tuple[Channel, ...] = ()
    segments: tuple[SegmentSpec, ...] = ()
    license: str = ""
    commercial_use: bool | None = None
    citation: str = ""
    intended_use: str = ""
    size_bytes: int = 0
    sha256: str = ""
    wants_region: bool = False
    spacing_mm: Lengths | None = None
    window_mm: Lengths | None = None
    embedded: bool = False
    problem: str = ""
    notices: tuple[Notice, ...] = ()

    @property
    def modality(self) -> str:
        """DICOM's Modality of its channels, several joined by a plus sign; empty where any will do."""
        return "+".join(dict.fromkeys(channel.modality for channel in self.channels if channel.modality))

    def mentions(self, words: str) -> bool:
        """True if each of the words is found in the name, anatomy, modality, description or a label, in any case."""
        texts = (self.id, self.name, self.anatomy, self.modality, self.description, *(s.name for s in self.segments))
        known = " ".join(texts).casefold()
        return all(word in known for word in words.casefold().split())


def card_of(spec: ModelSpec, *, size_bytes: int = 0, embedded: bool = False) -> ModelCard:
    """The card of an installed model."""
    return ModelCard(
        id=spec.id,
        name=spec.name,
        state=ModelState.READY,
        format=spec.format,
        version=spec.version,
        description=spec.description,
        anatomy=spec.anatomy,
        channels=spec.channels,
        segments=spec.segments,
        license=spec.license,
        commercial_use=spec.commercial_use,
        citation=spec.citation,
        intended_use=spec.intended_use,
        size_bytes=size_bytes,
        sha256=spec.sha256,
        wants_region=spec.wants_region,
        spacing_mm=working_spacing_mm(spec),
        window_mm=window_extent_mm(spec),
        embedded=embedded,
        notices=spec.notices,
    )
