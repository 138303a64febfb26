"""The request about what a run will need."""

from __future__ import annotations

from ..core.errors import UsageError
from ..core.geometry import VolumeGeometry
from ..engine.device import choose_device
from ..models.store import find_model
from .limits import grid_within
from .need import need_of, work_of
from .options import apply_options
from .protocol import NeedReply, NeedRequest
from .room import free_room
from .run_requests import kept_beside
from .segment import open_model
from .tasks import Task


def estimate_need(task: Task) -> NeedReply:
    """Estimated need and what is free, the worker's own memory counted as free but for what it keeps for other runs.

    Raises:
        UsageError: if the first channel's geometry is missing, or the region does not meet it.
        ResourceError: if the device is absent.
    """
    request: NeedRequest = task.request
    job = request.job
    source = open_model(job.model)
    spec = apply_options(source.spec, job)
    geometry = _cropped(request, spec.channels[0].name)
    device = choose_device(job.device)
    on_gpu = device.type == "cuda"
    size = _size(job.model)
    need = need_of(spec, geometry, weights_bytes=size, on_gpu=on_gpu, widths=source.widths, members=source.members)
    room = free_room(device, task.models.networks_of(spec.sha256), kept_beside(task, spec.sha256))
    pace = task.paces.get((spec.sha256, str(device)))
    return NeedReply(
        host_bytes=need.host_bytes,
        host_free_bytes=room.host_bytes,
        device_bytes=need.device_bytes,
        device_free_bytes=room.device_bytes,
        seconds=None if pace is None else pace * work_of(spec, geometry),
    )


def _cropped(request: NeedRequest, channel: str) -> VolumeGeometry:
    geometry = request.geometries.get(channel)
    if geometry is None:
        raise UsageError("the size of its image is needed.", where=f"channel {channel}")
    return grid_within(geometry, request.job.region)


def _size(model: str) -> int:
    path = find_model(model)
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
