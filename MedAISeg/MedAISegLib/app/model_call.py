"""What the acts of installing share: what the user says, who is told, who may stop it, and how a model is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..core.progress import Poll
from ..formats.checking import check_networks
from ..models.download import Network, network_of
from ..models.installing import Verify
from ..models.store_progress import StoreCallback, StoreProgress, StoreStage
from ..models.trust import trust_content, trusted_for_now


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


def verifier(call: Call) -> Verify:
    """Reads a model and builds its networks, weights included; raises what speaks against it.

    Trust is written down when the model is in its place.
    """

    def verify(folder: Path) -> Callable[[], None] | None:
        call.tell(StoreProgress(StoreStage.CHECK))
        call.poll()
        with as_trusted(folder, call.options) as sha256:
            check_networks(folder, call.poll)
        call.poll()
        return partial(trust_content, sha256, folder.name) if sha256 else None

    return verify


@contextmanager
def as_trusted(folder: Path, options: InstallOptions) -> Iterator[str]:
    """Within, a model has the trust that the user gives it; its SHA-256 then, empty where that is none."""
    with trusted_for_now(folder) if options.trust else nullcontext("") as sha256:
        yield sha256
