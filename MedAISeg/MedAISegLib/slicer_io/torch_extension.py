"""torch by Slicer's PyTorch extension, which finds the build that fits the graphics card and its driver."""

from __future__ import annotations

from importlib import import_module
from subprocess import CalledProcessError
from typing import Any

from ..core.errors import Cancelled, ResourceError
from .event_loop import wait_cursor
from .requirements import TORCH_MINIMUM

EXTENSION = "PyTorch"
_MODULE = "PyTorchUtils"
_OTHER_WAY = "or name a Python that has torch as the worker's (Advanced)."


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
        why = f"its installer ended with exit code {error.returncode}; Slicer's Python console shows what it said."
        raise _failed(why, "Check the network and the free space, and try again.") from error
    # What else it raises is not said anywhere: failures of a module that was half installed, and its own.
    except (RuntimeError, OSError, ImportError, ValueError, AttributeError, KeyError) as error:
        remedy = "Restart Slicer, open the module “PyTorch Utils”, remove torch there, and install it again."
        raise _failed(str(error), remedy) from error
    if torch is None:
        raise Cancelled
    return f"torch {torch.__version__} is installed. Restart Slicer now, so that it is not loaded in Slicer itself."


def _extension_logic() -> Any:
    try:
        module = import_module(_MODULE)
    except ImportError as error:
        raise ResourceError(
            f"Slicer's {EXTENSION} extension is not installed.",
            remedy=f"Install “{EXTENSION}” in the Extensions Manager and restart Slicer, {_OTHER_WAY}",
        ) from error
    return module.PyTorchUtilsLogic()


def _failed(why: str, remedy: str) -> ResourceError:
    return ResourceError(f"the PyTorch extension could not install torch: {why}", remedy=remedy)
