"""Models in one file, for machines without internet: a zip archive with a list of what it holds.

``medaiseg-pack.json`` gives, by model, the SHA-256 of its content (models.trust), its licence, its size, and how it
came to the machine that packed it; each model is a folder beside it. The list tells whether a pack was damaged on its
way, and not who made it: it carries no trust, and no licence counts as acknowledged by it.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core.disk import written_whole
from ..core.errors import ModelError, NameTakenError, UsageError
from ..core.progress import Poll, never
from ..core.records import from_json, to_json
from .archive_entries import Limits
from .names import model_id_problem, path_problem, readable, same_for_some
from .origins import Receipt
from .staging import staged_in
from .store import InstalledModel
from .trust import content_sha256
from .zip_listing import opened_zip

MANIFEST = "medaiseg-pack.json"
_VERSION = 2
_READABLE = (1, 2)
"""The first one had no receipts."""
_LARGEST_MANIFEST = 4 * 2**20
_PIECE = 2**22
_ANEW = "Copy it here anew, or have it packed anew."


@dataclass(frozen=True)
class PackedModel:
    """A model of a pack.

    Attributes:
        sha256: of its content.
        commercial_use: whether its licence allows that, None where its publisher does not say.
        receipt: how it came to where it was packed.
    """

    id: str
    sha256: str
    license: str = ""
    commercial_use: bool | None = None
    size_bytes: int = 0
    receipt: Receipt = field(default_factory=Receipt)


@dataclass(frozen=True)
class Manifest:
    """What a pack holds."""

    version: int
    models: tuple[PackedModel, ...]


def write_pack(
    models: Sequence[tuple[InstalledModel, PackedModel]],
    target: Path,
    *,
    overwrite: bool = False,
    on_bytes: Callable[[int, int], None] = lambda _done, _total: None,
    poll: Poll = never,
) -> None:
    """Write models into one file; it is there as a whole or not at all.

    Args:
        on_bytes: is told how much is written, and of how much.

    Raises:
        UsageError: if there are none, or too many for one pack, or the file exists.
        ModelError: if a model has a link, or a name that other systems do not take, or is not what its list says, be it
            that it was removed or replaced meanwhile.
        ResourceError: if it cannot be written.
        Cancelled: if ``poll`` raises it.
    """
    if not models:
        raise UsageError("there is no model to pack.", where=str(target))
    if target.exists() and not overwrite:
        raise NameTakenError("the file exists.", where=str(target), remedy="Give another name, or --overwrite.")
    _require_unpackable(models, target)
    manifest = Manifest(_VERSION, tuple(packed for _, packed in models))
    with (
        staged_in(target.parent) as place,
        written_whole(target, place) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive,
    ):
        archive.writestr(MANIFEST, json.dumps(to_json(manifest), indent=1, ensure_ascii=False))
        counted = _Counted(sum(packed.size_bytes for _, packed in models), on_bytes, poll)
        for model, packed in models:
            _add_model(archive, model, packed, counted)


def _require_unpackable(models: Sequence[tuple[InstalledModel, PackedModel]], target: Path) -> None:
    """Raises UsageError or ModelError for what no other computer would take."""
    limits, count = Limits(), 1
    if len({same_for_some(model.id) for model, _ in models}) < len(models):
        what = "two of the models have names that some systems cannot tell from each other."
        raise UsageError(what, where=str(target), remedy="Make a pack of each.")
    for model, _ in models:
        names = [path.relative_to(model.path).as_posix() for path in model.path.rglob("*")]
        count += 1 + len(names)
        if len(set(map(same_for_some, names))) < len(names):
            raise ModelError("it has two files whose names some systems cannot tell from each other.", where=model.id)
    if count > limits.files or sum(packed.size_bytes for _, packed in models) > limits.total_bytes:
        most = f"{limits.files} files and folders, or {limits.total_bytes / 2**30:.0f} GB"
        what = f"it would hold more than {most}, and could not be unpacked."
        raise UsageError(what, where=str(target), remedy="Make several packs.")


def is_pack(path: Path) -> bool:
    """Whether a file is a pack, by its first entry, which is the list."""
    try:
        with opened_zip(path) as archive:
            return archive.namelist()[:1] == [MANIFEST]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def packed_bytes(path: Path) -> dict[str, int]:
    """What each model of a pack takes once it is unpacked, by the archive's list of files.

    Raises:
        zipfile.BadZipFile: if it is no pack.
        OSError: if it cannot be read.
    """
    sizes: Counter[str] = Counter()
    with opened_zip(path) as archive:
        for info in archive.infolist()[1:]:
            sizes[info.filename.partition("/")[0]] += info.file_size
    return sizes


def read_manifest(folder: Path) -> Manifest | None:
    """Of an unpacked archive; None if it is no pack.

    Raises:
        ModelError: if it is damaged, names no model, or is of a later version; ``where`` is the folder.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise _damaged("it is too large", folder)
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("version") not in _READABLE:
            raise ModelError("the pack was made by another version.", where=str(folder), remedy="Update the program.")
        manifest = from_json(Manifest, content)
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(readable(str(error)), folder) from error
    if not manifest.models:
        raise ModelError("the pack holds no model.", where=str(folder), remedy=_ANEW)
    for model in manifest.models:
        _require_plain(model, folder)
    if len({same_for_some(model.id) for model in manifest.models}) < len(manifest.models):
        raise _damaged("it names a model twice", folder)
    return manifest


