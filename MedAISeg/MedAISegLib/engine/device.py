"""Which device a run uses."""

from __future__ import annotations

import psutil
import torch

from ..core.device_name import check_device_name
from ..core.errors import ResourceError


def available_devices() -> tuple[str, ...]:
    """Names of the devices that torch sees here, the preferred one first."""
    names = [f"cuda:{n}" for n in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        names.append("mps")
    return (*names, "cpu")


def device_memory(device: torch.device) -> tuple[int, int]:
    """Bytes that are free on a device and that it has; zeros where it does not tell."""
    if device.type == "cuda":
        free_bytes, total_bytes = torch.cuda.mem_get_info(device)
        return int(free_bytes), int(total_bytes)
    if device.type == "mps":
        total_bytes = int(torch.mps.recommended_max_memory())
        return max(0, total_bytes - int(torch.mps.driver_allocated_memory())), total_bytes
    memory = psutil.virtual_memory()
    return int(memory.available), int(memory.total)


def release_unused_memory() -> None:
    """Give back what torch keeps for later: the application draws on the same GPU."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def choose_device(wanted: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``, after a tiny real computation on it.

    Raises:
        UsageError: if the text names no device.
        ResourceError: if the device is absent or its computation fails.
    """
    check_device_name(wanted)
    present = available_devices()
    name = present[0] if wanted == "auto" else "cuda:0" if wanted == "cuda" else wanted
    if name not in present:
        raise ResourceError(f"the device {name} is not there.", remedy=f"torch sees {', '.join(present)}.")
    device = torch.device(name)
    try:
        # Wheels without kernels for this GPU import well and fail only here.
        torch.nn.functional.conv3d(torch.ones(1, 1, 3, 3, 3, device=device), torch.ones(1, 1, 3, 3, 3, device=device))
    except RuntimeError as error:
        raise ResourceError(
            f"the device {name} cannot compute: {str(error).splitlines()[0]}.",
            remedy="Install the torch build for it, or use --device cpu.",
        ) from error
    return device
