"""The models on this machine: those that come with the program, and those that the user installed.

A model is a folder; its name is the model's id. Installed ones lie in ``models`` below the program's own data folder.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.data_home import data_home
from ..core.errors import ModelError, ResourceError, UsageError

_LARGEST_BYTES = 50 * 1024**3
_MOST_FILES = 20_000


@dataclass(frozen=True)
class InstalledModel:
    """A model of the store. ``embedded`` ones come with the program and cannot be removed."""

    id: str
    path: Path
    embedded: bool


def models_home() -> Path:
    """The folder of the installed models; it need not exist. ``MEDAISEG_HOME`` names the program's data folder."""
    return data_home() / "models"


def embedded_models_folder() -> Path:
    """The folder of the models that come with the program: beside the library in the module, or inside it."""
    library = Path(__file__).resolve().parents[1]
    beside, within = (folder / "Resources" / "Models" for folder in (library.parent, library))
    return within if within.is_dir() else beside


def installed_models() -> tuple[InstalledModel, ...]:
    """All models, the embedded ones first, each group by id."""
    embedded = [InstalledModel(path.name, path, True) for path in _folders(embedded_models_folder())]
    taken = {model.id for model in embedded}
    others = [InstalledModel(path.name, path, False) for path in _folders(models_home()) if path.name not in taken]
    return (*embedded, *others)


def find_model(id_or_path: str | Path) -> Path:
    """The folder or file of a model, by the id of an installed one or by its path.

    Raises:
        ModelError: if there is none; it lists the ids that there are.
    """
    models = installed_models()
    for model in models:
        if model.id == str(id_or_path):
            return model.path
    path = Path(id_or_path).expanduser()
    if str(id_or_path) and path.exists():
        return path
    raise ModelError(
        "there is no such model.",
        where=str(id_or_path),
        remedy=f"Installed are: {', '.join(model.id for model in models) or 'none'}; a model's path will do as well.",
    )


def install_folder(source: Path, *, overwrite: bool = False, verify: Callable[[Path], object]) -> InstalledModel:
    """Copy a model's folder into the store; it is there as a whole or not at all.

    Args:
        overwrite: replace an installed model of the same id.
        verify: is given the copy and raises what speaks against it.

    Raises:
        UsageError: if the source is no folder, or the id is taken.
        ModelError: if a link leads out of the folder, or it is too large; and what ``verify`` raises.
        ResourceError: if it cannot be written.
    """
    source = source.expanduser().resolve()
    target = _target_for(source, overwrite=overwrite)
    _require_contained(source)
    with _scratch_folder(target.parent) as scratch:
        copy = scratch / "new" / target.name
        shutil.copytree(source, copy)
        with _told_of(source, instead_of=copy):
            verify(copy)
        _swap_in(copy, target, scratch / "old")
    return InstalledModel(target.name, target, False)


@contextmanager
def _told_of(source: Path, *, instead_of: Path) -> Iterator[None]:
    """What speaks against a copy is said of the folder that the user named."""
    try:
        yield
    except ModelError as error:
        where = error.where.replace(str(instead_of), str(source))
        raise type(error)(error.what, where=where, remedy=error.remedy) from error


def remove_model(model_id: str) -> None:
    """Delete an installed model.

    Raises:
        ModelError: if there is none of that id, or it comes with the program.
        ResourceError: if it cannot be deleted.
    """
    model = next((model for model in installed_models() if model.id == model_id), None)
    if model is None:
        raise ModelError("there is no such model.", where=model_id)
    if model.embedded:
        raise ModelError("it comes with the program and cannot be removed.", where=model_id)
    with _scratch_folder(model.path.parent) as scratch:
        model.path.replace(scratch / "old")


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def _target_for(source: Path, *, overwrite: bool) -> Path:
    if not source.is_dir():
        raise UsageError("it is no folder.", where=str(source))
    home = models_home().resolve()
    if source == home or source.is_relative_to(home) or home.is_relative_to(source):
        raise UsageError("it is the store itself or a part of it.", where=str(source))
    if not source.name or source.name.startswith("."):
        raise UsageError("its name cannot be a model's id.", where=str(source), remedy="Rename the folder.")
    taken = next((model for model in installed_models() if model.id == source.name), None)
    if taken is not None and (taken.embedded or not overwrite):
        remedy = "Rename the folder." if taken.embedded else "Remove it first, or say that it is to be overwritten."
        raise UsageError("a model of this name is installed.", where=source.name, remedy=remedy)
    return home / source.name


def _require_contained(source: Path) -> None:
    """Whatever is copied must be a plain file below the folder, so that no link smuggles another file in."""
    total = count = 0
    for path in source.rglob("*"):
        if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(source)):
            raise ModelError("a link leads out of the model's folder.", where=str(path))
        if not path.is_dir():
            if not path.is_file():
                raise ModelError("it is no plain file.", where=str(path))
            count, total = count + 1, total + path.stat().st_size
        if total > _LARGEST_BYTES or count > _MOST_FILES:
            raise ModelError("it is too large for a model.", where=str(source))


def _swap_in(new: Path, target: Path, old: Path) -> None:
    if target.exists():
        target.replace(old)
    try:
        new.replace(target)
    except OSError:
        if old.exists():
            old.replace(target)
        raise


@contextmanager
def _scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder in the store, hidden and gone afterwards, so that what is half-done is never seen as a model."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise ResourceError(
            f"the model store cannot be written: {error.strerror or error}.",
            where=str(parent),
            remedy="Check permissions and free space, or set MEDAISEG_HOME to another folder.",
        ) from error
