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
    if isinstance(error, NotTrustedError) and not set(error.contents) <= set(request.trusted):
        text = trust_text(name, error.what, has_changed=bool(request.trusted))
        return Question(text, _("Trust it"), replace(request, trusted=(*request.trusted, *error.contents)))
    return None


def trust_text(name: str, what: str, *, has_changed: bool = False) -> str:
    """The question whether a model may run code of its own.

    Args:
        what: that of the error.
        has_changed: the user was asked already, about other files.
    """
    text = _(
        "{name}: {what}\nSuch code can do on this computer whatever you can, with images of patients too. Trust it "
        "only if you know who made it and where it comes from. Trust ends when a file of it changes; it is withdrawn "
        "under More."
    )
    question = text.format(name=name, what=_capital(what))
    changed = _("Its files have changed since you were asked: it has not been trusted, and you are asked anew.")
    return f"{changed}\n{question}" if has_changed else question


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
