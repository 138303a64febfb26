"""A model leaves the store, or another takes its place, and with it goes what was noted and made of it here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..core.errors import MedAISegError, ModelError, ResourceError
from ..core.unfinished import done_wholly
from ..formats import read_model
from ..models.converted_networks import forget_converted, models_with_converted
from ..models.installing import remove_model
from ..models.receipts import forget_installation
from ..models.store import file_sizes, installed_models
from ..models.trust import trusted_sha256


def remove_installed(model_id: str) -> None:
    """Delete an installed model, with the trust in it and its copies, and networks converted from weights of it alone.

    Raises:
        ModelError: if there is none of that id, it comes with the program, or lies in a shared folder.
        ResourceError: if it cannot be deleted.
    """
    path = _own_path(model_id)
    forget_networks = converted_of(model_id)
    sha256 = _trusted_of(path)

    def forget() -> None:
        # A full disk may take this only when the model is gone.
        with suppress(ResourceError):
            forget_installation(model_id, sha256)

    with done_wholly():
        # Whoever ends the program in the middle leaves no trust in a model that is no longer there.
        remove_model(model_id, beforehand=forget)
        forget_installation(model_id, sha256)
    forget_networks()


def converted_of(model_id: str) -> Callable[[], None]:
    """What deletes the networks that were converted from weights of an installed model, once nobody has those any more.

    It is asked for while the model is there, and called when it is not.
    """
    path, kept = _own_path(model_id), models_with_converted()
    converted = kept & _hashes(path) if kept and path is not None else set()
    if path is None or not converted:
        return lambda: None
    largest = max(file_sizes(path), default=0)

    def forget() -> None:
        # What has no file of the size of the weights has other weights, and need not be read.
        others = (other.path for other in installed_models() if largest in file_sizes(other.path))
        forget_converted(converted.difference(*map(_hashes, others)))

    return forget


def _own_path(model_id: str) -> Path | None:
    return next((model.path for model in installed_models() if model.id == model_id and model.is_own), None)


def _trusted_of(path: Path | None) -> str:
    """The SHA-256 of a model where it is trusted; one that cannot be read is none that could run."""
    with suppress(ModelError):
        return trusted_sha256(path) if path is not None else ""
    return ""


def _hashes(path: Path) -> set[str]:
    """Of the files of a model, for each of its configurations; of one that cannot be read no network is kept."""
    try:
        spec = read_model(path).spec
        return {spec.sha256, *(read_model(path / variant).spec.sha256 for variant in spec.variants)}
    except MedAISegError:
        return set()
