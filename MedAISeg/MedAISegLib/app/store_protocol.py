"""What Slicer's process and the worker say to each other about models: which there are, and how they come and go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..core.notice import Notice
from ..models.card import ModelCard
from ..models.origins import Receipt


@dataclass(frozen=True)
class ModelsRequest:
    """Which models are there?"""


@dataclass(frozen=True)
class ModelsReply:
    """The installed models.

    Attributes:
        home: the folder of those that the user installed.
        taken_bytes: by those.
        quota_bytes: that they may take; 0 for as much as there is.
        free_bytes: on the disk of that folder.
        kept_bytes: of downloads that were not finished.
    """

    models: tuple[ModelCard, ...]
    home: Path
    taken_bytes: int = 0
    quota_bytes: int = 0
    free_bytes: int = 0
    kept_bytes: int = 0


@dataclass(frozen=True)
class InstallModelRequest:
    """Bring a model, or all models of a pack, into the store.

    Attributes:
        source: a folder, an archive, a pack, an https address or an id of the catalogue.
        model_id: instead of the source's own name.
        overwrite: replace what is installed under that name.
        trust: the user trusts the model, whatever it holds, to run code of its own.
        trusted: SHA-256 of contents that the user was asked about, and trusts to do so.
        accept_licence: the user acknowledges that the licence rules out commercial use.
        accept_changed: a file without a publisher's checksum may differ from its first download.
    """

    source: str
    model_id: str = ""
    overwrite: bool = False
    trust: bool = False
    accept_licence: bool = False
    accept_changed: bool = False
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class InstallReply:
    """The ids of what is installed now."""

    models: tuple[str, ...]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class RemoveModelRequest:
    """Delete an installed model."""

    model: str


@dataclass(frozen=True)
class VerifyRequest:
    """Are models as they were installed, can they be read, do their weights fit? All of them where none is named."""

    model: str = ""


@dataclass(frozen=True)
class ModelCheck:
    """What came of it.

    Attributes:
        problem: what is wrong; empty where nothing is.
        is_known: what it was when it was installed is known, and it is the same.
        receipt: how it came; changed_at: addresses that have given another file since.
    """

    model: str
    problem: str = ""
    is_known: bool = False
    receipt: Receipt = field(default_factory=Receipt)
    changed_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class VerifyReply:
    """One check a model."""

    checks: tuple[ModelCheck, ...]


@dataclass(frozen=True)
class PackModelsRequest:
    """Write models into one file for computers without internet; all that were installed where none is named."""

    models: tuple[str, ...]
    output: Path
    overwrite: bool = False


@dataclass(frozen=True)
class ExportModelRequest:
    """Write a model into a new folder in our own layout, so that it can be shared.

    Attributes:
        model: its id, that of one of its configurations, or its path.
        output: the folder; its name becomes the id.
    """

    model: str
    output: Path


@dataclass(frozen=True)
class ExportModelReply:
    """The folder that was written, and what became of the networks."""

    folder: Path
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class TrustRequest:
    """The user trusts a model, as it is now, to run code of its own; or not any more.

    Attributes:
        asked: SHA-256 of the content that the user was asked about; where it is another one, or empty, the answer is a
            NotTrustedError that says what to ask. None where nobody was asked.
    """

    model: str
    trust: bool = True
    asked: str | None = None
