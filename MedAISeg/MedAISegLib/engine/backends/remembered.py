"""What was found fastest on this machine, kept between runs."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ...core.errors import ResourceError
from ...models.kept_records import change_record, read_record
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
    def _key(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"{self.model}/{self.stage}/{self.member}/{shape}/{_processor(self.device)}"


@dataclass(frozen=True)
class Found:
    """What a measurement gave.

    Attributes:
        way: that was chosen.
        changed_percent: of the labels, by each way that computed to its end.
    """

    way: str
    changed_percent: Mapping[str, float]


def recall(place: Place) -> Found | None:
    """What was found; None where nothing was, or with other versions."""
    entry = read_record(_FILE).get(place._key) if place.model else None
    if not isinstance(entry, dict) or entry.get("versions") != _versions():
        return None
    changed = entry.get("changed_percent")
    changed = changed if isinstance(changed, dict) else {}
    numbers = {str(way): float(value) for way, value in changed.items() if isinstance(value, (int, float))}
    return Found(str(entry.get("way")), numbers)


def remember(place: Place, way: str, seconds: Mapping[str, float], changed_percent: Mapping[str, float]) -> None:
    """Keep what was chosen and why; a folder that cannot be written costs the next run a measurement."""
    if not place.model:
        return

    def change(content: dict[str, object]) -> None:
        content[place._key] = {
            "way": way,
            "seconds": {name: round(value, 4) for name, value in seconds.items()},
            "changed_percent": {name: round(value, 4) for name, value in changed_percent.items()},
            "versions": _versions(),
        }
        for surplus in [key for key in content if key != place._key][: max(0, len(content) - _MOST)]:
            del content[surplus]

    try:
        change_record(_FILE, change)
    except ResourceError:
        return


def _processor(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    instructions = torch.backends.cpu.get_cpu_capability()
    # Folders of users are shared between machines: the name tells one processor of an architecture from another.
    return f"{device.type} {processor_name()} {platform.machine()} {instructions} {torch.get_num_threads()} threads"


def _versions() -> str:
    return f"torch {torch.__version__}, ways {_REVISION}"
