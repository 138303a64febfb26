"""What the acts of installing share: what the user says, who is told, who may stop it, and how a model is checked.

Whatever way a model comes, the user is asked once about a licence that rules out commercial use, before it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import NotTrustedError
from ..core.progress import Poll
from ..formats import read_model
from ..formats.checking import check_networks
from ..models.card import ModelCard, ModelState
from ..models.download import Downloaded, Network, network_of
from ..models.installing import Verify
from ..models.names import readable
from ..models.store_progress import StoreCallback, StoreProgress, StoreStage
from ..models.trust import acknowledge_licence, content_sha256, require_acknowledged, trust_content, trusted_for_now
from .model_removal import converted_of


@dataclass(frozen=True)
class InstallOptions:
    """What the user says beside the source.

    Attributes:
        model_id: instead of the name of the folder, archive or catalogue entry.
        trust: the model, whatever it holds, may run code of its own.
        accept_licence: a licence that rules out commercial use is acknowledged.
        accept_changed: a file without a publisher's checksum may differ from its first download.
        trusted: SHA-256 of contents that may run code of their own.
    """

    model_id: str = ""
    overwrite: bool = False
    trust: bool = False
    accept_licence: bool = False
    accept_changed: bool = False
    network: Network = field(default_factory=network_of)
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One act on its way.

    Attributes:
        write_down: notes how a model came, given its card and the SHA-256 of its content.
        asks_licence: of the model's own files; not where the act has asked before it came to them.
        came: the files that were downloaded for it.
    """

    options: InstallOptions
    tell: StoreCallback
    poll: Poll
    write_down: Callable[[ModelCard, str], None]
    asks_licence: bool = True
    came: list[Downloaded] = field(default_factory=list)


def verifier(call: Call) -> Verify:
    """Reads a model and builds its networks, weights included; raises what speaks against it, its licence included.

    When the model is in its place, what was made of the one that it replaces goes, and how it came is written down, and
    at last that it is trusted, if it has any use for that.
    """

    def verify(folder: Path) -> Callable[[], None]:
        call.tell(StoreProgress(StoreStage.CHECK))
        call.poll()
        with as_trusted(folder, call.options) as trusted:
            card = own_licence(folder)
            if call.asks_licence:
                require_licence(card, call.options)
            check_networks(folder, call.poll)
        call.poll()
        forget_networks, sha256 = converted_of(folder.name), trusted or content_sha256(folder)

        def follow_up() -> None:
            forget_networks()
            call.write_down(card, sha256)
            if trusted and card.trusted:
                trust_content(trusted, folder.name)

        return follow_up

    return verify


def own_licence(folder: Path) -> ModelCard:
    """A model by the licence in its own files, and whether it is one that runs by code of its own.

    Raises:
        MedAISegError: as :func:`.formats.read_model`.
    """
    spec = read_model(folder).spec
    return ModelCard(
        folder.name,
        spec.name,
        ModelState.READY,
        license=readable(spec.license),
        commercial_use=spec.commercial_use,
        trusted=spec.own_code,
    )


def require_licence(card: ModelCard, options: InstallOptions) -> None:
    """Write down that the user acknowledges a licence that rules out commercial use.

    Raises:
        LicenceError: if the user does not, and never has.
        ResourceError: if that cannot be written down.
    """
    if options.accept_licence and card.commercial_use is False:
        acknowledge_licence(card)
    require_acknowledged(card)


@contextmanager
def as_trusted(folder: Path, options: InstallOptions) -> Iterator[str]:
    """Within, a model has the trust that the user gives it; its SHA-256 then, empty where that is none.

    Raises:
        NotTrustedError: what the block raises, with the SHA-256 that may be trusted.
    """
    content = content_sha256(folder) if options.trusted else ""
    is_given = options.trust or (bool(content) and content in options.trusted)
    try:
        with trusted_for_now(folder) if is_given else nullcontext("") as sha256:
            yield sha256
    except NotTrustedError as error:
        error.contents = (content or content_sha256(folder),)
        raise
