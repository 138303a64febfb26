"""What a network's file takes and gives, found by trying it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ...core.errors import MedAISegError, ModelError, UsageError
from . import SUFFIXES
from .description import NetworkFile
from .networks import CheckedNetwork, Size, open_network

_MOST_CHANNELS = 8
_BASE = 32
_DIVISORS = (1, 2, 4, 8, 16, 32)
_FURTHER_LENGTHS = (96, 128, 256, 512)


@dataclass(frozen=True)
class Probe:
    """A network that has been tried.

    Attributes:
        dimensions: 2 or 3.
        channels: it takes.
        classes: it gives.
        divisor: the lengths of its windows are multiples of this; 0 where it takes one size alone.
        size: a window that it takes.
    """

    file: NetworkFile
    dimensions: int
    channels: int
    classes: int
    divisor: int
    size: Size


def network_file_in(path: Path) -> Path:
    """The file itself, or the only network in a folder.

    Raises:
        UsageError: if there is none or there are several.
    """
    if path.is_file():
        found = [path]
    else:
        found = sorted(file for file in path.glob("*") if file.suffix in SUFFIXES[:-1] and file.is_file())
    if len(found) != 1 or found[0].suffix not in SUFFIXES[:-1]:
        raise UsageError(
            f"{len(found)} networks are there: {', '.join(file.name for file in found[:5]) or 'none'}.",
            where=str(path),
            remedy=f"Name one file of {', '.join(SUFFIXES[:-1])}.",
        )
    return found[0]


def probe(path: Path, dimensions: int | None = None, channels: int | None = None) -> Probe:
    """Try a network's file with images of several sizes.

    Args:
        dimensions: 2 or 3, where it is known.
        channels: that it takes, where they are known.

    Raises:
        NotTrustedError: if the file asks for more than to compute.
        ModelError: if it takes no image that was tried.
        ResourceError: if the package that runs ONNX is missing.
    """
    reason = ""
    for count in (dimensions,) if dimensions else (3, 2):
        file = NetworkFile(path.name, count)
        network = CheckedNetwork(open_network(path.parent, file), None, str(path))
        for inputs in (channels,) if channels else range(1, _MOST_CHANNELS + 1):
            for divisor, size in _candidates(count, _fixed_size(network)):
                try:
                    classes = classes_given(network, inputs, size)
                except ModelError as error:
                    reason = reason or error.what
                    continue
                return Probe(file, count, inputs, classes, divisor, size)
    raise ModelError(
        f"it takes no image that was tried. The first said: {reason}",
        where=str(path),
        remedy="Say its dimensions and its channels; one that classifies is described by hand (docs/models.md).",
    )


def classes_given(network: torch.nn.Module, inputs: int, size: Size) -> int:
    """How many classes it tells apart in a window of that size; ModelError where it does not take one."""
    with torch.inference_mode():
        values = torch.linspace(0, 1, inputs * size[0] * size[1] * size[2]).reshape(1, inputs, *size)
        return int(network(values).shape[1])


def takes(path: Path, probed: Probe, size: Size) -> str:
    """Why the network does not take windows of that size; empty where it does."""
    network = CheckedNetwork(open_network(path.parent, probed.file), None, str(path))
    try:
        classes_given(network, probed.channels, size)
    except MedAISegError as error:
        return error.what
    return ""


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
