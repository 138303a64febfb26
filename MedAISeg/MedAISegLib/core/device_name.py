"""The names of devices, checked without torch: before images are read and a model is loaded."""

from __future__ import annotations

import re

from .errors import UsageError
from .language import tr as _


def check_device_name(text: str) -> None:
    """Whether the device is there is another question, which the engine answers.

    Raises:
        UsageError: unless it is ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]+)?", text):
        raise UsageError(_("{text!r} is no device.").format(text=text), remedy=_("Use auto, cpu, cuda:N or mps."))
