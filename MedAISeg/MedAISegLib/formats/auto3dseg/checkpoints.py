"""Where the checkpoints of an Auto3DSeg model lie, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import ModelError
from ..checkpoint_facts import checkpoint_facts, is_checkpoint
from .config import Configuration, read_configuration
from .labels import LABELS
from .other_algorithms import folders_within, is_of_other_algorithm, other_algorithms, unsupported

_NAME = "model.pt"
_SETTINGS = "hyper_parameters.yaml"


@dataclass(frozen=True)
class Checkpoint:
    """One fold. ``labels_folder`` is where its ``labels.csv`` is looked for."""

    path: Path
    config: Configuration
    labels_folder: Path


def is_auto3dseg(path: Path) -> bool:
    """Whether there is a checkpoint with a configuration and weights, or what is usually beside one."""
    if path.is_file():
        return path.suffix in (".pt", ".pth") and _has_configuration(path)
    candidates = _candidates(path) if path.is_dir() else ()
    return (
        any((file.parent / LABELS).is_file() or _settings_of(file).is_file() for file in candidates)
        or any(_has_configuration(file) for file in candidates)
        or (path.is_dir() and bool(other_algorithms(path)))
    )


def find_checkpoints(path: Path) -> tuple[Checkpoint, ...]:
    """The folds of a model, in the order of their paths.

    Raises:
        NotTrustedError: if a checkpoint holds code.
        ModelError: if one is damaged, or they are not folds of one model.
    """
    files = (path,) if path.is_file() else _candidates(path)
    found = tuple(Checkpoint(file, _configuration(file), _labels_folder(file, path)) for file in files)
    others = other_algorithms(path) if path.is_dir() and not found else ()
    if others:
        raise unsupported(others, str(path))
    if not found:
        raise ModelError(f"no {_NAME} is in it.", where=str(path))
    if any(checkpoint.config != found[0].config for checkpoint in found):
        raise ModelError(
            f"it holds {len(found)} different models.",
            where=str(path),
            remedy=f"Choose the folder of one: {', '.join(str(file.parent) for file in files)}.",
        )
    return found


def _candidates(folder: Path) -> tuple[Path, ...]:
    files = (place / _NAME for place in folders_within(folder) if not is_of_other_algorithm(place))
    return tuple(sorted(file for file in files if file.is_file()))


def _settings_of(file: Path) -> Path:
    return file.parent.parent / "configs" / _SETTINGS


def _labels_folder(file: Path, root: Path) -> Path:
    places = [file.parent, file.parent.parent, root if root.is_dir() else root.parent]
    return next((place for place in places if (place / LABELS).is_file()), places[-1])


def _configuration(file: Path) -> Configuration:
    return read_configuration(checkpoint_facts(file).get("config"), str(file))


def _has_configuration(file: Path) -> bool:
    if not is_checkpoint(file):
        return False
    try:
        facts = checkpoint_facts(file)
    except ModelError:
        return False
    config = facts.get("config")
    return isinstance(config, dict) and isinstance(config.get("network"), dict) and "state_dict" in facts
