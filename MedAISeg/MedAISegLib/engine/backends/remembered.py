"""What was found fastest on this machine, kept between runs."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ...models.kept_records import learn, read_record
from ..processor import processor_name

_FILE = "fastest.json"
_MOST = 500
_REVISION = 3
"""One more whenever a way computes otherwise or is judged otherwise: what was found before is then found anew."""


@dataclass(frozen=True)
class Place:
    """What a measurement holds for: a network of a model's stage, its windows, the processor and the versions.

    Attributes:
        model: its files' hash; empty where it has none, then nothing is kept.
        member: of the stage's networks.
        shape: of a batch, (batch, channel, a, b, c).
    """

    model: str
    stage: int
    member: int
    shape: tuple[int, ...]
    device: torch.device

    @property
    def key(self) -> str:
        """That of its record."""
        shape = "x".join(map(str, self.shape))
        return f"{self.model}/{self.stage}/{self.member}/{shape}/{_processor(self.device)}"


@dataclass(frozen=True)
class Found:
    """What a measurement gave.

    Attributes:
        way: that was chosen.
        tried: the ways that were compared.
        changed_percent: of the labels, by each way that computed to its end.
    """

    way: str
    tried: frozenset[str]
    changed_percent: Mapping[str, float]


def recall(place: Place) -> Found | None:
    """What was found; None where nothing was, or with other versions."""
    entry = read_record(_FILE).get(place.key) if place.model else None
    if not isinstance(entry, dict) or entry.get("versions") != versions():
        return None
    return Found(str(entry.get("way")), frozenset(_numbers(entry, "seconds")), _numbers(entry, "changed_percent"))


def remembered_places(model: str, device: torch.device) -> tuple[Place, ...]:
    """Where a model's networks were compared on a device like this one."""
    form = re.compile(rf"{model}/(\d+)/(\d+)/(\d+(?:x\d+)*)/{re.escape(_processor(device))}")
    keys = [form.fullmatch(key) for key in read_record(_FILE)] if model else []
    return tuple(
        Place(model, int(key[1]), int(key[2]), tuple(int(length) for length in key[3].split("x")), device)
        for key in keys
        if key
    )


def remember(
    place: Place, way: str, seconds: Mapping[str, float], changed_percent: Mapping[str, float], *, beside: bool = False
) -> None:
    """Keep what was chosen and why; a folder that cannot be written costs the next run a measurement.

    Args:
        beside: only some ways were compared again; what is known of the others stays.
    """
    if not place.model:
        return

    def change(before: object) -> dict[str, object]:
        stays = beside and isinstance(before, dict) and before.get("versions") == versions()
        known: Mapping[str, object] = before if stays and isinstance(before, dict) else {}
        return {
            "way": way,
            "seconds": _numbers(known, "seconds") | _rounded(seconds),
            "changed_percent": _numbers(known, "changed_percent") | _rounded(changed_percent),
            "versions": versions(),
        }

    learn(_FILE, place.key, change, most=_MOST)


def _numbers(entry: Mapping[str, object], name: str) -> dict[str, float]:
    values = entry.get(name)
    values = values if isinstance(values, dict) else {}
    return {str(way): float(value) for way, value in values.items() if isinstance(value, (int, float))}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _processor(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    instructions = torch.backends.cpu.get_cpu_capability()
    # Folders of users are shared between machines: the name tells one processor of an architecture from another.
    return f"{device.type} {processor_name()} {platform.machine()} {instructions} {torch.get_num_threads()} threads"


def versions() -> str:
    """Of torch, and of the ways themselves."""
    return f"torch {torch.__version__}, ways {_REVISION}"
