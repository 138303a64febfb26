"""The program's own data folder on this machine, found without a package that Slicer's Python lacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .errors import ResourceError
from .language import tr as _

HOME_VARIABLE = "MEDAISEG_HOME"
_NAME = "MedAISeg"


def data_home(environment: Mapping[str, str] | None = None, platform: str | None = None) -> Path:
    """The folder for models and packages; it need not exist.

    ``MEDAISEG_HOME`` names it. Without that it is the user's folder for such data: of the local profile on Windows, of
    the Library on macOS, of the XDG base directories elsewhere.

    Raises:
        ResourceError: if it lies in the home folder of a user who has none.
    """
    environment = os.environ if environment is None else environment
    try:
        return _folder(environment, platform or sys.platform)
    except RuntimeError as error:
        raise ResourceError(
            _("the folder for models and packages is not known: it lies in the home folder of a user who has none."),
            where=environment.get(HOME_VARIABLE, ""),
            remedy=_("Set MEDAISEG_HOME to a folder that you may write to."),
        ) from error


def _folder(environment: Mapping[str, str], platform: str) -> Path:
    if environment.get(HOME_VARIABLE):
        return Path(environment[HOME_VARIABLE]).expanduser()
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / _NAME
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    shared = environment.get("XDG_DATA_HOME", "").strip()
    return (Path(shared) if shared else Path.home() / ".local" / "share") / _NAME
