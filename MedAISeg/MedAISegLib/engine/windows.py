"""The network moved over the prepared array; finished slabs of scores come out in order.

Windows advance along one axis, their weighted scores are added up in a ring. Window places and weights are in
window_places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from ..models.spec import PLAIN_MEAN, Averaging, Padding, WindowRule, Windows, networks_apart
from ..models.window_axis import leanest_axis
from .activation import activate
from .air_windows import FEWEST_WINDOWS, AirWindows
from .each_once import EachOnce
from .even_windows import WindowCount
from .label_channels import LabelChannels
from .ring import Ring
from .slabs import Box, Shape, Slab, SlabStream, whole_box
from .window_places import WindowPlaces, window_weights

Network = Callable[[torch.Tensor], torch.Tensor]
"""(batch, channel, a, b, c) values to (batch, class, a, b, c) scores."""

WHOLE_ARRAY_SLAB_BYTES = 256 * 2**20

_TORCH_PADDING = {Padding.CONSTANT: "constant", Padding.REPLICATE: "replicate", Padding.REFLECT: "reflect"}


@runtime_checkable
class WideHeadNetwork(Protocol):
    """A network whose last layer works on each voxel alone, so that it can be applied slab by slab."""

    def trunk(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) values to (batch, feature, a, b, c)."""

    def head(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, feature, a, b, c) to (batch, class, a, b, c) scores."""


@runtime_checkable
class NetworkOfArrays(Protocol):
    """Stands for the network that an array goes through as a whole."""

    def network_for(self, values: torch.Tensor) -> Network:
        """By the (channel, a, b, c) values of that array."""


@dataclass(frozen=True)
class Placement:
    """How a run is fitted into memory.

    Attributes:
        batch: windows in one forward pass.
        compute: where the network runs.
        accumulate: where scores are added up and restored.
    """

    batch: int
    compute: torch.device
    accumulate: torch.device


def score_slabs(
    networks: Sequence[Network],
    values: torch.Tensor,
    windows: Windows,
    placement: Placement,
    report: Callable[[float], None],
    averaging: Averaging = PLAIN_MEAN,
    *,
    labels: LabelChannels | None = None,
    axis: int | None = None,
    count: WindowCount | None = None,
    air: AirWindows | None = None,
) -> SlabStream:
    """Scores of every class for the whole array, averaged over networks and test-time flips.

    Args:
        values: (channel, a, b, c), on any device.
        report: told the fraction of windows done; may raise Cancelled.
        averaging: of several networks.
        labels: further channels, on the device of the values.
        axis: that the windows advance along; where none is given, the one where the windows at hand take least memory.
        count: is told of each window.
        air: windows that may be left out; none where it is not given.

    Returns:
        A stream of (class, a, b, c) on the array's grid.

    Raises:
        ModelError: if the array would need endlessly many windows.
        LabelInAirError: while slabs are read, if a label is found in air after windows of it were left out.
    """
    apart = len(networks) > 1 and networks_apart(windows, averaging)
    shape: Shape = (values.shape[1], values.shape[2], values.shape[3])

    def taken(box: Box) -> torch.Tensor:
        part = values[(slice(None), *box)]
        return part if labels is None else labels.beside(part, box)

    if windows.size is None:
        whole = taken(whole_box(shape))
        networks = [one.network_for(whole) if isinstance(one, NetworkOfArrays) else one for one in networks]
    predict = _joined(networks, windows.test_time_flips, apart=apart)
    predict = predict if count is None else count.watching(predict)
    if windows.size is None:
        slabs, axis = _whole_array(networks, predict, whole, windows, placement, report, count), 0
    else:
        size = filled(windows.size, shape)
        axis = leanest_axis(shape, size, windows.rule) if axis is None else axis
        depth = min(shape[axis], size[axis])
        ring = Ring(shape, axis, depth, placement.accumulate, _SUMS[windows.rule])
        weights = window_weights(size, windows).to(placement.accumulate)
        places = WindowPlaces.of(shape, size, windows, axis)
        air = air if len(places) >= FEWEST_WINDOWS else None
        network = EachOnce(predict, placement.batch, placement.compute, count, air)
        slabs = _windowed(network, taken, places, windows, weights, ring, report)
    stream = SlabStream(shape, axis, True, slabs)
    return _averaged(stream, len(networks), averaging) if apart else stream


def _averaged(stream: SlabStream, count: int, averaging: Averaging) -> SlabStream:
    """Slabs (class, a, b, c) from (member and class, a, b, c)."""
    weights = averaging.weights or (1.0,) * count
    shares = [weight * count / sum(weights) for weight in weights]

    def mean(values: torch.Tensor) -> torch.Tensor:
        """Added up in the precision of the values, as nnU-Net does."""
        first, *others = values.chunk(count)
        total = activate(first, averaging.activation) * shares[0]
        for member, share in zip(others, shares[1:], strict=True):
            total.add_(activate(member, averaging.activation), alpha=share)
        return total.div_(count)

    return stream.map_values(mean)


_SUMS = {WindowRule.MONAI: torch.float32, WindowRule.NNUNET: torch.float16}
"""nnU-Net adds scores up in 16 bits; near a tie its labels depend on that."""


def _windowed(
    network: EachOnce,
    taken: Callable[[Box], torch.Tensor],
    places: WindowPlaces,
    windows: Windows,
    weights: torch.Tensor,
    ring: Ring,
    report: Callable[[float], None],
) -> Iterator[Slab]:
    found = network.scores((box, padded(taken(box), places.pads, windows)) for box in places)
    weights = weights[places.inside]
    for number, box in enumerate(places, start=1):
        scores = next(found)
        yield from ring.add([part.start for part in box], scores[(slice(None), *places.inside)], weights)
        # Those of many classes are as large as what the network needs to make the next ones.
        del scores
        report(number / len(places))
    yield from ring.finish()


def padded(crop: torch.Tensor, pads: Sequence[tuple[int, int]], windows: Windows) -> torch.Tensor:
    """(channel, a, b, c) values of a window, filled up where the array is shorter than it."""
    if not any(before or after for before, after in pads):
        return crop
    around = [length for ends in reversed(pads) for length in ends]
    if windows.padding is Padding.CONSTANT:
        return torch.nn.functional.pad(crop, around, value=windows.padding_value)
    return torch.nn.functional.pad(crop[None], around, mode=_TORCH_PADDING[windows.padding])[0]


def _whole_array(
    networks: Sequence[Network],
    predict: Network,
    values: torch.Tensor,
    windows: Windows,
    placement: Placement,
    report: Callable[[float], None],
    count: WindowCount | None,
) -> Iterator[Slab]:
    batch = values[None].to(placement.compute)
    network = networks[0]
    with _reporting_layers(networks, report):
        if len(networks) == 1 and not windows.test_time_flips and isinstance(network, WideHeadNetwork):
            head = network.head if count is None else count.watching(network.head)
            yield from _headed(head, network.trunk(batch), placement)
        else:
            yield Slab.of(predict(batch)[0].to(placement.accumulate), 0)
    report(1.0)


@contextmanager
def before_each_layer(networks: Sequence[Network], call: Callable[[torch.nn.Module], None]) -> Iterator[None]:
    """Call with each layer that is about to run, every time; what TorchScript has compiled cannot be looked into."""
    handles = [
        layer.register_forward_pre_hook(lambda layer, _: call(layer))
        for layer in _layers(networks)
        if not isinstance(layer, torch.jit.ScriptModule)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _reporting_layers(networks: Sequence[Network], report: Callable[[float], None]) -> Iterator[None]:
    """One pass over a whole array can take minutes: the share of the layers that have begun tells how far it is."""
    count = len(_layers(networks))
    begun: set[torch.nn.Module] = set()

    def begin(layer: torch.nn.Module) -> None:
        if layer not in begun:
            report(len(begun) / count)
            begun.add(layer)

    with before_each_layer(networks, begin):
        yield


def _layers(networks: Sequence[Network]) -> list[torch.nn.Module]:
    modules = [network for network in networks if isinstance(network, torch.nn.Module)]
    return [layer for network in modules for layer in network.modules() if not any(layer.children())]


def _headed(head: Network, features: torch.Tensor, placement: Placement) -> Iterator[Slab]:
    length = features.shape[2]
    classes = head(features[:, :, :1]).shape[1]
    slice_bytes = classes * features[0, 0, 0].numel() * features.element_size()
    step = max(1, WHOLE_ARRAY_SLAB_BYTES // slice_bytes)
    for start in range(0, length, step):
        yield Slab.of(head(features[:, :, start : start + step])[0].to(placement.accumulate), 0, start)


def _joined(networks: Sequence[Network], flips: tuple[tuple[int, ...], ...], *, apart: bool) -> Network:
    """The networks' scores averaged over the flips, and over the networks unless those are to stay apart as classes."""
    members = [_over_flips(network, flips) for network in networks]
    if len(members) == 1:
        return members[0]
    if apart:
        return lambda batch: torch.cat([member(batch) for member in members], dim=1)

    def predict(batch: torch.Tensor) -> torch.Tensor:
        total = members[0](batch)
        for member in members[1:]:
            total = total + member(batch)
        return total / len(members)

    return predict


def _over_flips(network: Network, flips: tuple[tuple[int, ...], ...]) -> Network:
    if not flips:
        return network

    def predict(batch: torch.Tensor) -> torch.Tensor:
        total = network(batch)
        for flip in flips:
            dims = [axis + 2 for axis in flip]
            total = total + network(batch.flip(dims)).flip(dims)
        return total / (1 + len(flips))

    return predict


def filled(size: Shape, shape: Shape) -> Shape:
    """The size of windows whose length is the array's where none is given."""
    a, b, c = (wanted if wanted > 0 else length for wanted, length in zip(size, shape, strict=True))
    return (a, b, c)
