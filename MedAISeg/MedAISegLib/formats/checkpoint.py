"""Weights from a model's files: safetensors, or ``torch.load`` with ``weights_only=True``.

Files are mapped, so that what is not asked for is never read: of 30 million weights beside an optimizer's state of as
many 0.02 s and 117 MB in place of 0.17 s and 232.
"""

from __future__ import annotations

import math
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..core.errors import ModelError, NotTrustedError
from ..models.names import readable
from ..models.zip_listing import MOST_RECORDS, require_few_files
from .bounded_building import note_weights
from .bounded_pickles import LARGEST, ExcessError, require_bounded
from .checkpoint_facts import REMEDY
from .plain_numpy import STAND_INS
from .weights_file import require_itself

_WRAPPERS = ("model", "state_dict", "network", "model_state_dict", "net", "network_weights")
_FORBIDDEN = re.compile(r"unsupported (global|class)|not an allowed|unrecognized function", re.IGNORECASE)
"""In torch's message when a file asks for more than plain weights."""
_ASKED = re.compile(r"GLOBAL ([\w.]+)")
_PREFIXES = ("module.", "_orig_mod.")
_LARGEST_HEADER = 4 * 2**20
"""Bytes of names, shapes and places in a file of safetensors: 150 for each weight, of which the largest have 2,000."""
_MOST_WRAPPINGS = 8
"""Training programs nest two or three; a file may hold itself."""


