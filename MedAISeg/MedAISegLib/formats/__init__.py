"""Model formats: each adapter compiles a folder or file into a ModelSpec and builds its networks.

An adapter is one module with two functions, and one line in ``FORMATS``::

    def recognises(path: Path) -> bool: ...
    def read(path: Path) -> ModelSource: ...

``read`` evaluates nothing of the model's own and loads no weights; the source's ``build_networks`` does that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import ModelError
from ..models.spec import ModelSpec
from .sanity import require_sane

if TYPE_CHECKING:
    import torch

FORMATS = {
    "medaiseg_bundle": "MedAISegLib.formats.medaiseg_bundle",
    "monai_bundle": "MedAISegLib.formats.monai_bundle",
    "meshnet": "MedAISegLib.formats.meshnet",
    "auto3dseg": "MedAISegLib.formats.auto3dseg",
    "nnunet": "MedAISegLib.formats.nnunet",
}
"""Format name to the module of its adapter, in the order in which they are asked."""


@dataclass(frozen=True)
class ModelSource:
    """A model that has been read but not loaded.

    Attributes:
        spec: everything but the networks.
        build_networks: builds the networks of each stage (folds or members, averaged), on the CPU, in evaluation mode,
            weights loaded with ``weights_only=True`` or from safetensors. Raises ModelError.
    """

    spec: ModelSpec
    build_networks: Callable[[], tuple[tuple[torch.nn.Module, ...], ...]]


def read_model(path: Path) -> ModelSource:
    """Read a model's folder or file with the first adapter that recognises it.

    Raises:
        ModelError: if none does, or the model is damaged, not supported or beyond all bounds.
    """
    for module_name in FORMATS.values():
        adapter = import_module(module_name)
        if adapter.recognises(path):
            source: ModelSource = adapter.read(path)
            require_sane(source.spec, str(path))
            return source
    raise ModelError(
        "it is no model of a known format.", where=str(path), remedy=f"Known formats: {', '.join(FORMATS)}."
    )