def _damaged(why: str, folder: Path) -> ModelError:
    return ModelError(f"the pack's list is damaged: {why}.", where=str(folder), remedy=_ANEW)


def _require_plain(model: PackedModel, folder: Path) -> None:
    if model_id_problem(model.id) or not (folder / model.id).is_dir():
        raise _damaged(f"it names a model that is not there, {readable(model.id)!r}", folder)
    if model.receipt.problem:
        raise _damaged(f"it has {model.receipt.problem}, of {model.id}", folder)


def require_as_packed(folder: Path, model: PackedModel) -> None:
    """Raises ModelError if an unpacked model is not what the pack's list says."""
    if content_sha256(folder) != model.sha256:
        raise ModelError(
            "it is not what the pack's list says: it was damaged or changed.", where=str(folder), remedy=_ANEW
        )


@dataclass
class _Counted:
    """What is written so far, told after each piece."""

    total_bytes: int
    on_bytes: Callable[[int, int], None]
    poll: Poll
    done_bytes: int = 0

    def add(self, size: int) -> None:
        self.poll()
        self.done_bytes += size
        self.on_bytes(self.done_bytes, self.total_bytes)


def _add_model(archive: zipfile.ZipFile, model: InstalledModel, packed: PackedModel, counted: _Counted) -> None:
    try:
        written = _add_files(archive, model, counted)
    except FileNotFoundError as error:
        raise ModelError(
            "it was removed while it was packed.", where=model.id, remedy="Install it again, or leave it out."
        ) from error
    if written != packed.sha256:
        raise ModelError("its files were changed while it was packed.", where=model.id, remedy="Pack it again.")


def _add_files(archive: zipfile.ZipFile, model: InstalledModel, counted: _Counted) -> str:
    """Gives the SHA-256 of what is written, as :func:`.trust.content_sha256` that of a folder."""
    total = hashlib.sha256()
    model.path.lstat()
    for file in sorted(path for path in model.path.rglob("*") if not path.is_dir()):
        # What is no longer there is no link that leads out.
        file.lstat()
        inside = file.relative_to(model.path).as_posix()
        name = f"{model.id}/{inside}"
        if not file.is_file() or not file.resolve().is_relative_to(model.path.resolve()):
            raise ModelError("a link leads out of the model's folder.", where=str(file))
        if path_problem(name):
            raise ModelError(f"other systems do not take its name: {path_problem(name)}.", where=str(file))
        of_file = hashlib.sha256()
        with file.open("rb") as source, archive.open(name, "w", force_zip64=True) as entry:
            while piece := source.read(_PIECE):
                of_file.update(piece)
                entry.write(piece)
                counted.add(len(piece))
        total.update(f"{inside}\0{of_file.hexdigest()}\0".encode())
    return total.hexdigest()
