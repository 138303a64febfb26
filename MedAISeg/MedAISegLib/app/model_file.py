"""A single file that is a model: a network in TorchScript with its description inside."""

from __future__ import annotations

import re
from pathlib import Path

from ..core.errors import UsageError
from ..formats import read_model
from ..formats.undescribed import why_undescribed
from ..models.installing import copy_file, install_filled, told_of
from ..models.store import InstalledModel
from ..models.store_progress import StoreProgress, StoreStage
from .model_call import Call, verifier

_SAYS_NOTHING = ("model", "network")
"""File names that are those of any model."""


def from_file(path: Path, call: Call) -> InstalledModel:
    """Install a bundle that MONAI has exported into one file; its id is the file's name, or the model's.

    Raises:
        ModelError: if it is a network without a description, or damaged.
        UsageError: if it is anything else.
    """
    if path.suffix != ".ts":
        raise why_undescribed(path) or UsageError(
            "it is neither a folder nor an archive.",
            where=str(path),
            remedy="Put a model's file into a folder of its own.",
        )
    name = read_model(path).spec.name
    call.tell(StoreProgress(StoreStage.COPY))
    own = path.stem if path.stem.lower() not in _SAYS_NOTHING else re.sub(r"\W+", "_", name).strip("_").lower()

    def fill(empty: Path) -> Path:
        (empty / "model" / "models").mkdir(parents=True)
        copy_file(path, empty / "model" / "models" / "model.ts", call.poll)
        return empty / "model"

    def verify(copy: Path) -> None:
        with told_of(path, instead_of=copy):
            verifier(call)(copy)

    return install_filled(
        call.options.model_id or own, fill, overwrite=call.options.overwrite, verify=verify, poll=call.poll
    )
