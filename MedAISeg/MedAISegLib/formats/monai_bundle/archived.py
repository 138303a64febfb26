"""The description that MONAI's ``ckpt_export`` puts into a TorchScript file, read without torch."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ...core.errors import ModelError
from ...models.zip_listing import opened_zip

ARCHIVED = ("metadata.json", "inference.json")
LARGEST_BYTES = 2 * 1024 * 1024


def archived_names(path: Path) -> tuple[str, ...]:
    """Names of the files that were added to a TorchScript archive; none for any other file."""
    try:
        with opened_zip(path) as archive:
            names = [name.split("/") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return ()
    return tuple(parts[2] for parts in names if len(parts) == 3 and parts[1] == "extra")


def read_archived(path: Path, name: str) -> bytes:
    """The content of such a file.

    Raises:
        ModelError: if it is missing, damaged, or too large for a description.
    """
    where = f"{path}/{name}"
    try:
        with opened_zip(path) as archive:
            found = [entry for entry in archive.infolist() if entry.filename.split("/")[1:] == ["extra", name]]
            if len(found) != 1:
                raise ModelError("it is missing, or there several times.", where=where)
            if found[0].file_size > LARGEST_BYTES:
                raise ModelError("it is too large for a description (2 MB at most).", where=where)
            return archive.read(found[0])
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ModelError(f"it is damaged: {error}.", where=where) from error
