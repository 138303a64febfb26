"""A network that takes a whole array at once, and finds its faster way on a small part of that.

To compute the whole array in two ways would take twice as long, and there is but one of it. A part is enough to hold
one against the other, since such networks are made of convolutions: what they compute of a voxel is the same kind of
sum wherever that lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

import torch

from ..memory import is_out_of_memory
from ..slabs import Box
from .agreement import has_foreground
from .direct_convolutions import only_direct_convolutions
from .happened import NetworkRun
from .trial import Trial, timed
from .ways import ONEDNN, PLAIN, Way

_LONGEST, _SHORTEST, _STEP = 64, 32, 16
"""Edge of a part, in voxels; a multiple of what networks with poolings can take."""

_MOST_SHARE = 0.25
"""Of the array, in parts that the plain network looks at until it has found something."""


class ArrayChooser(torch.nn.Module):
    """Holds both ways, so that hooks reach them; which of them is to be called is asked of it first."""

    def __init__(self, network: torch.nn.Module, run: NetworkRun) -> None:
        super().__init__()
        self.plain = network
        self._direct = only_direct_convolutions(network) if run.forced in (None, ONEDNN) else None
        self._run = run
        if self._direct is None:
            run.not_applicable()

    def network_for(self, values: torch.Tensor) -> torch.nn.Module:
        """The network that the whole of some (channel, a, b, c) values is to be run through."""
        way = PLAIN if self._direct is None or values.device.type != "cpu" else self._way(values, self._direct)
        self._run.happened.take(way)
        return self.plain if way == PLAIN or self._direct is None else self._direct

    def _way(self, values: torch.Tensor, direct: torch.nn.Module) -> Way:
        part = None
        trial = Trial(self.plain, {ONEDNN: direct}, self._run)
        for box in _parts(values):
            self._run.poll()
            part = values[(slice(None), *box)][None].contiguous()
            known = self._run.known(part, (ONEDNN,))
            if known is not None:
                return known
            scores, seconds = self._tried(part)
            if scores is None or trial.over:
                break
            if has_foreground(scores, self._run.stage):
                trial.hold(part, scores, seconds)
            if trial.over:
                break
        return PLAIN if part is None else trial.conclude(part)

    def _tried(self, part: torch.Tensor) -> tuple[torch.Tensor | None, float]:
        """The plain network's scores of a part and what they took; None where it cannot do with less than all."""
        try:
            return timed(self.plain, part)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            return None, 0.0


def _parts(values: torch.Tensor) -> Iterator[Box]:
    """Boxes of one size: the middle of the array, then the middles of its eighths."""
    shape = values.shape[1:]
    size = [min(n, max(_SHORTEST, min(_LONGEST, n // 2 // _STEP * _STEP))) for n in shape]
    share = torch.Size(size).numel() / max(1, values[0].numel())
    middles = [(0.5, 0.5, 0.5), *product((0.25, 0.75), repeat=3)]
    for middle in islice(middles, max(1, int(_MOST_SHARE / share))):
        starts = [round((n - length) * at) for n, length, at in zip(shape, size, middle, strict=True)]
        a, b, c = (slice(start, start + length) for start, length in zip(starts, size, strict=True))
        yield a, b, c
