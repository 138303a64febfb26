"""Convolutions 3 wide with two thirds of the multiplications along the first axis.

Winograd's minimal filtering F(2,3) (Lavin and Gray, arXiv:1509.09308, section 4.1) in one dimension: two slices of
output take four 2-D convolutions of sums of input slices, where the plain way takes six. A few slices at a time, so
that the sums stay in the processor's cache. Measured on a CPU, one thread: 0.75 to 0.9 of oneDNN's own time for 32 to
256 channels, off by some 1e-6 of the largest value.
"""

from __future__ import annotations

import torch
from torch import nn

_FEWEST_CHANNELS = 32
"""With fewer, the sums take as long as what they save."""

_PAIRS_AT_ONCE = 8
_VALUES_AT_ONCE = 2**21
"""Bound on a sum. Of sums and what comes of them three are held at one time, not all eight: 37 MB in place of 110."""

_ONES = (1, 1, 1)


def suits(layer: nn.Conv3d, values: torch.Tensor) -> bool:
    """Whether a layer has the form that this is for; ``values`` are (batch, channel, a, b, c).

    Kernels are kept in both forms. Those that are larger than the image, in the depth of a network, are most of its
    weights and little of its work: with them a SegResNet of 87 million weights held 440 of 2,190 MB more, and took 0.94
    of the time.
    """
    return (
        layer.kernel_size == (3, 3, 3)
        and layer.stride == layer.dilation == layer.padding == _ONES
        and layer.groups == 1
        and min(layer.in_channels, layer.out_channels) >= _FEWEST_CHANNELS
        and layer.weight.numel() <= values.numel()
        and len(values) == 1
        and values.shape[2] > 2
    )


def transformed(weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Four (out, in, 3, 3) kernels from (out, in, 3, 3, 3)."""
    first, middle, last = weight.unbind(dim=2)
    ends = first + last
    kernels = (first, (ends + middle) / 2, (ends - middle) / 2, last)
    return tuple(kernel.contiguous(memory_format=torch.channels_last) for kernel in kernels)


def convolved(values: torch.Tensor, kernels: tuple[torch.Tensor, ...], bias: torch.Tensor | None) -> torch.Tensor:
    """(1, out, a, b, c) from (1, in, a, b, c), both channels last."""
    # A slice is a 2-D image with its channels last.
    slices = values[0].transpose(0, 1)
    depth, _, height, width = slices.shape
    channels = kernels[0].shape[0]
    output = torch.empty((1, channels, depth, height, width), memory_format=torch.channels_last_3d)
    into = output[0].transpose(0, 1)
    pairs = max(1, min(_PAIRS_AT_ONCE, _VALUES_AT_ONCE // slices[0].numel()))
    for start in range(0, depth, 2 * pairs):
        stop = min(start + 2 * pairs, depth)
        _pairs_of_output(_with_neighbours(slices, start, stop), kernels, bias, into[start:stop])
    return output


def _with_neighbours(slices: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """An even number of slices from ``start``, the one before and the one after; zeros beyond the image."""
    after = stop + 1 + (stop - start) % 2
    inside = slices[max(start - 1, 0) : after]
    missing = after - start + 1 - len(inside) - (start == 0)
    if start > 0 and missing == 0:
        return inside
    beyond = torch.zeros_like(slices[:1])
    return torch.cat([*[beyond] * (start == 0), inside, *[beyond] * missing])


def _pairs_of_output(
    slices: torch.Tensor, kernels: tuple[torch.Tensor, ...], bias: torch.Tensor | None, into: torch.Tensor
) -> None:
    """Slices of output (n, out, b, c), where n is 2 pairs or one less, from (2 pairs + 2, in, b, c).

    What is not needed any more is let go of before the next is made: of the sums and what comes of them, three at most
    are there at one time.
    """
    a, b, c, d = slices[0:-2:2], slices[1:-1:2], slices[2::2], slices[3::2]
    even, odd = into[0::2], into[1::2]
    two, three = _convolved_slices(b + c, kernels[1], bias), _convolved_slices(c - b, kernels[2], None)
    torch.add(two, three, out=even)
    torch.sub(two[: len(odd)], three[: len(odd)], out=odd)
    del two, three
    even.add_(_convolved_slices(a - c, kernels[0], None))
    odd.sub_(_convolved_slices((b - d)[: len(odd)], kernels[3], None))


def _convolved_slices(summed: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return torch.mkldnn_convolution(summed, kernel, bias, (1, 1), (1, 1), (1, 1), 1)
