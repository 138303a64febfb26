"""The network moved over the prepared array; finished slabs of scores come out in order.

Windows advance along the array's longest axis. Their weighted scores are added up in a buffer that is one window deep;
what no later window touches is divided by the weights, handed over and freed. So memory does not grow with the scan.
Window places and weights are in window_places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Protocol, runtime_checkable

import torch

from ..models.spec import PLAIN_MEAN, Averaging, Padding, WindowRule, Windows
from .activation import activate
from .slabs import DEFAULT_SLAB_BYTES, Shape, Slab, SlabStream
from .window_places import window_starts, window_weights

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


@dataclass(frozen=True)
class Placement:
    """How a run is fitted into memory.

    Attributes:
        batch: windows in one forward pass.
        compute: where the network runs.
        accumulate: where scores are added up and restored.
        slab_bytes: bound on a slab of scores on the source grid, all classes together.
    """

    batch: int
    compute: torch.device
    accumulate: torch.device
    slab_bytes: int = DEFAULT_SLAB_BYTES


def score_slabs(
    networks: Sequence[Network],
    values: torch.Tensor,
    windows: Windows,
    placement: Placement,
    report: Callable[[float], None],
    averaging: Averaging = PLAIN_MEAN,
    *,
    axis: int | None = None,
) -> SlabStream:
    """Scores of every class for the whole array, averaged over networks and test-time flips.

    Args:
        values: (channel, a, b, c), on any device.
        report: told the fraction of windows done; may raise Cancelled.
        averaging: of several networks.
        axis: that the windows advance along, the longest one where none is given.

    Returns:
        A stream of (class, a, b, c) on the array's grid.
    """
    plain = averaging == PLAIN_MEAN
    apart = len(networks) > 1 and (not plain or (windows.rule is WindowRule.NNUNET and windows.size is not None))
    predict = _joined(networks, windows.test_time_flips, apart=apart)
    shape: Shape = (values.shape[1], values.shape[2], values.shape[3])
    if windows.size is None:
        slabs = _whole_array(networks, predict, values, windows, placement, report)
        whole = SlabStream(shape, 0, True, slabs, placement.slab_bytes)
        return _averaged(whole, len(networks), averaging) if apart else whole
    size = _filled(windows.size, shape)
    padded_shape, before = _padding(shape, size)
    axis = max(range(3), key=lambda a: (padded_shape[a], -a)) if axis is None else axis
    starts = [window_starts(padded_shape[a], size[a], windows.overlap[a], windows.rule) for a in range(3)]
    accumulate = _Accumulator(padded_shape, size, axis, window_weights(size, windows), placement, _SUMS[windows.rule])
    places = sorted(product(*starts), key=lambda place: place[axis])
    slabs = _windowed(predict, _pad(values, windows, size), places, accumulate, report)
    stream = SlabStream(padded_shape, axis, True, slabs, placement.slab_bytes)
    if apart:
        stream = _averaged(stream, len(networks), averaging)
    return stream if padded_shape == shape else _unpadded(stream, before, shape)


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


class _Accumulator:
    """Weighted scores of the windows at hand, one window deep along the stream's axis."""

    def __init__(
        self, shape: Shape, size: Shape, axis: int, weights: torch.Tensor, placement: Placement, dtype: torch.dtype
    ) -> None:
        self.start = 0
        self._shape, self._size, self._axis, self._dtype = shape, size, axis, dtype
        self._weights = weights.to(placement.accumulate)
        self.placement = placement
        depth = list(shape)
        depth[axis] = size[axis]
        self._depth: Shape = (depth[0], depth[1], depth[2])
        self._scores: torch.Tensor | None = None
        self._total = torch.zeros(self._depth, device=placement.accumulate, dtype=dtype)

    @property
    def size(self) -> Shape:
        return self._size

    def add(self, place: Sequence[int], scores: torch.Tensor) -> Iterator[Slab]:
        """Add the (class, a, b, c) scores of one window; first hand over what it no longer touches."""
        if self._scores is None:
            device = self.placement.accumulate
            self._scores = torch.zeros((scores.shape[0], *self._depth), device=device, dtype=self._dtype)
        if place[self._axis] > self.start:
            yield from self.finish(place[self._axis])
        box = [
            slice(p - self.start, p - self.start + n) if a == self._axis else slice(p, p + n)
            for a, (p, n) in enumerate(zip(place, self._size, strict=True))
        ]
        target = self._scores[(slice(None), *box)]
        scores = scores.to(target.device, self._weights.dtype)
        if self._dtype is self._weights.dtype:
            target.addcmul_(scores, self._weights)
        else:
            target += scores * self._weights
        self._total[tuple(box)] += self._weights

    def finish(self, stop: int) -> Iterator[Slab]:
        """Hand over the slices before ``stop`` and move the rest to the front."""
        if self._scores is None:
            return
        dim, done = self._axis + 1, stop - self.start
        total = self._total.narrow(self._axis, 0, done)
        yield Slab(self.start, self._scores.narrow(dim, 0, done) / total)
        _shift(self._scores, dim, done)
        _shift(self._total, self._axis, done)
        self.start = stop


