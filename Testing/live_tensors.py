"""Counts what torch holds at one time, so that a bound on memory can be tested without a clock or a large scan."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveTensors(TorchDispatchMode):
    """Within it every tensor that torch makes is counted while it lives; what one operation needs inside is not.

    Attributes:
        peak_bytes: the most that was held at one time.
        largest_bytes: of the largest single tensor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak_bytes = self.largest_bytes = self._held_bytes = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        made = function(*arguments, **(options or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self._sizes:
            return
        size = storage.nbytes()
        self._sizes[storage._cdata] = size
        self._held_bytes += size
        self.peak_bytes = max(self.peak_bytes, self._held_bytes)
        self.largest_bytes = max(self.largest_bytes, size)
        weakref.finalize(storage, self._forget, storage._cdata)

    def _forget(self, place: int) -> None:
        self._held_bytes -= self._sizes.pop(place)
