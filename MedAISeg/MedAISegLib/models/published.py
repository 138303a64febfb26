"""What the field's publishers offer, as the catalogue says; ``tools/catalogue.py`` writes it.

It holds facts of public metadata, one model a line; what a publisher does not say is absent. What the labels' names
stand for is written down beside the models, once for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ..core.language import tr as _
from ..core.notice import Notice
from ..core.records import from_json
from . import catalogue
from .card import ModelCard, ModelState
from .spec import Channel
from .structures import UNKNOWN, Structure, read_structures


@dataclass(frozen=True)
class PublishedFile:
    """A file of a model.

    Attributes:
        checksum: as the publisher gives it, ``sha256:`` or ``sha1:`` and hexadecimal digits; empty where none is given.
        save_as: its name in the model's folder; empty for an archive, which is unpacked.
        folder: that an archive is unpacked into, within the model's; empty for the model's own.
    """

    url: str
    checksum: str = ""
    size_bytes: int = 0
    save_as: str = ""
    folder: str = ""


@dataclass(frozen=True)
class PublishedModel:
    """A line of the catalogue; texts are empty where the publisher says nothing.

    Attributes:
        source: which of the publishers' readers in ``tools/publishers`` wrote it.
        page: where a reader finds more.
        labels: names of the segments by label value.
        restricted: why nobody can simply download it, empty where one can; then there are files.
        description_file: what ``medaiseg.json`` in the model's folder has to say beyond the texts here.
        structures: what the names of labels stand for, of those that have a code; the same for all models.
    """

    id: str
    name: str
    publisher: str
    format: str
    source: str
    page: str = ""
    version: str = ""
    description: str = ""
    anatomy: str = ""
    channels: tuple[Channel, ...] = ()
    labels: Mapping[str, str] | None = None
    license: str = ""
    commercial_use: bool | None = None
    citation: str = ""
    intended_use: str = ""
    restricted: str = ""
    files: tuple[PublishedFile, ...] = ()
    notices: tuple[str, ...] = ()
    description_file: Mapping[str, Any] | None = None
    structures: Mapping[str, Structure] = field(default_factory=dict, repr=False)

    @cached_property
    def card(self) -> ModelCard:
        """What a user sees of it."""
        return ModelCard(
            id=self.id,
            name=self.name,
            state=ModelState.RESTRICTED if self.restricted else ModelState.TO_DOWNLOAD,
            format=self.format,
            version=self.version,
            description=self.description,
            anatomy=self.anatomy,
            channels=self.channels,
            segments=tuple(
                self.structures.get(name, UNKNOWN).segment(int(value), name)
                for value, name in (self.labels or {}).items()
            ),
            license=self.license,
            commercial_use=self.commercial_use,
            citation=self.citation,
            intended_use=self.intended_use,
            size_bytes=_size_of(self.files),
            problem=self.restricted,
            publisher=self.publisher,
            page=self.page,
            notices=tuple(Notice("published", text) for text in self.notices),
        )


def published_models() -> tuple[PublishedModel, ...]:
    """All models that the publishers offer, in the catalogue's order.

    Raises:
        ResourceError: if the catalogue is missing or damaged.
    """
    path = catalogue.catalogue_file()
    with _explained(path):
        return _read_all(path, path.stat().st_mtime_ns)


def published_cards() -> Iterator[ModelCard]:
    """Their cards, one after the other: for whoever must not stand still while all are read.

    Raises:
        ResourceError: if the catalogue is missing or damaged.
    """
    path = catalogue.catalogue_file()
    with _explained(path):
        for model in _models(path):
            yield model.card


def find_published(model_id: str) -> PublishedModel | None:
    """The model of this id; None where there is none."""
    return next((model for model in published_models() if model.id == model_id), None)


def search_published(words: str) -> tuple[PublishedModel, ...]:
    """Those that mention each of the words (:meth:`.card.ModelCard.mentions`)."""
    return tuple(model for model in published_models() if model.card.mentions(words))


@cache
def _read_all(path: Path, _changed_ns: int) -> tuple[PublishedModel, ...]:
    return tuple(_models(path))


def _models(path: Path) -> Iterator[PublishedModel]:
    content = json.loads(path.read_text(encoding="utf-8"))
    structures = read_structures(content["structures"])
    for entry in content["published"]:
        yield replace(from_json(PublishedModel, entry), structures=structures)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise catalogue.unusable(_("it cannot be read: {reason}.").format(reason=error.strerror), path) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise catalogue.unusable(_("it is damaged."), path) from error


def _size_of(files: tuple[PublishedFile, ...]) -> int:
    """Of all together; 0 where that of one is not known."""
    sizes = [file.size_bytes for file in files]
    return sum(sizes) if all(sizes) else 0
