"""Networks in files are tried with images of several sizes, in the process that :mod:`.probing` asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from ...core.errors import ModelError
from ...core.records import from_json
from .description import NetworkFile
from .networks import CheckedNetwork, Size, open_network
from .probing import Probe

_MOST_CHANNELS = 8
_BASE = 32
_DIVISORS = (1, 2, 4, 8, 16, 32)
_FURTHER_LENGTHS = (96, 128, 256, 512)


def probe(file_path: str, dimensions: int | None, channels: int | None) -> Probe:
    """See :func:`.probing.probe`."""
    path, reason = Path(file_path), ""
    for count in (dimensions,) if dimensions else (3, 2):
        file = NetworkFile(path.name, count)
        network = CheckedNetwork(open_network(path.parent, file), None, str(path))
        for inputs in (channels,) if channels else range(1, _MOST_CHANNELS + 1):
            for divisor, size in _candidates(count, _fixed_size(network)):
                try:
                    classes = _classes_given(network, inputs, size)
                except ModelError as error:
                    reason = reason or error.what
                    continue
                return Probe(file, count, inputs, classes, divisor, size)
    raise ModelError(
        f"it takes no image that was tried. The first said: {reason}",
        where=str(path),
        remedy="Say its dimensions and its channels; one that classifies is described by hand (docs/models.md).",
    )


def run_window(file_path: str, probed: dict[str, Any], size: Sequence[int]) -> None:
    """Raises ModelError if the network does not take a window of that size."""
    path, known = Path(file_path), from_json(Probe, probed)
    network = CheckedNetwork(open_network(path.parent, known.file), None, str(path))
    _classes_given(network, known.channels, (size[0], size[1], size[2]))


def _classes_given(network: torch.nn.Module, inputs: int, size: Size) -> int:
    """How many classes it tells apart in a window of that size; ModelError where it does not take one."""
    with torch.inference_mode():
        values = torch.linspace(0, 1, inputs * size[0] * size[1] * size[2]).reshape(1, inputs, *size)
        return int(network(values).shape[1])


def _fixed_size(network: CheckedNetwork) -> Size | None:
    """The size that an ONNX file names."""
    for module in network.modules():
        shape = getattr(module, "input_shape", ())
        if len(shape) >= 4 and all(shape[2:]):
            a, b, c = (1, *shape[2:])[-3:]
            return int(a), int(b), int(c)
    return None


def _candidates(dimensions: int, fixed: Size | None) -> Iterator[tuple[int, Size]]:
    """Divisors with a size that is a multiple of no larger one, then sizes that a network may insist upon."""
    if fixed is not None:
        yield 0, fixed
        return
    for divisor in _DIVISORS:
        length = _BASE + divisor
        yield divisor, (1 if dimensions == 2 else length, length, length)
    for length in _FURTHER_LENGTHS if dimensions == 2 else _FURTHER_LENGTHS[:2]:
        yield 0, (1 if dimensions == 2 else length, length, length)