_NUMPY: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (stand_in, name) for name, stand_in in STAND_INS.items()
]
"""Besides tensors, some training programs store numpy's arrays and numbers."""
_LEGACY_PICKLES = 5
"""Of a file of before torch 1.6: a number, two lines of facts, the content, and which numbers follow."""
_DAMAGED = (
    *(RuntimeError, OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(ArithmeticError, MemoryError, RecursionError, zipfile.BadZipFile),
)
"""What torch meets in a file that is no checkpoint, where it has no words of its own for it."""


def load_state(path: Path, key: str = "") -> dict[str, torch.Tensor]:
    """The weights by name, taken out of the wrappings in which training programs store them.

    Args:
        key: the item of the file that is meant, where it has one of that name.

    Raises:
        NotTrustedError: if the file holds code.
        ModelError: if it is damaged or holds no weights.
    """
    state = load_safetensors(path) if path.suffix == ".safetensors" else load_content(path)
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


def with_weights(build: Callable[[], torch.nn.Module], path: Path, key: str = "") -> torch.nn.Module:
    """The network that ``build`` makes, with the weights of a file, on the CPU, in evaluation mode.

    The file is opened first, and no network is made that is larger than it can fill.

    Args:
        key: the item of the file that is meant, where it has one of that name.

    Raises:
        NotTrustedError: if the file holds code.
        ModelError: if it is damaged, or of another network; and what ``build`` raises.
    """
    state = load_state(path, key)
    note_weights(path)
    network = build()
    fit_weights(network, state, path)
    return network.eval()


def _is_state(value: dict[Any, Any]) -> bool:
    return bool(value) and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The weights by name, mapped into memory rather than read.

    Raises:
        ModelError: if they are damaged.
    """
    try:
        require_itself(path)
        with path.open("rb") as stream:
            header_bytes = int.from_bytes(stream.read(8), "little")
        if _LARGEST_HEADER < header_bytes <= path.stat().st_size:
            raise ModelError("what it says of its weights is too large.", where=str(path))
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
        require_itself(path)
        zipped = _begins_as_zip(path)
        _require_bounded(path, zipped)
        with torch.serialization.safe_globals(_NUMPY):
            # Mapped, what nobody asks for is never read: many hold the optimizer's state, twice the weights'
            # size. Files of before torch 1.6 are no archives and cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        if _FORBIDDEN.search(str(error)):
            asked = _ASKED.search(str(error))
            what = f"the weights' file holds code{f': it asks for {readable(asked[1])}' if asked else ''}."
            raise NotTrustedError(what, where=str(path), remedy=REMEDY) from error
        raise ModelError("the weights are damaged.", where=str(path)) from error
    except ExcessError as error:
        raise ModelError(f"the weights are refused: {error}.", where=str(path), remedy=REMEDY) from error
    except _DAMAGED as error:
        raise ModelError(f"the weights are damaged: {str(error)[:300]}", where=str(path)) from error


def _begins_as_zip(path: Path) -> bool:
    """By what torch goes by."""
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def _require_bounded(path: Path, zipped: bool) -> None:
    """Raises ExcessError or BadZipFile if a checkpoint would take endless work to open."""
    if zipped:
        with path.open("rb") as stream:
            require_few_files(stream, MOST_RECORDS)
        # As torch reads the archive, which may differ from how Python does.
        archive = torch._C.PyTorchFileReader(str(path))
        said = [name for name in archive.get_all_records() if not name.startswith("data/")]
        if sum(archive.get_record_size(name) for name in said) > LARGEST:
            raise ExcessError("what it says beside its weights is too large")
        require_bounded(archive.get_record("data.pkl"))
        return
    with path.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        position = 0
        for _ in range(_LEGACY_PICKLES):
            if position < len(content):
                position = require_bounded(content, position)


def fit_weights(network: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put every weight in its place, also where all names begin with that of an object around the network.

    Of a weight that the network has under several names, one will do. What lies beside such an object is of the
    training, as is the weight of a loss.

    Raises:
        ModelError: if one is too many, too few, of another shape or no numbers; it names the first of them.
    """
    own = network.state_dict()
    state = _of_the_network(own, state)
    state = {**_twins(own, state), **state}
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
    for name, value in own.items():
        if value.is_floating_point() and not state[name].is_floating_point():
            kind = str(state[name].dtype).removeprefix("torch.")
            raise ModelError(f"its weights are no plain numbers: {name} is of the type {kind}.", where=str(path))
    try:
        network.load_state_dict(dict(state))
    except (RuntimeError, NotImplementedError) as error:
        raise ModelError(f"its weights are no plain numbers: {str(error)[:300]}", where=str(path)) from error
    require_finite(learned_by(network), path)


def require_finite(weights: Mapping[str, torch.Tensor], path: Path) -> None:
    """Raises ModelError if a network would find nothing, without a word: no score is above one that is no number."""
    for name, value in weights.items():
        if value.is_floating_point() and not math.isfinite(float(value.detach().sum(dtype=torch.float32))):
            raise ModelError(
                f"its weights are damaged: {name} holds values that are no numbers, or infinite.",
                where=str(path),
                remedy="Its training has failed, or the file was changed: ask its author for another.",
            )


def learned_by(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What training changes, by name; other buffers may hold infinity on purpose."""
    running = {name: value for name, value in network.named_buffers() if "running_" in name}
    return {**dict(network.named_parameters()), **running}


def _of_the_network(own: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """What belongs to the network, by its own names, where the names begin with that of an object around it."""
    if set(state) == set(own):
        return state
    objects: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in state.items():
        outer, dot, rest = name.partition(".")
        inner = objects.setdefault(outer, {})
        if dot:
            inner[rest] = value
    networks = [outer for outer in objects if "loss" not in outer.lower() and "criterion" not in outer.lower()]
    for outer, inner in objects.items():
        if networks in ([], [outer]) and set(inner) == set(own):
            return inner
    return state


def distinct_weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights by name, each once: what the network has under several names under the first of them."""
    distinct: dict[tuple[object, ...], tuple[str, torch.Tensor]] = {}
    for name, value in network.state_dict().items():
        distinct.setdefault(_place(name, value), (name, value))
    return {name: value.contiguous() for name, value in distinct.values()}


def _twins(own: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the state does not name, and the network has under another name, that the state does."""
    given = {_place(name, value): state[name] for name, value in own.items() if name in state}
    places = {name: _place(name, value) for name, value in own.items() if name not in state}
    return {name: given[place] for name, place in places.items() if place in given}


def _place(name: str, value: torch.Tensor) -> tuple[object, ...]:
    """In memory; of an empty tensor, which has none, its name."""
    return (value.data_ptr(), value.dtype, value.shape, value.stride()) if value.numel() else (name,)
