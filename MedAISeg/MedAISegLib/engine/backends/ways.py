"""The ways in which a network can be run, and which of them there are on a device."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import torch

from ...core.errors import UsageError
from .conversion import can_convert
from .converted import ConvertedNetwork
from .direct_convolutions import with_direct_convolutions
from .reduced_precision import channels_last_copy, in_precision

E = TypeVar("E", bound=Enum)


class Backend(Enum):
    """What computes the layers: torch as it comes, oneDNN called without torch's own detours, or OpenVINO."""

    EAGER = "eager"
    ONEDNN = "onednn"
    OPENVINO = "openvino"


class Precision(Enum):
    """Of convolutions and matrix products; everything else stays in 32 bits."""

    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"
    BF16 = "bf16"


@dataclass(frozen=True)
class Way:
    """A backend and a precision."""

    backend: Backend
    precision: Precision

    def __str__(self) -> str:
        return f"{self.backend.value} {self.precision.value}"

    @property
    def exact(self) -> bool:
        """Whether it differs from plain torch by the rounding of 32 bits only."""
        return self.precision is Precision.FP32

    @property
    def takes_any_size(self) -> bool:
        """Whether a part of a window tells how it does, and it can compute one at all."""
        return self.exact and self.backend is not Backend.OPENVINO


PLAIN = Way(Backend.EAGER, Precision.FP32)
"""What every other way is held against."""

ONEDNN = Way(Backend.ONEDNN, Precision.FP32)
OPENVINO = Way(Backend.OPENVINO, Precision.FP32)
_TF32 = Way(Backend.EAGER, Precision.TF32)
_FP16 = Way(Backend.EAGER, Precision.FP16)
_BF16 = Way(Backend.EAGER, Precision.BF16)


@dataclass(frozen=True)
class Wanted:
    """What the user has laid down; None is left to a measurement."""

    backend: Backend | None = None
    precision: Precision | None = None

    @staticmethod
    def of(backend: str, precision: str) -> Wanted:
        """From the words of a job.

        Raises:
            UsageError: if a word is none of those.
        """
        return Wanted(_named(Backend, backend, "backend"), _named(Precision, precision, "precision"))

    def allows(self, way: Way) -> bool:
        """Whether a way is what was asked for."""
        return self.backend in (None, way.backend) and self.precision in (None, way.precision)


AUTOMATIC = Wanted()


def _named(kind: type[E], word: str, what: str) -> E | None:
    if word == "auto":
        return None
    if word not in {member.value for member in kind}:
        words = ", ".join(["auto", *(str(member.value) for member in kind)])
        raise UsageError(f"{word!r} is no {what}.", remedy=f"Use one of: {words}.")
    return kind(word)


def ways_on(device: torch.device, wanted: Wanted) -> tuple[Way, ...]:
    """Those that may be taken on a device, the plain one left out unless nothing else is allowed.

    On a CPU 16 bits are only there for who asks for them: they change 0.1 to 1.4 % of the labels, and gain nothing on a
    processor without instructions for them.

    Raises:
        UsageError: if the device has none of the kind that is wanted.
    """
    if device.type == "cuda":
        there = (PLAIN, _TF32, _FP16, *((_BF16,) if torch.cuda.is_bf16_supported() else ()))
    elif device.type == "cpu":
        onednn = (ONEDNN,) if torch.backends.mkldnn.is_available() else ()
        there = (PLAIN, *onednn, *((OPENVINO,) if can_convert() else ()), _BF16)
    else:
        there = (PLAIN,)
    allowed = tuple(way for way in there if wanted.allows(way))
    if not allowed:
        if device.type == "cpu" and wanted.backend is Backend.OPENVINO and not can_convert():
            raise UsageError("OpenVINO is not installed.", remedy='Install it: pip install "openvino>=2025.4"')
        raise UsageError(
            "the network cannot be run like this here.",
            where=f"device {device}",
            remedy=f"There is: {', '.join(str(way) for way in there)}.",
        )
    if device.type == "cpu" and wanted.precision is None:
        allowed = tuple(way for way in allowed if way.exact) or allowed
    return tuple(way for way in allowed if way != PLAIN)


def built(network: torch.nn.Module, way: Way) -> torch.nn.Module | None:
    """The network run in a way, with the same weights; None where the technique does not apply to it."""
    if way == PLAIN:
        return network
    if way.backend is Backend.OPENVINO:
        return ConvertedNetwork()
    if way.backend is Backend.ONEDNN:
        return with_direct_convolutions(network)
    dtype = {Precision.FP16: torch.float16, Precision.BF16: torch.bfloat16}.get(way.precision)
    return in_precision(network if dtype is None else channels_last_copy(network), dtype)
