"""The answers to ``medaiseg models init``, and what they make of a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.terminology import UNSPECIFIED
from ..core.terminology_table import color_for, terminology_for
from ..models.operations import MinMax, Operation, Orient, PadToMultiple, Resample, ScalePercentiles, ScaleRange, ZScore
from ..models.spec import (
    Activation,
    Argmax,
    Blending,
    Channel,
    Decision,
    InferenceStage,
    Regions,
    Restore,
    SegmentSpec,
    Windows,
)

if TYPE_CHECKING:
    from ..formats.medaiseg_bundle.description import Description
    from ..formats.medaiseg_bundle.probing import Probe

INTENSITIES = "range LOW HIGH (to 0..1, e.g. range -57 164), percentiles LOW HIGH, min-max, z-score or none"
_BACKGROUND = "background"
_OVERLAP = 0.5
_SIDES = ("RL", "AP", "IS")
_MODALITIES = frozenset((
    "BMUS", "CR", "CT", "DX", "ES", "GM", "IO", "IVOCT", "IVUS", "MG", "MR", "NM", "OP", "OPT", "OT", "PT", "PX",
    "RF", "RG", "SM", "US", "XA", "XC",
))  # fmt: skip
"""DICOM's Modality (0008,0060) of what is an image."""


@dataclass(frozen=True)
class Answers:
    """What the user said, checked; ``labels`` has a name a class, empty for the background."""

    probed: Probe
    channels: tuple[Channel, ...] = ()
    orientation: str = ""
    spacing: tuple[float, float, float] | None = None
    intensity: tuple[Operation, ...] = ()
    window: tuple[int, int, int] | None = None
    activation: Activation = Activation.SOFTMAX
    labels: tuple[str, ...] = ()
    name: str = ""
    licence: str = ""

    def description(self) -> Description:
        """What ``medaiseg.json`` says."""
        from ..formats.medaiseg_bundle.description import Description

        values = [n if name else 0 for n, name in enumerate(self.labels)]
        if self.labels[0]:
            # Without a class for the background the first class is label 1.
            values = [n + 1 if name else 0 for n, name in enumerate(self.labels)]
        segments = tuple(
            SegmentSpec(value, name, terminology_for(name) or UNSPECIFIED, color_for(name))
            for value, name in zip(values, self.labels, strict=True)
            if name
        )
        stage = InferenceStage(
            preprocessing=self._preprocessing(),
            windows=Windows(
                self.window, (_OVERLAP if self.probed.dimensions == 3 else 0.0, _OVERLAP, _OVERLAP), Blending.GAUSSIAN
            ),
            decision=self._decision(tuple(values)),
            restore=Restore(self.activation),
        )
        return Description(
            channels=self.channels,
            segments=segments,
            stages=(stage,),
            networks=((self.probed.file,),),
            name=self.name,
            license=self.licence,
        )

    def _decision(self, values: tuple[int, ...]) -> Decision:
        # Classes that do not exclude each other are painted over each other, later ones on top.
        alone = self.activation is Activation.SIGMOID or len(values) == 1
        return Regions(values) if alone else Argmax(values)

    def _preprocessing(self) -> tuple[Operation, ...]:
        operations: list[Operation] = [Orient(self.orientation)] if self.orientation else []
        if self.spacing is not None:
            operations.append(Resample(self.spacing))
        operations += self.intensity
        if self.probed.divisor > 1 and (self.window is None or 0 in self.window):
            m = self.probed.divisor
            operations.append(PadToMultiple((1 if self.probed.dimensions == 2 else m, m, m)))
        return tuple(operations)


def parse_channels(text: str) -> tuple[Channel, ...]:
    """``T1 MR, FLAIR MR``; a name alone, or with ``none``, for any modality, and ``CT`` alone is both."""
    channels = tuple(_channel(part.split()) for part in _parts(text))
    if not channels or len({channel.name for channel in channels}) != len(channels):
        raise ValueError("each channel needs a name of its own")
    return channels


