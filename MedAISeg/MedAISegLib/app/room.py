"""What is free for a run, and whether the run will fit into it: for the panel before, and for the run as it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch

from ..core.geometry import VolumeGeometry
from ..engine.device import device_memory
from ..engine.windows import Placement
from .need import need_of
from .warm_models import Networks, weights_bytes

if TYPE_CHECKING:
    from .segment import LoadedModel

_GIB = 2**30


@dataclass(frozen=True)
class Room:
    """Bytes that a run may take of the computer's memory, and of a GPU's own; there 0 where the device has none."""

    host_bytes: int
    device_bytes: int


def free_room(device: torch.device, networks: Networks, kept_bytes: int) -> Room:
    """What is free now for a run, with what this process holds of it already.

    Args:
        networks: those of the run that are in memory.
        kept_bytes: that this process keeps for other runs.
    """
    host_bytes = psutil.virtual_memory().available + psutil.Process().memory_info().rss - kept_bytes
    if device.type != "cuda":
        return Room(host_bytes, 0)
    return Room(host_bytes, device_memory(device)[0] + weights_bytes(networks, "cuda"))


def shortage_in(room: Room, model: LoadedModel, geometry: VolumeGeometry) -> Callable[[Placement], str]:
    """Says of each placement what memory it would be short of; nothing where it fits, as far as can be foreseen.

    Args:
        geometry: of the first channel's image, cropped to the region.
    """

    def shortage(placement: Placement) -> str:
        need = need_of(
            model.spec,
            geometry,
            weights_bytes=weights_bytes(model.networks),
            on_gpu=placement.compute.type == "cuda",
            widths=model.widths,
            members=[len(members) for members in model.networks],
            batch=placement.batch,
            scores_on_gpu=placement.accumulate.type == "cuda",
        )
        for needed, free, where in (
            (need.host_bytes, room.host_bytes, ""),
            (need.device_bytes, room.device_bytes, " on the device"),
        ):
            if needed > free:
                return f"About {needed / _GIB:.1f} GB of memory{where} would be needed and {free / _GIB:.1f} are free"
        return ""

    return shortage
