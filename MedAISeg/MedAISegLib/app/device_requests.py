"""Requests about the devices, and the diagnosis."""

from __future__ import annotations

import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution

import psutil
import torch

from .. import __version__
from ..core.errors import ResourceError
from ..engine.device import available_devices, choose_device, device_memory
from ..engine.processor import processor_name
from .protocol import DeviceRecord, DevicesReply, DiagnoseReply, DiagnoseRequest
from .tasks import Task

_PACKAGES = ("torch", "monai", "numpy", "SimpleITK", "nibabel", "pydicom", "highdicom", "safetensors", "psutil")
_LARGEST_DIFFERENCE = 5e-3
"""Share of the largest score. GPUs multiply with 10 bits of mantissa (TF32) in convolutions, some 1e-3 off."""


def list_devices(task: Task) -> DevicesReply:
    """Every device after a real computation on it, the one that ``auto`` takes first."""
    records = []
    for name in available_devices():
        task.progress.cancel.raise_if_cancelled()
        records.append(_record(name))
    return DevicesReply(tuple(records))


def diagnose(task: Task) -> DiagnoseReply:
    """What is installed where, and whether a convolution on the device gives what the CPU gives."""
    request: DiagnoseRequest = task.request
    lines = [
        f"MedAISeg {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"Python: {sys.executable}",
        *(_package_line(name) for name in _PACKAGES),
        f"Memory: {_gigabytes(psutil.virtual_memory().available)} of {_gigabytes(psutil.virtual_memory().total)} free",
        f"Devices: {', '.join(available_devices())}; CPU threads: {torch.get_num_threads()}",
    ]
    try:
        device = choose_device(request.device)
        difference, seconds = _compute(device)
    except (ResourceError, RuntimeError) as error:
        return DiagnoseReply(False, (*lines, f"The computation failed: {error}"))
    works = difference <= _LARGEST_DIFFERENCE
    verdict = "as it should be" if works else "WRONG"
    lines.append(f"A convolution on {device} took {seconds:.2f} s and is off by {difference:.1e}: {verdict}.")
    return DiagnoseReply(works, tuple(lines))


def _compute(device: torch.device) -> tuple[float, float]:
    """How far a 3-D convolution on the device is off from one on the CPU in double precision, and what it took."""
    random = torch.Generator().manual_seed(0)
    values = torch.randn(1, 4, 24, 24, 24, generator=random)
    weights = torch.randn(8, 4, 3, 3, 3, generator=random)
    expected = torch.nn.functional.conv3d(values.double(), weights.double(), padding=1)
    started_s = time.perf_counter()
    found = torch.nn.functional.conv3d(values.to(device), weights.to(device), padding=1).cpu()
    seconds = time.perf_counter() - started_s
    return float((found - expected).abs().max() / expected.abs().max()), seconds


def _record(name: str) -> DeviceRecord:
    try:
        device = choose_device(name)
    except ResourceError as error:
        return DeviceRecord(name, _label(torch.device(name)), problem=str(error))
    free_bytes, total_bytes = device_memory(device)
    return DeviceRecord(name, _label(device), free_bytes, total_bytes)


def _label(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_properties(device).name)
    if device.type == "mps":
        return "Apple GPU"
    return processor_name()


def _package_line(name: str) -> str:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return f"{name}: missing"
    return f"{name} {found.version}: {found.locate_file('')}"


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.1f} GB"
