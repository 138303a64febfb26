"""The files that describe a bundle: found, bounded in size and depth, and read as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ...core.errors import ModelError
from .archived import ARCHIVED, LARGEST_BYTES, archived_names, read_archived
from .bounded_yaml import read_yaml
from .shorthands import written_out

METADATA = ("configs/metadata.json", "metadata.json")
INFERENCE = tuple(f"{folder}inference.{kind}" for folder in ("configs/", "") for kind in ("json", "yaml", "yml"))

TORCHSCRIPT = "models/model.ts"

_DEEPEST = 64
_MOST_ITEMS = 200_000


@dataclass(frozen=True, eq=False)
class BundleFiles:
    """A bundle as it lies on the disk.

    Attributes:
        root: the bundle's folder, or that of its one file.
        metadata: of ``metadata.json``; empty where there is none.
        inference: of ``inference.json`` or ``inference.yaml``, its shorthands written out, with the metadata as
            ``_meta_``.
        torchscript: its network as TorchScript, where it has one.
        is_file: it is that one file, which holds the description too.
        included: further files, below the root, that the description takes something from.
    """

    root: Path
    metadata: Mapping[str, Any]
    inference: Mapping[str, Any]
    torchscript: Path | None = None
    is_file: bool = False
    included: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """Of the folder or file."""
        file = self.torchscript
        return file.stem if self.is_file and file is not None else self.root.resolve().name

    @property
    def parts(self) -> tuple[str, ...]:
        """Files and folders that make the model what it is, below the root."""
        if self.is_file and self.torchscript is not None:
            return (self.torchscript.name,)
        return ("configs", "models", *METADATA, *INFERENCE, *self.included)


def is_bundle(path: Path) -> bool:
    """Whether the folder holds a bundle's description, or a TorchScript file does."""
    if path.is_dir():
        return any((path / name).is_file() for name in METADATA + INFERENCE) or is_bundle(path / TORCHSCRIPT)
    return path.suffix == ".ts" and path.is_file() and set(archived_names(path)) >= set(ARCHIVED)


def read_files(path: Path) -> BundleFiles:
    """Read the description of a folder, or of a TorchScript file.

    Raises:
        ModelError: if a file is missing, damaged, too large or too deep.
    """
    if path.is_file():
        metadata, inference = (_parsed(read_archived(path, name), f"{path}/{name}") for name in ARCHIVED)
        alone = _Others(None)
        return BundleFiles(path.parent, metadata, _whole(inference, metadata, alone, path), path, is_file=True)
    network = (path / TORCHSCRIPT).resolve()
    torchscript = network if network.is_file() and network.is_relative_to(path.resolve()) else None
    stated, described = _first_file(path, METADATA), _first_file(path, INFERENCE)
    if described is None and torchscript is not None and is_bundle(torchscript):
        return replace(read_files(torchscript), root=path, is_file=False)
    if described is None:
        raise ModelError(
            "the bundle does not say how to run it.", where=str(path), remedy="It needs a configs/inference.json."
        )
    metadata, others = _read(stated) if stated else {}, _Others(path)
    inference = _whole(_read(described), metadata, others, described)
    return BundleFiles(path, metadata, inference, torchscript, included=tuple(others.read))


class _Others:
    """The other files of a bundle, none without a folder; ``read`` are those that were asked for and are there."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self.read: dict[str, Mapping[str, Any]] = {}

    def __call__(self, name: str) -> Mapping[str, Any] | None:
        folder = self._root.resolve() if self._root is not None and "\0" not in name else None
        path = folder and (folder / name).resolve()
        if path is None or folder is None or not path.is_relative_to(folder) or not path.is_file():
            return None
        inside = path.relative_to(folder).as_posix()
        if inside not in self.read:
            self.read[inside] = _read(path)
        return self.read[inside]


def _whole(
    inference: Mapping[str, Any], metadata: Mapping[str, Any], others: _Others, where: Path
) -> Mapping[str, Any]:
    whole = {"_meta_": dict(metadata), **written_out(inference, others)}
    _require_bounded(whole, str(where))
    return whole


def _first_file(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_file()), None)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ModelError("it is too large for a description (2 MB at most).", where=str(path))
        return _parsed(path.read_bytes(), str(path))
    except OSError as error:
        raise ModelError(f"it cannot be read: {error.strerror}.", where=str(path)) from error


def _parsed(content: bytes, where: str) -> Mapping[str, Any]:
    """The mapping in a file; by its name it is JSON, else YAML."""
    try:
        text = content.decode("utf-8-sig")
        value = json.loads(text) if where.endswith(".json") else read_yaml(text)
    except yaml.YAMLError as error:
        raise ModelError(f"it is no YAML file: {str(error).splitlines()[0]}.", where=where) from error
    except ValueError as error:
        raise ModelError(f"it is damaged: {error}.", where=where) from error
    except RecursionError as error:
        raise ModelError("it is nested too deeply.", where=where) from error
    if not isinstance(value, dict):
        raise ModelError("it holds no mapping.", where=where)
    _require_bounded(value, where)
    return value


def _require_bounded(value: Any, where: str) -> None:
    """YAML aliases can blow a small file up when it is walked, so the items are counted as a walk meets them."""
    level, count = [value], 0
    for _ in range(_DEEPEST + 1):
        count += len(level)
        if count > _MOST_ITEMS:
            raise ModelError("it holds too many items.", where=where)
        below = [node.values() if isinstance(node, dict) else node for node in level if isinstance(node, (dict, list))]
        if sum(map(len, below)) > _MOST_ITEMS:
            raise ModelError("it holds too many items.", where=where)
        level = [item for items in below for item in items]
        if not level:
            return
    raise ModelError("it is nested too deeply.", where=where)
