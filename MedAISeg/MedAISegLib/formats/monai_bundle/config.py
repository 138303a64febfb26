"""The files that describe a bundle: found, bounded in size and depth, and read as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...core.errors import ModelError

METADATA = ("configs/metadata.json", "metadata.json")
INFERENCE = tuple(f"{folder}inference.{kind}" for folder in ("configs/", "") for kind in ("json", "yaml", "yml"))

_LARGEST_BYTES = 2 * 1024 * 1024
_DEEPEST = 64
_MOST_ITEMS = 200_000


@dataclass(frozen=True, eq=False)
class BundleFiles:
    """A bundle as it lies on the disk.

    Attributes:
        root: the bundle's folder.
        metadata: of ``metadata.json``; empty where there is none.
        inference: of ``inference.json`` or ``inference.yaml``.
    """

    root: Path
    metadata: Mapping[str, Any]
    inference: Mapping[str, Any]


def is_bundle(path: Path) -> bool:
    """Whether the folder holds a bundle's description."""
    return path.is_dir() and any((path / name).is_file() for name in METADATA + INFERENCE)


def read_files(root: Path) -> BundleFiles:
    """Read the description.

    Raises:
        ModelError: if a file is missing, damaged, too large or too deep.
    """
    metadata = _first_file(root, METADATA)
    inference = _first_file(root, INFERENCE)
    if inference is None:
        raise ModelError(
            "the bundle does not say how to run it.", where=str(root), remedy="It needs a configs/inference.json."
        )
    return BundleFiles(root, _read(metadata) if metadata else {}, _read(inference))


def _first_file(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_file()), None)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ModelError("it is too large for a description (2 MB at most).", where=str(path))
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise ModelError(f"it cannot be read: {error.strerror}.", where=str(path)) from error
    except yaml.YAMLError as error:
        raise ModelError(f"it is no YAML file: {str(error).splitlines()[0]}.", where=str(path)) from error
    except ValueError as error:
        raise ModelError(f"it is damaged: {error}.", where=str(path)) from error
    except RecursionError as error:
        raise ModelError("it is nested too deeply.", where=str(path)) from error
    if not isinstance(value, dict):
        raise ModelError("it holds no mapping.", where=str(path))
    _require_bounded(value, path)
    return value


def _require_bounded(value: Any, path: Path) -> None:
    """YAML aliases can blow a small file up when it is walked, so the items are counted as a walk meets them."""
    level, count = [value], 0
    for _ in range(_DEEPEST + 1):
        count += len(level)
        if count > _MOST_ITEMS:
            raise ModelError("it holds too many items.", where=str(path))
        below = [node.values() if isinstance(node, dict) else node for node in level if isinstance(node, (dict, list))]
        if sum(map(len, below)) > _MOST_ITEMS:
            raise ModelError("it holds too many items.", where=str(path))
        level = [item for items in below for item in items]
        if not level:
            return
    raise ModelError("it is nested too deeply.", where=str(path))
