"""What was found fastest on this machine, kept between runs."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ...core.errors import ResourceError
from ...models.kept_records import change_record, read_record

_FILE = "fastest.json"
_MOST = 500
_REVISION = 3
"""One more whenever a way computes otherwise: what was found before is then found anew."""


@dataclass(frozen=True)
class Place:
    """What a measurement holds for: a model's stage, its windows, the processor and the versions.

    Attributes:
        model: its files' hash; empty where it has none, then nothing is kept.
        shape: of a batch, (batch, channel, a, b, c).
    """

    model: str
    stage: int
    shape: tuple[int, ...]
    device: torch.device

    @property
    def _key(self) -> str:
        return f"{self.model}/{self.stage}/{'x'.join(map(str, self.shape))}/{_processor(self.device)}"


def recall(place: Place) -> str | None:
    """The way that was chosen; None where none was, or with other versions."""
    entry = read_record(_FILE).get(place._key) if place.model else None
    if not isinstance(entry, dict) or entry.get("versions") != _versions():
        return None
    return str(entry.get("way"))


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
    return f"{device.type} {platform.machine()} {instructions} {torch.get_num_threads()} threads"


def _versions() -> str:
    return f"torch {torch.__version__}, ways {_REVISION}"
