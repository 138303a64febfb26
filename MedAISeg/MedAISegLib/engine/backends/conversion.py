"""Networks converted by OpenVINO, where that is installed: traced here, compiled in a process of its own, and kept.

Why in another process: compiling cannot be stopped from within, holds up to 2.4 GB (swin_unetr, 96 voxels a side), and
takes 1 to 60 s. What it leaves is opened in 0.1 to 0.5 s.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from ...core.errors import ResourceError
from ...models.converted_networks import converted_network, converting, keep_reason, reason_against
from ..own_process import run_apart
from ..windows import before_each_layer
from . import conversion_process
from .converted import reason_of
from .remembered import Place, versions

_TRACED, _WINDOW, _SCORES = "traced.pt", "window.npy", "scores.npy"
_OF_NETWORKS = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)
"""What networks raise that cannot be traced, or take other windows."""

_COPIES, _SPACE_BYTES = 4, 128 << 20
"""Of the weights: as they are traced, and as they are compiled, where some are kept in two forms."""

_failed_for_now: dict[str, str] = {}
"""Why, by key, in this process: memory was short perhaps, and the next may have more."""

_LONGEST_S = 1800.0
_NICENESS = 10


def can_convert() -> bool:
    """Whether OpenVINO is installed; it is imported by who uses it."""
    return find_spec("openvino") is not None


def converted_at(place: Place) -> Path | None:
    """The file of a network for one window of a place's shape; None where it has not been converted."""
    return converted_network(place.model, _key(place)) if place.model else None


def why_not_converted(place: Place) -> str:
    """What came in the way when it was tried; empty where it was not."""
    key = _key(place)
    return reason_against(place.model, key) or _failed_for_now.get(key, "")


def convert(network: torch.nn.Module, place: Place, poll: Callable[[], None]) -> None:
    """Convert a network for one window of a place's shape, or keep why that cannot be done.

    Args:
        poll: is called several times a second, but within a layer; may raise Cancelled, then nothing is left behind.

    Raises:
        ResourceError: if the program's data folder cannot be written.
    """
    key = _key(place)
    with converting(place.model, key) as (folder, made):
        _require_space(folder, network)
        try:
            _trace(network, place, folder, poll)
        except _OF_NETWORKS as error:
            keep_reason(place.model, key, reason_of(error))
            return
        reason, is_final = _compile(folder, made, poll)
        if is_final:
            keep_reason(place.model, key, reason)
        elif reason:
            _failed_for_now[key] = reason


def _require_space(folder: Path, network: torch.nn.Module) -> None:
    weights = sum(value.numel() * value.element_size() for value in (*network.parameters(), *network.buffers()))
    if shutil.disk_usage(folder).free < _SPACE_BYTES + _COPIES * weights:
        raise ResourceError(
            "there is not enough free space to convert the network.",
            where=str(folder.parent),
            remedy="Free some, or run without --backend openvino.",
        )


def _trace(network: torch.nn.Module, place: Place, folder: Path, poll: Callable[[], None]) -> None:
    """Write what the process needs: the traced network, a window that it was not traced with, and that one's scores."""
    draw = partial(torch.randn, (1, *place.shape[1:]), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(False), torch.no_grad(), before_each_layer([network], lambda _: poll()):
        with warnings.catch_warnings():
            # It is traced for windows of this size, and used for no others.
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(network, draw(), check_trace=False)
            # What torch itself writes to a disk that is full ends the process.
            content = BytesIO()
            torch.jit.save(traced, content)
        (folder / _TRACED).write_bytes(content.getbuffer())
        window = draw()
        scores = network(window)
        if not isinstance(scores, torch.Tensor):
            raise TypeError("it gives several arrays, not one")
        np.save(folder / _WINDOW, window.numpy())
        np.save(folder / _SCORES, scores.float().numpy())


def _compile(folder: Path, made: Path, poll: Callable[[], None]) -> tuple[str, bool]:
    """Have the process do its work.

    Returns:
        What came in the way, empty where nothing did; and whether it will again.
    """
    given = (folder / _TRACED, made, folder / _WINDOW, folder / _SCORES)
    arguments = (*map(str, given), str(torch.get_num_threads()))
    ending = run_apart(
        conversion_process.__name__, arguments, poll, longest_s=_LONGEST_S, folder=folder, niceness=_NICENESS
    )
    if ending.code == 0:
        return "", False
    made.unlink(missing_ok=True)
    reason = ending.told[:200] or f"its process ended with {ending.code}"
    return reason, ending.code == conversion_process.REFUSED


def _key(place: Place) -> str:
    """Of what it depends on: the network and window, the processor, and the version that reads it."""
    try:
        made_by = version("openvino")
    except PackageNotFoundError:
        made_by = ""
    one = replace(place, shape=(1, *place.shape[1:]))
    return sha256(f"{one.key} openvino {made_by} {versions()}".encode()).hexdigest()[:32]