def _shift(buffer: torch.Tensor, dim: int, count: int) -> None:
    """Move slices ``count``.. to the front, in pieces that do not overlap, and clear what is behind them."""
    depth = buffer.shape[dim]
    for start in range(0, depth - count, count):
        length = min(count, depth - count - start)
        buffer.narrow(dim, start, length).copy_(buffer.narrow(dim, start + count, length))
    buffer.narrow(dim, depth - min(count, depth), min(count, depth)).zero_()


def _windowed(
    predict: Network,
    values: torch.Tensor,
    places: Sequence[tuple[int, ...]],
    accumulator: _Accumulator,
    report: Callable[[float], None],
) -> Iterator[Slab]:
    placement, size = accumulator.placement, accumulator.size
    for first in range(0, len(places), placement.batch):
        batch = places[first : first + placement.batch]
        crops = [values[(slice(None), *(slice(p, p + n) for p, n in zip(place, size, strict=True)))] for place in batch]
        scores = predict(torch.stack(crops).to(placement.compute))
        for place, one in zip(batch, scores, strict=True):
            yield from accumulator.add(place, one)
        report(min(1.0, (first + len(batch)) / len(places)))
    axis_length = values.shape[accumulator._axis + 1]
    yield from accumulator.finish(axis_length)


def _whole_array(
    networks: Sequence[Network],
    predict: Network,
    values: torch.Tensor,
    windows: Windows,
    placement: Placement,
    report: Callable[[float], None],
) -> Iterator[Slab]:
    batch = values[None].to(placement.compute)
    network = networks[0]
    with _reporting_layers(networks, report):
        if len(networks) == 1 and not windows.test_time_flips and isinstance(network, WideHeadNetwork):
            features = network.trunk(batch)
            yield from _headed(network, features, placement)
        else:
            yield Slab(0, predict(batch)[0].to(placement.accumulate))
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


def _headed(network: WideHeadNetwork, features: torch.Tensor, placement: Placement) -> Iterator[Slab]:
    length = features.shape[2]
    classes = network.head(features[:, :, :1]).shape[1]
    slice_bytes = classes * features[0, 0, 0].numel() * features.element_size()
    step = max(1, WHOLE_ARRAY_SLAB_BYTES // slice_bytes)
    for start in range(0, length, step):
        yield Slab(start, network.head(features[:, :, start : start + step])[0].to(placement.accumulate))


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


def _filled(size: Shape, shape: Shape) -> Shape:
    a, b, c = (wanted if wanted > 0 else length for wanted, length in zip(size, shape, strict=True))
    return (a, b, c)


def _padding(shape: Shape, size: Shape) -> tuple[Shape, Shape]:
    """Shape after padding up to the window, and the slices added before the array."""
    a, b, c = (max(length, wanted) for length, wanted in zip(shape, size, strict=True))
    u, v, w = (max(wanted - length, 0) // 2 for length, wanted in zip(shape, size, strict=True))
    return (a, b, c), (u, v, w)


def _pad(values: torch.Tensor, windows: Windows, size: Shape) -> torch.Tensor:
    shape: Shape = (values.shape[1], values.shape[2], values.shape[3])
    padded, before = _padding(shape, size)
    if padded == shape:
        return values
    pads: list[int] = []
    for axis in (2, 1, 0):
        pads += [before[axis], padded[axis] - shape[axis] - before[axis]]
    if windows.padding is Padding.CONSTANT:
        return torch.nn.functional.pad(values, pads, value=windows.padding_value)
    return torch.nn.functional.pad(values[None], pads, mode=_TORCH_PADDING[windows.padding])[0]


def _unpadded(stream: SlabStream, before: Shape, shape: Shape) -> SlabStream:
    def trimmed() -> Iterator[Slab]:
        for slab in stream.slabs:
            values = slab.values
            for axis in range(3):
                if axis != stream.axis:
                    values = values.narrow(axis + 1, before[axis], shape[axis])
            low = slab.start - before[stream.axis]
            first, stop = max(low, 0), min(low + stream.depth_of(slab), shape[stream.axis])
            if stop > first:
                yield Slab(first, values.narrow(stream.axis + 1, first - low, stop - first))

    return replace(stream, shape=shape, slabs=trimmed())
