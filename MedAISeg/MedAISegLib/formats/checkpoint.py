"""Weights from a model's files: safetensors, or ``torch.load`` with ``weights_only=True``."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..core.errors import ModelError, NotTrustedError

_WRAPPERS = ("model", "state_dict", "network", "model_state_dict", "net", "network_weights")
_FORBIDDEN = re.compile(r"unsupported (global|class)|not an allowed|unrecognized function", re.IGNORECASE)
"""In torch's message when a file asks for more than plain weights."""
_PREFIXES = ("module.", "_orig_mod.")
_MOST_WRAPPINGS = 8
"""Training programs nest two or three; a file may hold itself."""


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


def load_state(path: Path, key: str = "") -> dict[str, torch.Tensor]:
    """The weights by name, taken out of the wrappings in which training programs store them.

    Args:
        key: the item of the file that is meant, where it has one of that name.

    Raises:
        NotTrustedError: if the file holds code.
        ModelError: if it is damaged or holds no weights.
    """
    state = _load_safetensors(path) if path.suffix == ".safetensors" else load_content(path)
    names = (key, *_WRAPPERS) if key else _WRAPPERS
    for _ in range(_MOST_WRAPPINGS):
        if not isinstance(state, dict) or _is_state(state):
            break
        state = next((state[name] for name in names if isinstance(state.get(name), dict)), None)
    if not isinstance(state, dict) or not _is_state(state):
        raise ModelError("it holds no weights of a network.", where=str(path))
    for prefix in _PREFIXES * _MOST_WRAPPINGS:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def _is_state(value: dict[Any, Any]) -> bool:
    return bool(value) and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"the weights are damaged: {error}.", where=str(path)) from error


def load_content(path: Path) -> Any:
    """Everything in a checkpoint of torch, tensors on the CPU.

    Raises:
        NotTrustedError: if the file holds code.
        ModelError: if it is damaged.
    """
    try:
        with torch.serialization.safe_globals(_NUMPY_ARRAYS):
            # Mapped, what nobody asks for is never read: many hold the optimizer's state, twice the weights'
            # size. Files of before torch 1.6 are no archives and cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
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


def fit_weights(network: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put every weight in its place, also where all names begin with that of an object around the network.

    Raises:
        ModelError: if one is too many, too few or of another shape; it names the first of them.
    """
    own = network.state_dict()
    if set(state) != set(own):
        inner = {name.partition(".")[2]: value for name, value in state.items()}
        outer = {name.partition(".")[0] for name in state}
        state = inner if len(outer) == 1 and set(inner) == set(own) else state
    problems = [
        (f"{name} has the shape {tuple(state[name].shape)} instead of {tuple(own[name].shape)}")
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    problems += [f"{name} is missing" for name in own if name not in state]
    problems += [f"{name} is unknown to the network" for name in state if name not in own]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise ModelError(
            f"the weights do not fit the network: {'; '.join(problems[:3])}{more}.",
            where=str(path),
            remedy="Its description and its weights are of different models.",
        )
    network.load_state_dict(dict(state))
