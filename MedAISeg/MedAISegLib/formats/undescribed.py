"""Networks and weights that nothing describes, and models that are still packed: what is missing, and how to add it."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path

from ..core.errors import ModelError
from ..models.archive import is_archive
from ..models.zip_listing import opened_zip
from .checkpoint_facts import why_in_old_form

_WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors")
_MISSING = "nothing says what its channels, spacing, intensities and labels are (medaiseg.json)."
_DESCRIBE = (
    "Put it into a folder of its own and describe it there: in a terminal medaiseg models init FOLDER asks and tries "
    "the answers, or write medaiseg.json by hand (docs/models.md). Then install that folder: "
    "medaiseg models install FOLDER, or in Slicer Import, From a folder."
)
_WHOLE = (
    "Install the model's whole folder, which may lie a level or two higher, or the archive that its publisher hands "
    "out: there a description belongs to it."
)


def why_undescribed(path: Path) -> ModelError | None:
    """The error for an archive, a network's file, or a folder with nothing but one; None for anything else."""
    if is_archive(path):
        what = "it is an archive, and only what is installed or unpacked is read."
        return ModelError(what, where=str(path), remedy=f"Install it: medaiseg models install {shlex.quote(str(path))}")
    files = [path] if path.is_file() else sorted(file for file in path.glob("*") if file.is_file())
    networks = [file for file in files if _is_network(file)]
    if len(networks) == 1:
        return ModelError(f"{networks[0].name} is a network alone: {_MISSING}", where=str(path), remedy=_DESCRIBE)
    weights = [file for file in files if file.suffix.lower() in _WEIGHTS]
    if weights and not networks:
        what = f"{weights[0].name} holds weights alone: nothing says which network they belong to."
        return why_in_old_form(weights[0]) or ModelError(what, where=str(path), remedy=_WHOLE)
    return None


def _is_network(file: Path) -> bool:
    """By name, and for ``.pt`` by content: TorchScript is an archive with code in it."""
    suffix = file.suffix.lower()
    if suffix in (".ts", ".onnx"):
        return True
    if suffix not in (".pt", ".pth"):
        return False
    try:
        with opened_zip(file) as archive:
            return any(name.split("/")[1:2] == ["code"] for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False
