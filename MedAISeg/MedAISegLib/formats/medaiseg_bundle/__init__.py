"""A model of our own layout: a folder with ``medaiseg.json`` and networks as TorchScript, ONNX or safetensors.

The description is a ModelSpec in JSON, so that any network that a file holds can be run without a line of code. What a
network's file may do is limited: see :mod:`.torchscript` and :mod:`.onnx_file`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ...core.errors import ModelError, NotTrustedError
from ...models.fingerprint import folder_sha256
from ...models.names import has_controls
from .. import ModelSource
from ..own_description import FILE_NAME
from ..sanity import require_sane
from .description import Description, NetworkFile, is_description, read_description
from .limits import require_named, require_whole

if TYPE_CHECKING:
    import torch

NAME = "medaiseg_bundle"
SUFFIXES = (".ts", ".pt", ".onnx", ".safetensors")


def recognises(path: Path) -> bool:
    """Whether the path is a folder whose ``medaiseg.json`` describes a model whole."""
    return path.is_dir() and is_description(path / FILE_NAME)


def read(path: Path) -> ModelSource:
    """The model of a folder; its networks are not loaded.

    Raises:
        NotTrustedError: if a network's file lies outside of the folder.
        ModelError: if the description is damaged, contradicts itself or asks for the impossible, or a file is missing.
    """
    where = str(path / FILE_NAME)
    description = read_description(path / FILE_NAME)
    require_whole(description, where)
    try:
        spec = description.spec(path.resolve().name, NAME)
    except ValueError as error:
        raise ModelError(f"{error}.", where=where) from error
    require_sane(spec, where)
    require_named(spec, where)
    files = [_require_inside(path, member) for members in description.networks for member in members]
    sha256 = folder_sha256(path, [FILE_NAME, *files, *_beside(path, files)])
    members = tuple(len(stage) for stage in description.networks)
    programs = tuple(path / file for file in files if not file.endswith(".safetensors"))
    build = partial(_build_networks, path, description)
    return ModelSource(replace(spec, sha256=sha256), build, members=members, programs=programs)


def _require_inside(folder: Path, member: NetworkFile) -> str:
    if has_controls(member.file):
        raise ModelError(f"its network {member.file[:100]!r} has control characters in its name.", where=str(folder))
    name = PurePosixPath(member.file)
    plain = "\\" not in member.file and ":" not in member.file and not name.is_absolute() and ".." not in name.parts
    if not plain or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise NotTrustedError(f"its network {member.file[:100]!r} lies outside of its folder.", where=str(folder))
    if name.suffix not in SUFFIXES:
        raise ModelError(f"{member.file[:100]!r} is none of {', '.join(SUFFIXES)}.", where=str(folder))
    if not (folder / name).is_file():
        raise ModelError(f"its network {member.file} is missing.", where=str(folder))
    return member.file


def _beside(folder: Path, files: list[str]) -> list[str]:
    """The weights that ONNX files keep in files beside them."""
    from .onnx_file import external_files

    graphs = [file for file in files if file.endswith(".onnx")]
    return [(PurePosixPath(file).parent / name).as_posix() for file in graphs for name in external_files(folder / file)]


def _build_networks(folder: Path, description: Description) -> tuple[tuple[torch.nn.Module, ...], ...]:
    # Importing torch takes seconds, and a list of models does not need it.
    from .classifying import build_classifier
    from .networks import build_networks

    if description.classes:
        return build_classifier(folder, description)
    return build_networks(folder, description)
