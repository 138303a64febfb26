"""What a user sees of a model before it is run, whether it is installed or only known from the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from ..core.notice import Notice
from .extent import Lengths, window_extent_mm, working_spacing_mm
from .origins import Receipt
from .spec import Channel, ModelSpec, SegmentSpec


class ModelState(Enum):
    """Whether a model can be run."""

    READY = "ready"
    TO_DOWNLOAD = "to download"
    RESTRICTED = "not to be downloaded"
    NOT_TRUSTED = "asks for trust"
    UNUSABLE = "cannot be used"


_OTHER_WORDS = {"MR": ("MRI",), "PT": ("PET",)}
"""What people call a modality beside DICOM's word for it."""
_MODALITIES = frozenset(("ct", "mr", "pt", "us"))
"""Looked for as whole words: FreeSurfer's names of the cortex's parts, ``ctx-lh-insula``, begin with one of them."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class ModelCard:
    """The facts of a model; texts are empty and sizes 0 where the publisher does not say.

    Attributes:
        commercial_use: whether the licence allows it, None where the publisher does not say.
        wants_region: it was trained on crops; a whole scan needs a region around the structure.
        spacing_mm: that images are brought to, None where the model fixes none.
        window_mm: size of the network's window, None where the model fixes none; 0 for the whole image.
        publisher: who offers it; page: where there is more about it.
        embedded: comes with the program and cannot be removed.
        shared: lies in a folder that several users share, and is not removed from here.
        receipt: how it came, of one that was installed here.
        unused_days: since it was last used; None where that is not known.
        trusted: the user has trusted it to run code of its own.
        variant_of: id of the model whose files it is another way to run.
        problem: why it cannot be used.
        classes: of a model that says what an image shows as a whole, in place of segments.
        sees_slices: it was made for flat images; a volume is as many of them.
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
    publisher: str = ""
    page: str = ""
    shared: bool = False
    unused_days: int | None = None
    trusted: bool = False
    variant_of: str = ""
    classes: tuple[str, ...] = ()
    sees_slices: bool = False
    receipt: Receipt = field(default_factory=Receipt)

    @property
    def was_installed(self) -> bool:
        """Whether it has a folder of its own here that did not come with the program."""
        return self.is_here and not (self.embedded or self.variant_of)

    @property
    def is_here(self) -> bool:
        """Whether it lies on this computer."""
        return self.state not in {ModelState.TO_DOWNLOAD, ModelState.RESTRICTED}

    @property
    def modality(self) -> str:
        """DICOM's Modality of its channels, several joined by a plus sign; empty where any will do."""
        return "+".join(dict.fromkeys(channel.modality for channel in self.channels if channel.modality))

    def mentions(self, words: str) -> bool:
        """True if each of the words begins one in the name, anatomy, modality, publisher, description or a label.

        Words end where something else than a letter or a digit stands; capitals make no difference. A modality is
        looked for as a whole word.
        """
        wanted = _WORD.findall(words.casefold())
        return all((f" {word} " if word in _MODALITIES else f" {word}") in self._words for word in wanted)

    @cached_property
    def _words(self) -> str:
        """With a space before each word and after the last."""
        texts = (self.id, self.name, self.publisher, self.anatomy, self.modality, self.description)
        others = (word for modality in self.modality.split("+") for word in _OTHER_WORDS.get(modality, ()))
        labels = (f"{segment.name} {segment.terminology.type.meaning}" for segment in self.segments)
        found = _WORD.findall(" ".join((*texts, *others, *labels, *self.classes)).casefold())
        return f" {' '.join(found)} "


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
        classes=spec.classes,
        sees_slices=spec.sees_slices,
    )
