"""The models that this program knows of, without opening any of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ..core.errors import ResourceError
from ..core.language import tr as _
from ..core.records import from_json
from .card import ModelCard
from .store import embedded_models_folder

FILE_NAME = "catalogue.json"


def catalogue_file() -> Path:
    """Where the catalogue lies, beside the embedded models."""
    return embedded_models_folder() / FILE_NAME


def known_models() -> tuple[ModelCard, ...]:
    """The cards of the catalogue, in its order; what is installed is known only to the worker.

    Raises:
        ResourceError: if the catalogue is missing or damaged.
    """
    path = catalogue_file()
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return tuple(from_json(ModelCard, entry) for entry in entries["models"])
    except OSError as error:
        raise unusable(_("it cannot be read: {reason}.").format(reason=error.strerror), path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise unusable(_("it is damaged."), path) from error


def merged(known: Iterable[ModelCard], installed: Iterable[ModelCard]) -> tuple[ModelCard, ...]:
    """One card a model: what the worker says of the installed ones, then what else is known."""
    cards = {card.id: card for card in installed}
    return (*cards.values(), *(card for card in known if card.id not in cards))


def unusable(what: str, path: Path) -> ResourceError:
    """The error of a catalogue that cannot be used."""
    return ResourceError(what, where=str(path), remedy=_("Install the module again."))
