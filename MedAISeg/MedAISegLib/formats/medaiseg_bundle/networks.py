"""The networks of a folder, each tried before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ...core.errors import ModelError
from ...engine.memory import is_out_of_memory
from ...engine.windows import WideHeadNetwork
from ...models.spec import Windows
from ..checkpoint import with_weights
from ..named_networks import build
from ..slice_network import SliceNetwork
from .description import Description, NetworkFile
from .limits import classes_of

Size = tuple[int, int, int]

MOST_TRIAL_VOXELS = 40**3
_TRIAL_LENGTHS = (32, 64, 128)
"""Of the side of a cube, where the window is as large as the image."""


class CheckedNetwork(torch.nn.Module):
    """A network of a file, which may do anything: what comes out is held against what was announced."""

    def __init__(self, network: torch.nn.Module, classes: int | None, where: str) -> None:
        super().__init__()
        self.network = network
        self._classes, self._where = classes, where

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) to (batch, class, a, b, c); of several outputs the first."""
        return self._checked(checked_output(self.network, values, self._where), values)

    def _checked(self, scores: Any, values: torch.Tensor) -> torch.Tensor:
        shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else ()
        batch, spatial = values.shape[0], tuple(values.shape[2:])
        if len(shape) != 2 + len(spatial) or shape[0] != batch or shape[2:] != spatial:
            raise ModelError(
                f"for {_by(spatial)} voxels its network gives {_by(shape) or 'no array'} and not a score for each "
                "class and voxel.",
                where=self._where,
            )
        if self._classes is not None and shape[1] != self._classes:
            raise ModelError(
                f"its network tells {shape[1]} classes apart, and its labels are for {self._classes}.",
                where=self._where,
            )
        result: torch.Tensor = scores
        return result if result.is_floating_point() else result.float()


def checked_output(network: torch.nn.Module, values: torch.Tensor, where: str) -> Any:
    """What a network gives for images, of several outputs the first.

    Raises:
        ModelError: if it does not take them.
    """
    try:
        return first_output(network(values))
    # What torch and MONAI raise for sizes that do not fit.
    except (RuntimeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
        unit = "pixels" if values.ndim == 4 else "voxels"
        raise ModelError(
            f"the network does not take {_channels(values.shape[1])} of {_by(values.shape[2:])} {unit}: {reason}",
            where=where,
        ) from error


def first_output(scores: Any) -> Any:
    """Networks with deep supervision give several outputs, the one in full resolution first."""
    while isinstance(scores, (tuple, list)) and scores:
        scores = scores[0]
    return scores


def build_networks(folder: Path, description: Description) -> tuple[tuple[torch.nn.Module, ...], ...]:
    """The networks of each stage, on the CPU, in evaluation mode.

    Raises:
        NotTrustedError: if a file asks for more than to compute.
        ModelError: if one is damaged, or does not take the channels or give the classes that are described.
        ResourceError: if the package that runs ONNX is missing.
    """
    known = {segment.label_value for segment in description.segments}
    built = []
    for stage, members in zip(description.stages, description.networks, strict=True):
        inputs = len(description.channels) + (len(known) if stage.labels_of is not None else 0)
        networks = []
        for member in members:
            network = CheckedNetwork(open_network(folder, member), classes_of(stage, description), str(folder))
            try_out(network, inputs, stage.windows)
            # What is known by name gives what it announces, and its head may be run apart from its trunk.
            by_itself = member.file.endswith(".safetensors") and isinstance(network.network, WideHeadNetwork)
            networks.append((network.network if by_itself else network).eval())
        built.append(tuple(networks))
    return tuple(built)


def open_network(folder: Path, member: NetworkFile) -> torch.nn.Module:
    """The network of one file, made to take volumes."""
    network = open_file(folder, member)
    return SliceNetwork(network, member.slice_axis) if member.dimensions == 2 else network


def open_file(folder: Path, member: NetworkFile) -> torch.nn.Module:
    """The network of one file, as it is."""
    path = folder / member.file
    network: torch.nn.Module
    if path.suffix != ".safetensors" and (member.architecture or member.arguments):
        raise ModelError(
            f"{member.file} is a whole network, and an architecture is named beside it.",
            where=str(folder),
            remedy="Leave out architecture and arguments, or give weights alone as .safetensors.",
        )
    if path.suffix == ".onnx":
        from .onnx_network import open_onnx

        network = open_onnx(path)
    elif path.suffix == ".safetensors":
        network = with_weights(partial(build, member.architecture, member.arguments, str(path)), path)
    else:
        from .torchscript import open_torchscript

        network = open_torchscript(path)
    return network


def try_out(network: torch.nn.Module, inputs: int, windows: Windows) -> Size:
    """Run the network once; gives the size that it took. Small windows first: most networks take several sizes.

    Args:
        network: one that raises ModelError for sizes that it does not take, as :class:`CheckedNetwork` does.

    Raises:
        ModelError: what it says to the window that it will be given.
    """
    *smaller, last = _trial_sizes(windows)
    for size in smaller:
        try:
            _run_once(network, inputs, size)
        except ModelError:
            continue
        return size
    _run_once(network, inputs, last)
    return last


def _run_once(network: torch.nn.Module, inputs: int, size: Size) -> None:
    with torch.inference_mode():
        network.eval()(torch.linspace(0, 1, inputs * size[0] * size[1] * size[2]).reshape(1, inputs, *size))


def _trial_sizes(windows: Windows) -> Iterator[Size]:
    """Sizes to try, the smallest first; where the model says a window, that window last."""
    if windows.size is None or not any(windows.size):
        yield from ((n, n, n) for n in _TRIAL_LENGTHS)
        return
    for length in _TRIAL_LENGTHS if 0 in windows.size else (0,):
        a, b, c = (n or length for n in windows.size)
        halvings = [(a, b, c)]
        while _voxels(halvings[-1]) > MOST_TRIAL_VOXELS and any(n > 1 and n % 2 == 0 for n in halvings[-1]):
            a, b, c = (n // 2 if n % 2 == 0 else n for n in halvings[-1])
            halvings.append((a, b, c))
        yield from reversed(halvings)


def _voxels(size: Size) -> int:
    return size[0] * size[1] * size[2]


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def _by(shape: Any) -> str:
    return " x ".join(str(int(n)) for n in shape)
