"""The models on this machine: those that come with the program, and those that the user installed.

A model is a folder; its name is the model's id. Installed ones lie in ``models`` below the program's own data folder.
Folders that several users share, and that nobody installs into from here, are searched as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..core.data_home import data_home
from ..core.disk import existing
from ..core.errors import ModelError, ResourceError
from .names import has_controls
from .scratch import sweep

SHARED_VARIABLE = "MEDAISEG_MODELS_PATH"


@dataclass(frozen=True)
class InstalledModel:
    """A model of the store.

    Attributes:
        embedded: comes with the program and cannot be removed.
        shared: lies in a folder that several users share, and is not removed from here.
    """

    id: str
    path: Path
    embedded: bool
    shared: bool = False

    @property
    def is_own(self) -> bool:
        """Whether it was installed here, and so can be removed from here."""
        return not (self.embedded or self.shared)


def models_home() -> Path:
    """The folder of the installed models; it need not exist. ``MEDAISEG_HOME`` names the program's data folder."""
    return data_home() / "models"


def real_models_home() -> Path:
    """:func:`models_home` behind all links, for who writes there; it need not exist.

    Raises:
        ResourceError: if it cannot be reached, such as where links lead in a circle.
    """
    home = models_home()
    try:
        return home.resolve(strict=True)
    except FileNotFoundError:
        return home.resolve()
    except (OSError, RuntimeError) as error:  # before Python 3.13 the latter where links lead in a circle
        reason = getattr(error, "strerror", None) or "links lead in a circle"
        raise ResourceError(
            f"the folder for models cannot be reached: {reason}.",
            where=str(home),
            remedy="Put a folder in its place, or choose another one for models (Advanced, or MEDAISEG_HOME).",
        ) from error


def shared_folders() -> tuple[Path, ...]:
    """The folders that ``MEDAISEG_MODELS_PATH`` names, separated as in ``PATH``, as far as they are there."""
    return tuple(filter(None, map(existing, os.environ.get(SHARED_VARIABLE, "").split(os.pathsep))))


def embedded_models_folder() -> Path:
    """The folder of the models that come with the program: beside the library in the module, or inside it."""
    library = Path(__file__).resolve().parents[1]
    beside, within = (folder / "Resources" / "Models" for folder in (library.parent, library))
    return within if within.is_dir() else beside


def installed_models() -> tuple[InstalledModel, ...]:
    """All models: the embedded ones, those installed here, the shared ones, each group by id; an id counts once.

    What a program that was killed was about to replace is put back first.
    """
    sweep(models_home(), only_replacing=True)
    found = {path.name: InstalledModel(path.name, path, True) for path in _folders(embedded_models_folder())}
    for parent, shared in ((models_home(), False), *((folder, True) for folder in shared_folders())):
        for path in _folders(parent):
            found.setdefault(path.name, InstalledModel(path.name, path, False, shared))
    return tuple(found.values())


def installed_model(model_id: str) -> InstalledModel:
    """An installed model as a whole.

    Raises:
        ModelError: if there is none of that id; it lists those that there are.
    """
    models = installed_models()
    for model in models:
        if model.id == model_id:
            return model
    head = next((model.id for model in models if model.id == model_id.partition("/")[0]), "")
    remedy = f"It is a part of {head}, which can be named as a whole." if head else _told(models) + "."
    raise ModelError("there is no such model.", where=model_id, remedy=remedy)


def find_model(id_or_path: str | Path) -> Path:
    """The folder or file of a model, by the id of an installed one or by its path.

    Of a model with several configurations one may be named behind a slash; then the path is that of its folder with
    this name behind it, where nothing lies.

    Raises:
        ModelError: if there is none; it lists the ids that there are.
    """
    models = installed_models()
    head, _, variant = str(id_or_path).partition("/")
    for model in models:
        if model.id == head and "/" not in variant and variant not in (".", ".."):
            return model.path / variant
    with suppress(OSError, RuntimeError):  # a name that is too long, a user that does not exist
        path = Path(id_or_path).expanduser()
        if str(id_or_path) and (path.exists() or has_configurations(path.parent)):
            return path
    raise ModelError(
        "there is no such model.",
        where=str(id_or_path),
        remedy=f"{_told(models)}; a model's path will do as well.",
    )


def _told(models: Iterable[InstalledModel]) -> str:
    return f"Installed are: {', '.join(model.id for model in models) or 'none'}"


def size_bytes(path: Path) -> int:
    """Of a model's file, or of all files in its folder, whichever configuration is named in it."""
    return sum(file_sizes(path))


def file_sizes(path: Path) -> Iterator[int]:
    """Of each of them; what another program takes away meanwhile has none."""
    folder = path if path.exists() else path.parent
    inside = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    for file in [path] if path.is_file() else inside:
        with suppress(OSError):
            if file.is_file():
                yield file.stat().st_size


def has_configurations(folder: Path) -> bool:
    """Whether the folder, or one in it, holds trained models named as nnU-Net names them, so that one may be named."""
    return any(next(folder.glob(pattern), None) for pattern in ("*__*__*/plans.json", "*/*__*__*/plans.json"))


def _folders(parent: Path) -> list[Path]:
    """Those that may be models: a name with control characters is no id, and would reach the terminal as commands."""
    try:
        found = (path for path in parent.iterdir() if not path.name.startswith(".") and not has_controls(path.name))
        return sorted(path for path in found if path.is_dir())
    except OSError:
        # A shared folder may be out of reach for a while; what else there is can still be used.
        return []
