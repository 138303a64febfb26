"""What the worker does while nobody waits for a run: it makes ready and compares the ways to run its warm models.

First the ways that a run has left uncompared, on the image that it has prepared; then networks are converted, where
that is possible, for the windows that were compared; and what was converted is compared in turn. The next run finds
what was chosen, and need not look.
"""

from __future__ import annotations

from collections.abc import Callable

import psutil
import torch

from ..engine.backends.conversion import can_convert, convert, converted_at, why_not_converted
from ..engine.backends.remembered import Place, remembered_places
from ..engine.compared_beforehand import compare_ways
from ..engine.device import release_unused_memory
from ..engine.prepared_again import KeptPreparations
from ..models.converted_networks import has_room_beside
from .segment import LoadedModel
from .warm_models import WarmModels

_LEAST_FREE_BYTES = 4 << 30
"""2.4 GB were held at most, by a transformer that was converted; Slicer needs some too."""


def use_spare_time(
    models: WarmModels, kept: KeptPreparations, poll: Callable[[], None], undisturbed: Callable[[], None]
) -> None:
    """Do all that there is to do; what is left when a run comes is done after it.

    Args:
        kept: images that the models' runs have prepared.
        poll: raises Cancelled once a run comes.
        undisturbed: raises Cancelled once anything comes: what else this process computes would count as a network's.

    Raises:
        ResourceError: if the program's data folder cannot be written.
    """
    compare_networks(models, kept, undisturbed)
    if can_convert():
        convert_networks(models, poll)
        compare_networks(models, kept, undisturbed)


def compare_networks(models: WarmModels, kept: KeptPreparations, poll: Callable[[], None]) -> None:
    """Compare the ways that have not been compared, one network after the other; see :func:`use_spare_time`."""
    for model in reversed(models.loaded):
        poll()
        if model.networks and not model.spec.classes and _has_memory():
            try:
                compare_ways(model.spec, model.networks, kept, poll)
            finally:
                release_unused_memory()


def convert_networks(models: WarmModels, poll: Callable[[], None]) -> None:
    """Convert what is not converted yet, one network after the other; see :func:`use_spare_time`."""
    for model in reversed(models.loaded):
        places = remembered_places(model.spec.sha256, torch.device("cpu"))
        for place in places:
            poll()
            # What other versions, or another number of threads, were converted for goes first.
            room = has_room_beside(file for one in places if (file := converted_at(one)))
            if room and _has_memory() and _is_wanted(model, place):
                convert(model.networks[place.stage][place.member], place, poll)


def _has_memory() -> bool:
    return psutil.virtual_memory().available >= _LEAST_FREE_BYTES


def _is_wanted(model: LoadedModel, place: Place) -> bool:
    stages = model.spec.stages
    if place.stage >= len(stages) or place.member >= len(model.networks[place.stage]):
        return False
    network = model.networks[place.stage][place.member]
    return (
        stages[place.stage].windows.size is not None
        and all(value.device.type == "cpu" for value in network.parameters())
        and converted_at(place) is None
        and not why_not_converted(place)
    )
