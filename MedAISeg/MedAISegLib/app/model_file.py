"""A single file that is a model: a network with its description inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.errors import ModelError, UsageError
from ..formats import read_model
from ..formats.auto3dseg.checkpoints import find_checkpoints, is_auto3dseg
from ..formats.auto3dseg.labels import LABELS
from ..formats.own_description import FILE_NAME
from ..formats.undescribed import why_undescribed
from ..models.installing import copy_file, install_filled, told_of
from ..models.store import InstalledModel
from ..models.store_progress import StoreProgress, StoreStage
from .model_call import Call, verifier

_SAYS_NOTHING = ("model", "network")
"""File names that are those of any model."""


def from_file(path: Path, call: Call) -> InstalledModel:
    """Install a bundle that MONAI has exported into one file, or a checkpoint of Auto3DSeg with the labels beside it.

    Its id is the file's name, or the model's, or the folder's, the first that is not any model's.

    Raises:
        NotTrustedError: if it holds code.
        ModelError: if it is a network without a description, or damaged.
        UsageError: if it is anything else.
    """
    files = _files(path)
    model_id = call.options.model_id or _own_id(path, read_model(path).spec.name)
    call.tell(StoreProgress(StoreStage.COPY))

    def fill(empty: Path) -> Path:
        for name, file in files.items():
            (empty / "model" / name).parent.mkdir(parents=True, exist_ok=True)
            copy_file(file, empty / "model" / name, call.poll)
        return empty / "model"

    def verify(copy: Path) -> Callable[[], None] | None:
        with told_of(path, instead_of=copy):
            return verifier(call)(copy)

    return install_filled(model_id, fill, overwrite=call.options.overwrite, verify=verify, poll=call.poll)


def _files(path: Path) -> Mapping[str, Path]:
    """The files of the model's folder by where they lie in it."""
    if path.suffix == ".ts":
        return {"models/model.ts": path}
    if is_auto3dseg(path):
        (checkpoint,) = find_checkpoints(path)
        beside = {name: checkpoint.labels_folder / name for name in (LABELS, FILE_NAME)}
        for file in beside.values():
            if file.is_symlink():
                raise ModelError("it is a link, and only plain files are copied.", where=str(file))
        return {"model.pt": path} | {name: file for name, file in beside.items() if file.is_file()}
    raise why_undescribed(path) or UsageError(
        "it is neither a folder nor an archive.",
        where=str(path),
        remedy="Name the model's whole folder, not a file in it.",
    )


def _own_id(path: Path, name: str) -> str:
    said = re.sub(r"\W+", "_", name).strip("_").lower()
    names = (path.stem, said, *(folder.name for folder in path.resolve().parents))
    return next((given for given in names if given and given.lower() not in _SAYS_NOTHING), path.stem)
