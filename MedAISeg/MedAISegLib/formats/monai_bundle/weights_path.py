"""Where a bundle keeps its weights."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import ModelError
from .references import inside

_DEFAULTS = ("models/model.safetensors", "models/model.pt")

_COMPLETE = "Download the whole bundle, its models folder included."
_HIGHER = "Where this is a bundle's configs folder, name the folder above it."


def weights_file(root: Path, stated: str) -> Path:
    """The file of the weights: what the bundle names, in its safetensors form where that is there too.

    Raises:
        ModelError: if there is none, or it lies outside of the bundle.
    """
    names = _names(stated)
    for name in names:
        path = inside(root, name, "checkpoint")
        if path.is_file():
            return path
    raise ModelError(
        f"its weights are missing: {' or '.join(Path(name).as_posix() for name in names)}.",
        where=str(root),
        remedy=_COMPLETE if (root / "configs").is_dir() else f"{_HIGHER} {_COMPLETE}",
    )


def has_weights(root: Path, stated: str) -> bool:
    """Whether they are there.

    Raises:
        ModelError: if they would lie outside of the bundle.
    """
    return any(inside(root, name, "checkpoint").is_file() for name in _names(stated))


def _names(stated: str) -> tuple[str, ...]:
    return (str(Path(stated).with_suffix(".safetensors")), stated) if stated else _DEFAULTS
