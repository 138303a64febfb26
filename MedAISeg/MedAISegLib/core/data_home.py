"""The program's own data folder on this machine, found without a package that Slicer's Python lacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "MEDAISEG_HOME"
_NAME = "MedAISeg"


def data_home(environment: Mapping[str, str] | None = None, platform: str | None = None) -> Path:
    """The folder for models and packages; it need not exist.

    ``MEDAISEG_HOME`` names it. Without that it is the user's folder for such data: of the local profile on Windows, of
    the Library on macOS, of the XDG base directories elsewhere.
    """
    environment = os.environ if environment is None else environment
    platform = platform or sys.platform
    if environment.get(HOME_VARIABLE):
        return Path(environment[HOME_VARIABLE]).expanduser()
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / _NAME
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    shared = environment.get("XDG_DATA_HOME", "").strip()
    return (Path(shared) if shared else Path.home() / ".local" / "share") / _NAME
