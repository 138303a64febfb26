"""The algorithms of an AutoRunner folder that are not read: it trains several, each in folders of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...core.errors import ModelError
from ...core.notice import Notice

_FOLDER = re.compile(r"(dints|segresnet2d|swinunetr)_\d+")
"""Names of the algorithm templates, and the fold."""

_WEIGHTS = ("model_fold*/best_metric_model.pt", "model/model.pt")
"""Without them a fold was not trained, and no ensemble would take it."""

_DEPTH = 4
"""A folder of AutoRunner's holds ``segresnet_0/model/model.pt``; a zip may add a level or two."""


def folders_within(folder: Path) -> tuple[Path, ...]:
    """A folder and those in it, as deep as AutoRunner puts checkpoints; no links are followed."""
    found: list[Path] = []
    level = [folder]
    for _ in range(_DEPTH):
        found += level
        level = sorted(
            inner for place in level for inner in place.iterdir() if inner.is_dir() and not inner.is_symlink()
        )
    return tuple(found)


def other_algorithms(folder: Path) -> tuple[str, ...]:
    """Names of the trained folds of algorithms other than segresnet, such as ``dints_0``, sorted."""
    folds = (place for place in folders_within(folder) if _FOLDER.fullmatch(_name(place)))
    return tuple(sorted({_name(place) for place in folds if _is_trained(place)}))


def is_of_other_algorithm(place: Path) -> bool:
    """Whether a ``model.pt`` there would be another algorithm's: segresnet2d gives it the same name."""
    return any(_FOLDER.fullmatch(_name(folder)) for folder in (place, place.parent))


def unsupported(folds: Sequence[str], where: str) -> ModelError:
    """What is to be raised where there are no others."""
    names = sorted({fold.rpartition("_")[0] for fold in folds})
    are = "are" if len(names) > 1 else "is"
    return ModelError(
        f"Auto3DSeg's {', '.join(names)} {are} not supported; segresnet is.",
        where=where,
        remedy="Have AutoRunner train segresnet as well, or choose a folder that holds it.",
    )


def left_out(folds: Sequence[str]) -> tuple[Notice, ...]:
    """What the user of a folder with segresnet and others is told."""
    if not folds:
        return ()
    text = f"Left out: {', '.join(folds)}. The ensemble of AutoRunner would have used them where they score best."
    return (Notice("algorithms-left-out", f"{text} Only segresnet is supported."),)


def _name(folder: Path) -> str:
    # The folder that one works in is called ".".
    return folder.name or folder.resolve().name


def _is_trained(fold: Path) -> bool:
    return any(file.is_file() for pattern in _WEIGHTS for file in fold.glob(pattern))
