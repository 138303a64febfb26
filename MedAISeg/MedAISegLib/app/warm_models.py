"""The models that were used last, kept in memory so that the next run with one of them need not wait.

Measured, one thread, the embedded model: 1.9 s of processor time for the first load with what it imports, 0.25 s for
another in the same process, none for one that is warm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import psutil

from ..core.progress import Progress

if TYPE_CHECKING:
    import torch

    from ..formats import ModelSource
    from .segment import LoadedModel

Networks = Sequence[Sequence["torch.nn.Module"]]
"""Those of each stage."""

_MOST = 2
_MOST_BYTES = 4 << 30
_LARGEST_SHARE = 0.25
"""Of the computer's memory: Slicer and the runs need it too."""


class WarmModels:
    """The two last models, the last alone where weights are large; by their files' hash, so none is ever stale."""

    def __init__(self, most_bytes: int | None = None) -> None:
        """Keep at most so many bytes of weights; without a number, 4 GiB or a quarter of the computer's memory."""
        usual = min(_MOST_BYTES, int(_LARGEST_SHARE * psutil.virtual_memory().total))
        self._most_bytes = usual if most_bytes is None else most_bytes
        self._loaded: dict[str, LoadedModel] = {}

    def get(self, source: ModelSource, progress: Progress) -> LoadedModel:
        """A model, ready to run; for the thread of the runs only.

        Raises:
            ModelError: if its weights are missing, damaged or do not fit the description.
            Cancelled: if the user asked the run to stop.
        """
        from .segment import LoadedModel, load_model

        key = source.spec.sha256
        known = self._loaded.pop(key, None)
        if known is None:
            self._make_room(_MOST - 1)
            known = load_model(source, progress)
        self._loaded[key] = known
        while (
            len(self._loaded) > 1
            and sum(weights_bytes(model.networks) for model in self._loaded.values()) > self._most_bytes
        ):
            self._make_room(len(self._loaded) - 1)
        return LoadedModel(source.spec, known.networks, source.run, source.widths)

    @property
    def loaded(self) -> tuple[LoadedModel, ...]:
        """Those in memory, the last one used at the end; for the thread of the runs only."""
        return tuple(self._loaded.values())

    def networks_of(self, sha256: str) -> Networks:
        """Those of a model, none where it is not in memory; may be asked from any thread."""
        known = self._loaded.get(sha256)
        return () if known is None else known.networks

    def bytes_beside(self, sha256: str) -> int:
        """Weights of all other models in the computer's memory; may be asked from any thread."""
        others = [model for key, model in tuple(self._loaded.items()) if key != sha256]
        return sum(weights_bytes(model.networks, "cpu") for model in others)

    def _make_room(self, most: int) -> None:
        while len(self._loaded) > most:
            del self._loaded[next(iter(self._loaded))]


def weights_bytes(networks: Networks, device_type: str | None = None) -> int:
    """Of all weights, or of those on devices of one type."""
    return sum(
        value.numel() * value.element_size()
        for stage in networks
        for network in stage
        for value in (*network.parameters(), *network.buffers())
        if device_type in (None, value.device.type)
    )
