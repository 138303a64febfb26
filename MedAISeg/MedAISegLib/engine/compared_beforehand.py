"""The ways to run a network, compared while nobody waits: on an image that an earlier run has prepared.

Why: a run compares for a minute at most, and only what it meets; a network that was converted after it, or a member of
an ensemble that was not reached, would be compared while the next run's user waits. The comparison is the same.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch

from ..models.spec import ModelSpec, Windows
from .backends import AUTOMATIC, FastestNetworks
from .backends.array_chooser import ArrayChooser
from .backends.reduced_precision import tensor_float_32
from .backends.window_chooser import WindowChooser
from .kept_pages import pages_kept
from .preparation import how_prepared
from .prepared import Prepared
from .prepared_again import KeptPreparations
from .slabs import Box, Shape
from .window_places import WindowPlaces
from .windows import before_each_layer, filled, padded

_MOST_WINDOWS = 27
"""Of an image, from its middle outwards; where a network finds nothing in these, it is not asked on it again."""

_OF_NETWORKS = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AssertionError, MemoryError)

_in_vain: WeakKeyDictionary[Prepared, set[tuple[str, int, int]]] = WeakKeyDictionary()
"""Hash, stage and member of the networks that found nothing in an image, or could not be run otherwise on it."""


def compare_ways(
    spec: ModelSpec,
    networks: Sequence[Sequence[torch.nn.Module]],
    kept: KeptPreparations,
    poll: Callable[[], None],
) -> None:
    """Compare what is not known yet of each network whose input is among what is kept, and remember it for the runs.

    Left to the runs are networks that take labels of an earlier stage, which are not kept, and those that are run
    slice by slice, since the last slice is often empty.

    Args:
        networks: of each stage, on the device where they have run.
        poll: is called before each layer; may raise Cancelled.
    """
    device = next((value.device for stage in networks for one in stage for value in one.parameters()), None)
    if device is None:
        return
    fastest = FastestNetworks(spec, networks, device, AUTOMATIC, poll, longest_s=math.inf)
    for number, (stage, choosers) in enumerate(zip(spec.stages, fastest.networks, strict=True)):
        prepared = kept.latest(spec.sha256, how_prepared(stage, device))
        if prepared is None or stage.labels_of is not None or stage.slicewise:
            continue
        in_vain = _in_vain.setdefault(prepared, set())
        with _as_in_a_run(choosers, poll):
            for member, chooser in enumerate(choosers):
                network = spec.sha256, number, member
                if network not in in_vain and not _compared(chooser, prepared.values, stage.windows, device):
                    in_vain.add(network)


@contextmanager
def _as_in_a_run(networks: Sequence[torch.nn.Module], poll: Callable[[], None]) -> Iterator[None]:
    with (
        torch.inference_mode(),
        tensor_float_32(allowed=False),
        pages_kept(),
        before_each_layer(networks, lambda _: poll()),
    ):
        yield


def _compared(network: torch.nn.Module, values: torch.Tensor, windows: Windows, device: torch.device) -> bool:
    """Whether it is known now which way to run a network on (channel, a, b, c) values.

    One that takes them as a whole is judged on parts of them, on a processor only, and not twice on the same.
    """
    try:
        if isinstance(network, WindowChooser):
            return any(network.compare(batch.to(device)) for batch in _from_the_middle(values, windows))
        if isinstance(network, ArrayChooser) and device.type == "cpu":
            network.network_for(values)
    except _OF_NETWORKS:
        # Memory is short, as a rule. What else there may be, the next run tells its user.
        return False
    return False


def _from_the_middle(values: torch.Tensor, windows: Windows) -> Iterator[torch.Tensor]:
    """(batch, channel, a, b, c) windows as a run computes them, those in the middle of (channel, a, b, c) first."""
    shape: Shape = (values.shape[1], values.shape[2], values.shape[3])
    places = WindowPlaces.of(shape, filled(windows.size or shape, shape), windows, 0)

    def distance(box: Box) -> int:
        return sum(int(part.start + part.stop - length) ** 2 for part, length in zip(box, shape, strict=True))

    # What is found holds for batches of one size.
    size = min(windows.batch, len(places))
    boxes = heapq.nsmallest(max(_MOST_WINDOWS, size), places, key=distance)
    for end in range(size, len(boxes) + 1, size):
        crops = [values[(slice(None), *box)] for box in boxes[end - size : end]]
        yield torch.stack([padded(crop, places.pads, windows) for crop in crops])
