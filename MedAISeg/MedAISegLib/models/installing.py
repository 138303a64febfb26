"""Models into the store and out of it: as a whole or not at all, also where several programs do so at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.disk import existing
from ..core.errors import ModelError, NameTakenError, UsageError
from ..core.progress import Poll, never
from ..core.unfinished import done_wholly
from .locking import held
from .names import model_id_problem, path_problem, readable, same_for_some
from .receipts import record_set_aside
from .room import require_room, require_within_quota
from .scratch import REPLACED, scratch_folder
from .store import InstalledModel, installed_model, installed_models, models_home, real_models_home, size_bytes

_LARGEST_BYTES = 50 * 1024**3
_MOST_FILES = 20_000
_PIECE = 2**22

Verify = Callable[[Path], Callable[[], None] | None]
"""Is given a model's folder and raises what speaks against it; gives what is to be done once it is in its place."""


def install_folder(
    source: Path, *, overwrite: bool = False, verify: Verify, model_id: str = "", poll: Poll = never
) -> InstalledModel:
    """Copy a model's folder into the store; it is there as a whole or not at all.

    Args:
        overwrite: replace an installed model of the same id.
        verify: is given the copy and raises what speaks against it.
        model_id: instead of the folder's name.

    Raises:
        UsageError: if the source is no folder, or the id is taken or cannot be one.
        ModelError: if a link leads out of the folder, it is too large, or not all of it can be read; and what
            ``verify`` raises.
        ResourceError: if it cannot be written.
        Cancelled: if ``poll`` raises it.
    """
    source = source.expanduser().resolve()
    if not source.is_dir():
        raise UsageError("it is no folder.", where=str(source))
    home = real_models_home()
    if source == home or source.is_relative_to(home) or home.is_relative_to(source):
        raise UsageError("it is the store itself or a part of it.", where=str(source))
    model_id = model_id or source.name
    require_free(model_id, overwrite=overwrite)
    require_room({model_id: _contained_bytes(source)})

    def fill(folder: Path) -> Path:
        copy = folder / model_id
        _copy_folder(source, copy, poll)
        return copy

    def verify_copy(copy: Path) -> Callable[[], None] | None:
        with told_of(source, instead_of=copy):
            return verify(copy)

    return install_filled(model_id, fill, overwrite=overwrite, verify=verify_copy, poll=poll)


def install_filled(
    model_id: str, fill: Callable[[Path], Path], *, overwrite: bool = False, verify: Verify, poll: Poll = never
) -> InstalledModel:
    """Install what ``fill`` writes.

    Args:
        fill: writes a model below the empty folder that it is given, and returns the model's own folder.

    Raises:
        UsageError: if the id is taken or cannot be one.
        ResourceError: if the store cannot be written.
        MedAISegError: what ``fill`` and ``verify`` raise.
    """
    require_free(model_id, overwrite=overwrite)
    target = real_models_home() / model_id
    with done_wholly() as begin_last_part, scratch_folder(target.parent) as scratch:
        (scratch / "new").mkdir()
        filled = fill(scratch / "new")
        # Readers take a model's name from its folder.
        copy = scratch / "named" / model_id
        copy.parent.mkdir()
        filled.replace(copy)
        follow_up = verify(copy)
        with held("models", poll):
            require_free(model_id, overwrite=overwrite)
            require_within_quota({model_id: size_bytes(copy)})
            begin_last_part()
            old = scratch / REPLACED / model_id
            old.parent.mkdir()
            # A program that is killed in between leaves a model of which nothing is known, and nothing wrong.
            with record_set_aside(model_id):
                try:
                    _swap_in(copy, target, old)
                    if follow_up is not None:
                        follow_up()
                except BaseException:
                    _swap_back(copy, target, old)
                    raise
    return InstalledModel(model_id, target, False)


def require_free(model_id: str, *, overwrite: bool) -> None:
    """Raises UsageError if a model of this id cannot be installed."""
    problem = model_id_problem(model_id)
    if problem:
        raise UsageError(
            f"it cannot be a model's id: {problem}.", where=readable(model_id), remedy="Rename the folder or archive."
        )
    not_shared = [model for model in installed_models() if not model.shared]
    taken = next((model for model in not_shared if model.id == model_id), None)
    if taken is not None and (taken.embedded or not overwrite):
        if taken.embedded:
            raise UsageError(
                "a model of this name is installed and comes with the program.",
                where=model_id,
                remedy="Install it under another name.",
            )
        remedy = "Remove it first, or install it with overwriting (--overwrite)."
        raise NameTakenError("a model of this name is installed.", where=model_id, remedy=remedy)
    if taken is None:
        _require_own_place(model_id, [model.id for model in not_shared])


