"""The reference implementations, each a module with three functions and a line in ``REFERENCES``.

A reference makes a model folder that both sides read, says the command that runs it, and is loaded into a process that
stays::

    def make(recipe: Any, data: Path, folder: Path, images: Sequence[Path]) -> Made: ...
    def command(setting: Setting, output: Path, device: str) -> list[str]: ...
    def load(assignment: Assignment) -> WarmSide: ...
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

REFERENCES = {
    "monai.bundle": "benchmarks.references.monai_bundle",
    "nnU-Net": "benchmarks.references.nnunet",
    "Auto3DSeg": "benchmarks.references.auto3dseg",
    "plain torch": "benchmarks.references.meshnet",
}
"""Name to module."""


def reference(name: str) -> Any:
    """The module of a reference."""
    return import_module(REFERENCES[name])
