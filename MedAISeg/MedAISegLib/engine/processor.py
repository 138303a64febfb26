"""What the processor is called."""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache
from pathlib import Path

_INFORMATION = Path("/proc/cpuinfo")
_NAMES = ("model name", "CPU implementer", "CPU part")
"""ARM's processors have no name there, but numbers of who made them and of what they are."""

_LONGEST = 256


@cache
def processor_name() -> str:
    """Its name, which Python itself tells on Windows only; that of its kind where there is none."""
    return _name() or platform.processor() or platform.machine()


def _name() -> str:
    if sys.platform == "darwin":
        return _macos_name()
    if not _INFORMATION.is_file():
        return ""
    found: dict[str, str] = {}
    for line in _INFORMATION.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in _NAMES:
            found.setdefault(key.strip(), value.strip())
    return " ".join(found.values())


def _macos_name() -> str:
    name, size = ctypes.create_string_buffer(_LONGEST), ctypes.c_size_t(_LONGEST)
    failed = ctypes.CDLL(None).sysctlbyname(b"machdep.cpu.brand_string", name, ctypes.byref(size), None, 0)
    return "" if failed else name.value.decode(errors="replace")
