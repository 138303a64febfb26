"""The errors a user can meet, each with what happened, on what, and the remedy.

::

    MedAISegError
     ├─ UsageError              2  the request itself makes no sense
     │   ├─ NameTakenError         a model of this name is installed
     │   └─ LicenceError           a licence has to be acknowledged first
     ├─ InputError              3  the images cannot be used as they are
     │   └─ ConfirmationRequired   they can, once the user accepts an assumption
     ├─ ModelError              4  the model cannot be used as it is
     │   ├─ NotTrustedError        it would have to run code of its own
     │   ├─ ChangedFileError       its publisher's file is another than before
     │   └─ OtherTaskError         it does something else than segment (``formats.other_task``)
     ├─ ResourceError           5  memory, disk or device
     └─ Cancelled               6  the user stopped the run

The number is the exit code of the command line, and the name the ``kind`` of an error in its JSON. Whatever else goes
wrong is a fault of the program itself: kind ``UnexpectedFailure``, exit code 1.
"""

from __future__ import annotations

from typing import ClassVar

from .characters import shown
from .language import tr as _


class MedAISegError(Exception):
    """Base of all errors that are shown to a user as text, never as a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        # A stranger's file may be quoted.
        self.what = shown(what)
        self.where = where
        self.remedy = shown(remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return shown(f"{text} {self.remedy}" if self.remedy else text)


class UsageError(MedAISegError):
    """The request contradicts itself or names something that does not exist."""

    exit_code = 2


class NameTakenError(UsageError):
    """A model of this name is installed, and the user has not said that it is to be replaced."""


class LicenceError(UsageError):
    """The licence rules out commercial use, and the user has yet to acknowledge that."""


class InputError(MedAISegError):
    """The images cannot be used as they are."""

    exit_code = 3


class ConfirmationRequired(InputError):
    """The images can be used only under an assumption that the user has to accept."""


class ModelError(MedAISegError):
    """The model is missing, damaged, not supported or does not fit its own description."""

    exit_code = 4


class NotTrustedError(ModelError):
    """The model would run code of its own, and the user has not trusted it.

    Attributes:
        contents: SHA-256 of the models that this is said of, where the user's trust would help: who then trusts them,
            trusts these contents and no others.
    """

    contents: tuple[str, ...] = ()


class ChangedFileError(ModelError):
    """A file whose SHA-256 its publisher does not give is another than at its first download."""


class ResourceError(MedAISegError):
    """Memory, disk space, a device or a permission is missing."""

    exit_code = 5


class Cancelled(MedAISegError):
    """The user stopped the run; nothing half-done is left behind."""

    exit_code = 6

    def __init__(self) -> None:
        super().__init__(_("The run was cancelled."))