def _channel(words: list[str]) -> Channel:
    last = words[-1].upper()
    if last not in {*_MODALITIES, "NONE"}:
        if len(words) > 1:
            raise ValueError(f"{words[-1]!r} is no modality of DICOM: a channel is a name and CT, MR, PT, ... or none")
        return Channel(words[0])
    modality = "" if last == "NONE" else last
    # CT alone is a name too; none alone is not.
    name = " ".join(words[:-1]) or modality
    if not name:
        raise ValueError("each channel needs a name of its own")
    return Channel(name, modality, "HU" if modality == "CT" else "")


def parse_orientation(text: str) -> str:
    """``RAS`` and the like; empty to keep an image's own axes."""
    codes = text.strip().upper()
    if codes == "KEEP":
        return ""
    if len(codes) != 3 or any(sum(letter in pair for letter in codes) != 1 for pair in _SIDES):
        raise ValueError(f"{text!r} does not name one of R and L, one of A and P, one of I and S")
    return codes


def parse_spacing(text: str) -> tuple[float, float, float] | None:
    """Three lengths in mm, or None to keep an image's own."""
    if text.strip().lower() == "keep":
        return None
    a, b, c = _numbers(text, 3)
    if not all(value == 0 or 0.01 <= value <= 1000 for value in (a, b, c)):
        raise ValueError("spacings are 0.01 to 1000 mm, or 0")
    return a, b, c


def parse_intensity(text: str) -> tuple[Operation, ...]:
    """See INTENSITIES."""
    kind, _, rest = text.strip().lower().partition(" ")
    if kind == "range":
        low, high = _numbers(rest, 2)
        if low >= high:
            raise ValueError(f"{low:g} is not below {high:g}")
        return (ScaleRange(low, high, clip=True),)
    if kind == "percentiles":
        low, high = _numbers(rest, 2)
        if not 0 <= low < high <= 100:
            raise ValueError("percentiles are 0 to 100, the lower one first")
        return (ScalePercentiles(low, high, clip=True, channel_wise=True),)
    plain: dict[str, tuple[Operation, ...]] = {
        "min-max": (MinMax(channel_wise=True),),
        "z-score": (ZScore(channel_wise=True),),
        "none": (),
    }
    if kind not in plain or rest:
        raise ValueError(f"{text!r} is none of {INTENSITIES}")
    return plain[kind]


def parse_window(text: str, probed: Probe) -> tuple[int, int, int] | None:
    """Voxels of a window; None for the whole volume. That of a 2-D network is one slice deep."""
    if text.strip().lower() == "whole":
        return (1, 0, 0) if probed.dimensions == 2 else None
    numbers = [int(value) for value in _numbers(text, None)]
    if probed.dimensions == 2 and len(numbers) == 2:
        numbers = [1, *numbers]
    if len(numbers) != 3 or any(not 0 <= n <= 4096 for n in numbers) or (probed.dimensions == 2 and numbers[0] != 1):
        raise ValueError("a window has three lengths of 1 to 4096 voxels (0: the whole axis), the first 1 in 2-D")
    return numbers[0], numbers[1], numbers[2]


def parse_activation(text: str) -> Activation:
    """``softmax``, ``sigmoid`` or ``none``."""
    return Activation(text.strip().lower())


def parse_labels(text: str, classes: int) -> tuple[str, ...]:
    """A name a class, empty for the background."""
    names = _parts(text)
    if len(names) != classes:
        raise ValueError(f"the network tells {classes} class(es) apart, and {len(names)} are named")
    labels = tuple("" if name.lower() == _BACKGROUND else name for name in names)
    kept = [name for name in labels if name]
    if not kept or len(set(kept)) != len(kept):
        raise ValueError("the names must differ, and one must not be the background")
    return labels


def _parts(text: str) -> list[str]:
    return [part for part in (piece.strip() for piece in text.split(",")) if part]


def _numbers(text: str, count: int | None) -> list[float]:
    words = re.split(r"[\s,x]+", text.strip().lower())
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise ValueError(f"{text!r} are no numbers") from None
    if count is not None and len(numbers) != count:
        raise ValueError(f"{count} numbers are needed, not {len(numbers)}")
    return numbers
