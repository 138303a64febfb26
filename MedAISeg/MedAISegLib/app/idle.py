"""What the worker does while nobody waits for a run: the networks of warm models are converted, where that is possible.

Which, and for which windows, is what was compared in runs before (engine.backends); what is converted is held against
the plain network in the next.
"""

from __future__ import annotations

from collections.abc import Callable

import psutil
import torch

from ..engine.backends.conversion import can_convert, convert, converted_at, why_not_converted
from ..engine.backends.remembered import Place, remembered_places
from ..models.converted_networks import has_room_beside
from .segment import LoadedModel
from .warm_models import WarmModels

_LEAST_FREE_BYTES = 4 << 30
"""2.4 GB were held at most, by a transformer; Slicer needs some too."""


def convert_networks(models: WarmModels, poll: Callable[[], None]) -> None:
    """Convert what is not converted yet, one network after the other.

    Args:
        poll: raises Cancelled once there is something else to do.

    Raises:
        ResourceError: if the program's data folder cannot be written.
    """
    if not can_convert():
        return
    for model in reversed(models.loaded):
        places = remembered_places(model.spec.sha256, torch.device("cpu"))
        for place in places:
            poll()
            # What other versions, or another number of threads, were converted for goes first.
            room = has_room_beside(file for one in places if (file := converted_at(one)))
            if room and psutil.virtual_memory().available >= _LEAST_FREE_BYTES and _is_wanted(model, place):
                convert(model.networks[place.stage][place.member], place, poll)


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
