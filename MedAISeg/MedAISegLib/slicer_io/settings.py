"""What belongs to this machine, kept in the application's settings; what belongs to a run travels with the scene."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, Protocol

from ..models.download import MIRROR_VARIABLE
from ..models.room import QUOTA_VARIABLE
from ..models.store import SHARED_VARIABLE
from .scene import slicer_module

_GROUP = "MedAISeg"
_TRUE_WORDS = frozenset({"true", "1", "yes", "on"})


class SettingsStore(Protocol):
    """The two functions of ``QSettings`` that are needed."""

    def value(self, key: str) -> Any: ...

    def setValue(self, key: str, value: Any) -> None: ...


class MemoryStore:
    """Settings outside the application: gone with the process."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def value(self, key: str) -> Any:
        return self._values.get(key)

    def setValue(self, key: str, value: Any) -> None:
        self._values[key] = value


def application_store() -> SettingsStore:
    """The user's settings of Slicer, or some in memory outside it."""
    application = getattr(slicer_module(), "app", None)
    if application is None:
        return MemoryStore()
    store: SettingsStore = application.userSettings()
    return store


class Settings:
    """The settings of the module; a stored value of another type or kind reads as the default.

    Read from an ini file, numbers and truth values are texts.
    """

    def __init__(self, store: SettingsStore | None = None) -> None:
        self._store = store if store is not None else application_store()

    @property
    def device(self) -> str:
        """``auto``, ``cpu``, ``cuda:N`` or ``mps``."""
        return self._text("Device") or "auto"

    @device.setter
    def device(self, value: str) -> None:
        self._set("Device", value)

    @property
    def python(self) -> str:
        """Path of the worker's Python; empty for the one that comes with Slicer."""
        return self._text("WorkerPython")

    @python.setter
    def python(self, value: str) -> None:
        self._set("WorkerPython", value)

    @property
    def offline(self) -> bool:
        """Whether nothing may be fetched from the network."""
        return self._truth("StrictOffline")

    @offline.setter
    def offline(self, value: bool) -> None:
        self._set("StrictOffline", value)

    @property
    def models_home(self) -> str:
        """The folder with ``models`` in it and what is noted of them; empty for where the system keeps such data."""
        return self._text("ModelsHome")

    @models_home.setter
    def models_home(self, value: str) -> None:
        self._set("ModelsHome", value)

    @property
    def shared_folders(self) -> tuple[str, ...]:
        """Further folders of models, which are only read."""
        return tuple(filter(None, map(str.strip, self._text("SharedFolders").split("\n"))))

    @shared_folders.setter
    def shared_folders(self, folders: Sequence[str]) -> None:
        self._set("SharedFolders", "\n".join(folders))

    @property
    def mirror(self) -> str:
        """Where copies of the publishers' files lie; empty for the publishers' own."""
        return self._text("Mirror")

    @mirror.setter
    def mirror(self, value: str) -> None:
        self._set("Mirror", value)

    @property
    def quota_gb(self) -> float:
        """What installed models may take; 0 for as much as there is."""
        try:
            value = float(self._text("QuotaGB") or 0.0)
        except ValueError:
            return 0.0
        return value if 0.0 < value < math.inf else 0.0

    @quota_gb.setter
    def quota_gb(self, value: float) -> None:
        self._set("QuotaGB", f"{value:g}" if value > 0 else "")

    @property
    def store_variables(self) -> dict[str, str]:
        """The environment variables that tell the worker of folders, mirror and quota; none for what is not set.

        What an administrator has set in the environment counts where the user has set nothing.
        """
        own = {
            SHARED_VARIABLE: os.pathsep.join(self.shared_folders),
            MIRROR_VARIABLE: self.mirror,
            QUOTA_VARIABLE: f"{self.quota_gb:g}" if self.quota_gb else "",
        }
        return {name: text for name, text in own.items() if text}

    def _text(self, name: str) -> str:
        value = self._store.value(f"{_GROUP}/{name}")
        return value.strip() if isinstance(value, str) else ""

    def _truth(self, name: str) -> bool:
        """A word that says neither yes nor no counts as the default, which is no."""
        value = self._store.value(f"{_GROUP}/{name}")
        if isinstance(value, str):
            return value.strip().casefold() in _TRUE_WORDS
        return value if isinstance(value, bool) else False

    def _set(self, name: str, value: str | bool) -> None:
        self._store.setValue(f"{_GROUP}/{name}", value)
