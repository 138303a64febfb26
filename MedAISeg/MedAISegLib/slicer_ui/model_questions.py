"""What the user is asked when a model cannot be installed or run just like that."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..app.store_protocol import InstallModelRequest
from ..core.errors import ChangedFileError, LicenceError, MedAISegError, NameTakenError, NotTrustedError
from .texts import _


@dataclass(frozen=True)
class Question:
    """A question, the button that agrees, and what is asked of the worker then."""

    text: str
    yes: str
    request: InstallModelRequest


def question_of(error: MedAISegError, name: str, request: InstallModelRequest) -> Question | None:
    """What an installation that failed can be asked about; None where nothing would help."""
    if isinstance(error, LicenceError):
        text = _(
            "{name}: {what}\nUse it for research and teaching only, or ask its publisher. That you have read this is "
            "written down on this computer."
        )
        agreed = replace(request, accept_licence=True)
        return Question(text.format(name=name, what=_capital(error.what)), _("Acknowledge"), agreed)
    if isinstance(error, NameTakenError):
        text = _("A model named {name} is on this computer already. Replace it?")
        return Question(text.format(name=error.where or name), _("Replace it"), replace(request, overwrite=True))
    if isinstance(error, ChangedFileError):
        text = _("{name}: {what}\nInstall it only if its publisher has announced a change.")
        agreed = replace(request, accept_changed=True)
        return Question(text.format(name=name, what=_capital(error.what)), _("Install it all the same"), agreed)
    if isinstance(error, NotTrustedError):
        return Question(trust_text(name, error.what), _("Trust it"), replace(request, trust=True))
    return None


def trust_text(name: str, what: str) -> str:
    """The question whether a model may run code of its own; ``what`` is that of the error."""
    text = _(
        "{name}: {what}\nSuch code can do on this computer whatever you can, with images of patients too. Trust it "
        "only if you know who made it and where it comes from. Trust ends when a file of it changes; it is withdrawn "
        "under More."
    )
    return text.format(name=name, what=_capital(what))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
