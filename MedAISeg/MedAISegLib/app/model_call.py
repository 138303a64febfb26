"""What the acts of installing share: what the user says, who is told, who may stop it, and how a model is checked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from ..core.progress import Poll
from ..formats import read_model
from ..models.download import Network, network_of
from ..models.store_progress import StoreCallback, StoreProgress, StoreStage
from ..models.trust import trusted_if_sound


@dataclass(frozen=True)
class InstallOptions:
    """What the user says beside the source.

    Attributes:
        model_id: instead of the name of the folder, archive or catalogue entry.
        trust: the model may run code of its own.
        accept_licence: a licence that rules out commercial use is acknowledged.
        accept_changed: a file without a publisher's checksum may differ from its first download.
    """

    model_id: str = ""
    overwrite: bool = False
    trust: bool = False
    accept_licence: bool = False
    accept_changed: bool = False
    network: Network = field(default_factory=network_of)


@dataclass(frozen=True)
class Call:
    """One act on its way."""

    options: InstallOptions
    tell: StoreCallback
    poll: Poll


def verifier(call: Call) -> Callable[[Path], None]:
    """Reads a model and builds its networks, weights included; raises what speaks against it."""

    def verify(folder: Path) -> None:
        call.tell(StoreProgress(StoreStage.CHECK))
        call.poll()
        with trusted_if_sound(folder) if call.options.trust else nullcontext():
            read_model(folder).build_networks()
        call.poll()

    return verify
