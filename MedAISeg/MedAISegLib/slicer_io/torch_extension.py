"""torch by Slicer's PyTorch extension, which finds the build that fits the graphics card and its driver."""

from __future__ import annotations

from importlib import import_module
from subprocess import CalledProcessError
from typing import Any

from ..core.errors import Cancelled, ResourceError
from ..core.language import tr as _
from .event_loop import wait_cursor
from .requirements import TORCH_MINIMUM

EXTENSION = "PyTorch"
_MODULE = "PyTorchUtils"


def install_torch() -> str:
    """Ask the extension to install torch; it asks the user first, and the application stands still meanwhile.

    It imports torch into Slicer's own process, where torch has no place beside Slicer's libraries: hence only by the
    Install button, and with a restart afterwards.

    Returns:
        What to tell the user.

    Raises:
        ResourceError: if the extension is not there, or fails.
        Cancelled: if the user declines.
    """
    logic = _extension_logic()
    try:
        with wait_cursor():
            torch = logic.installTorch(askConfirmation=True, torchVersionRequirement=f">={TORCH_MINIMUM}")
    except CalledProcessError as error:
        why = _("its installer ended with exit code {code}; Slicer's Python console shows what it said.").format(
            code=error.returncode
        )
        raise _failed(why, _("Check the network and the free space, and try again.")) from error
    # What else it raises is not said anywhere: failures of a module that was half installed, and its own.
    except (RuntimeError, OSError, ImportError, ValueError, AttributeError, KeyError) as error:
        remedy = _("Restart Slicer, open the module “PyTorch Utils”, remove torch there, and install it again.")
        raise _failed(str(error), remedy) from error
    if torch is None:
        raise Cancelled
    return _("torch {version} is installed. Restart Slicer now, so that it is not loaded in Slicer itself.").format(
        version=torch.__version__
    )


def _extension_logic() -> Any:
    try:
        module = import_module(_MODULE)
    except ImportError as error:
        remedy = _(
            "Install “{extension}” in the Extensions Manager and restart Slicer, or name a Python that has torch as "
            "the worker's (Advanced)."
        )
        raise ResourceError(
            _("Slicer's {extension} extension is not installed.").format(extension=EXTENSION),
            remedy=remedy.format(extension=EXTENSION),
        ) from error
    return module.PyTorchUtilsLogic()


def _failed(why: str, remedy: str) -> ResourceError:
    return ResourceError(_("the PyTorch extension could not install torch: {why}").format(why=why), remedy=remedy)
