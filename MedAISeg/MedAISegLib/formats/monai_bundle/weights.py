"""Weights from a bundle's files: safetensors, or ``torch.load`` with ``weights_only=True``."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ...core.errors import ModelError, NotTrustedError
from .references import inside
from .values import FileContent

_DEFAULTS = ("models/model.safetensors", "models/model.pt")
_WRAPPERS = ("model", "state_dict", "network", "model_state_dict", "net")
_FORBIDDEN = re.compile(r"unsupported (global|class)|not an allowed|unrecognized function", re.IGNORECASE)
"""In torch's message when a file asks for more than plain weights."""
_PREFIXES = ("module.", "_orig_mod.")


# Besides tensors, some training programs store numpy arrays; rebuilding those runs no code of the file's own. Files
# written before numpy 2.0 name these functions by their former module.
_REBUILD, _SCALAR = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
_NUMPY_ARRAYS: list[Any] = [
    *((_REBUILD, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    np.ndarray,
    np.dtype,
    *(type(np.dtype(name)) for name in ("float32", "float64", "int32", "int64", "uint8", "bool")),
]


def weights_file(root: Path, stated: str) -> Path:
    """The file of the weights: what the bundle names, in its safetensors form where that is there too.

    Raises:
        ModelError: if there is none, or it lies outside of the bundle.
    """
    names = (str(Path(stated).with_suffix(".safetensors")), stated) if stated else _DEFAULTS
    for name in names:
        path = inside(root, name, "checkpoint")
        if path.is_file():
            return path
    raise ModelError(
        f"its weights are missing: {' or '.join(Path(name).as_posix() for name in names)}.",
        where=str(root),
        remedy="Download the whole bundle, its models folder included.",
    )


def load_state(path: Path) -> dict[str, torch.Tensor]:
    """The weights by name, taken out of the wrappings in which training programs store them.

    Raises:
        NotTrustedError: if the file holds code.
        ModelError: if it is damaged or holds no weights.
    """
    state = _load_safetensors(path) if path.suffix == ".safetensors" else _load_torch(path)
    while isinstance(state, dict) and not _is_state(state):
        state = next((state[name] for name in _WRAPPERS if isinstance(state.get(name), dict)), None)
    if state is None:
        raise ModelError("it holds no weights of a network.", where=str(path))
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def item_of(root: Path, content: FileContent) -> Any:
    """An item of a file of the bundle, as the bundle's description asks for it.

    Raises:
        NotTrustedError: if the file holds code.
        ModelError: if the file or the item is missing.
    """
    path = inside(root, content.path, "torch.load")
    if not path.is_file():
        raise ModelError(f"a file of the bundle is missing: {Path(content.path).as_posix()}.", where=str(root))
    value = _load_torch(path)
    try:
        for key in content.keys:
            value = value[key]
    except (LookupError, TypeError) as error:
        raise ModelError(f"it has no item {key!r}.", where=str(path)) from error
    return torch.from_numpy(value) if content.as_tensor and isinstance(value, np.ndarray) else value


def _is_state(value: dict[Any, Any]) -> bool:
    return bool(value) and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"the weights are damaged: {error}.", where=str(path)) from error


def _load_torch(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_NUMPY_ARRAYS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _FORBIDDEN.search(str(error)):
            raise NotTrustedError(
                "the weights' file holds code.",
                where=str(path),
                remedy="Only plain weights are loaded; ask the model's author for them, best as safetensors.",
            ) from error
        raise ModelError("the weights are damaged.", where=str(path)) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise ModelError(f"the weights are damaged: {error}", where=str(path)) from error