def _require_own_place(model_id: str, others: Iterable[str]) -> None:
    """Raises UsageError if something else would be replaced, be it that capitals make no difference on this disk."""
    alike = next((other for other in others if same_for_some(other) == same_for_some(model_id)), "")
    if alike:
        what = f"a model is installed whose name some systems cannot tell from it: {alike}."
        raise UsageError(what, where=model_id, remedy="Install it under another name, or remove that one first.")
    place = models_home() / model_id
    if existing(place) or place.is_symlink():
        raise UsageError("what lies in its place is no model.", where=str(place), remedy="Move it away.")


@contextmanager
def told_of(source: Path | str, *, instead_of: Path) -> Iterator[None]:
    """What speaks against a copy is said of what the user named."""
    try:
        yield
    except ModelError as error:
        error.where = error.where.replace(str(instead_of), str(source))
        raise


def remove_model(model_id: str, beforehand: Callable[[], None] | None = None) -> None:
    """Delete an installed model.

    Args:
        beforehand: is called just before the model goes, when nothing speaks against that any more.

    Raises:
        ModelError: if there is none of that id, it comes with the program, or lies in a shared folder.
        ResourceError: if it cannot be deleted.
    """
    parent = _removable(model_id).path.parent
    with done_wholly() as begin_last_part, scratch_folder(parent) as scratch, held("models"):
        # Another program may have removed it meanwhile.
        model = _removable(model_id)
        begin_last_part()
        if beforehand is not None:
            beforehand()
        model.path.replace(scratch / "removed")


def _removable(model_id: str) -> InstalledModel:
    model = installed_model(model_id)
    if model.embedded:
        raise ModelError("it comes with the program and cannot be removed.", where=model_id)
    if model.shared:
        raise ModelError(f"it lies in a shared folder and is not removed from here: {model.path}.", where=model_id)
    return model


def _contained_bytes(source: Path) -> int:
    """Of all files; each must be a plain one below the folder, so that no link smuggles another file in."""
    total = count = 0
    for path in _inside(source):
        problem = path_problem(path.relative_to(source).as_posix())
        if problem:
            raise ModelError(f"it has a file named {readable(path.name)!r}: {problem}.", where=str(source))
        if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(source)):
            raise ModelError("a link leads out of the model's folder.", where=str(path))
        if not path.is_dir():
            if not path.is_file():
                raise ModelError("it is no plain file.", where=str(path))
            count, total = count + 1, total + path.stat().st_size
        if total > _LARGEST_BYTES or count > _MOST_FILES:
            raise ModelError("it is too large for a model.", where=str(source))
    return total


def _copy_folder(source: Path, copy: Path, poll: Poll) -> None:
    """Without permissions: what comes from a folder that is only read has to be moved and deleted here."""
    copy.mkdir()
    for path in sorted(_inside(source)):
        place = copy / path.relative_to(source)
        if path.is_dir():
            place.mkdir()
        else:
            copy_file(path, place, poll)


def _inside(folder: Path) -> Iterator[Path]:
    """All files and folders, at any depth; one that cannot be looked into is not passed over."""

    def refuse(error: OSError) -> None:
        raise _unreadable(error, error.filename) from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        yield from (Path(place, name) for name in (*folders, *files))


def copy_file(old: str | Path, new: str | Path, poll: Poll) -> None:
    """Copy a file's content, piece by piece, to where none is yet.

    Raises:
        ModelError: if it cannot be read.
        OSError: if it cannot be written.
    """
    poll()
    with open(new, "xb") as target:
        for piece in _pieces(old):
            target.write(piece)
            poll()


def _pieces(path: str | Path) -> Iterator[bytes]:
    try:
        with open(path, "rb") as source:
            while piece := source.read(_PIECE):
                yield piece
    except OSError as error:
        raise _unreadable(error, path) from error


def _unreadable(error: OSError, path: str | Path) -> ModelError:
    return ModelError(
        f"it cannot be read: {error.strerror}.", where=str(path), remedy="Check permissions and the disk."
    )


def _swap_in(new: Path, target: Path, old: Path) -> None:
    if target.exists():
        target.replace(old)
    new.replace(target)


def _swap_back(new: Path, target: Path, old: Path) -> None:
    """However far it had come."""
    if not new.exists():
        target.replace(new)
    if old.exists():
        old.replace(target)
