"""Readers: files to volumes, each with its series, its attributes and what is odd about it.

A reader is one module with three functions, and one line in ``READERS``::

    def recognises(path: Path) -> bool: ...                 # cheap: by name or the first bytes
    def list_images(paths: Sequence[Path], *, accept: bool, poll: Poll) -> tuple[ImageListing, ...]: ...
    def read(listing: ImageListing, *, accept: bool, progress: Callable[[float], None]) -> tuple[Volume, ...]: ...

``poll`` and ``progress`` are called several times a second and may raise Cancelled; only the one call in which a
library reads the voxels of a whole image file cannot be stopped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from ..core.errors import InputError
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.volume import Volume
from .listing import ImageListing, with_numbers

READERS = {
    "dicom": "MedAISegLib.readers.dicom",
    "image_file": "MedAISegLib.readers.image_file",
    "picture": "MedAISegLib.readers.picture",
}
"""Reader name to its module, in the order in which they are asked."""

_MASKS = "image_file"
FILES_PASSED_OVER, IMAGES_PASSED_OVER = "files-passed-over", "images-passed-over"
"""Codes of notices about the whole folder, which each of its listings carries."""

FractionCallback = Callable[[float], None]


class Reader(Protocol):
    """What a reader's module offers."""

    def recognises(self, path: Path) -> bool: ...

    def list_images(self, paths: Sequence[Path], *, accept: bool, poll: Poll) -> tuple[ImageListing, ...]: ...

    def read(self, listing: ImageListing, *, accept: bool, progress: FractionCallback) -> tuple[Volume, ...]: ...


def list_images(path: Path | str, *, accept: bool = False, poll: Poll = never) -> tuple[ImageListing, ...]:
    """Everything that a file or folder (searched to the bottom) holds, from the headers alone.

    Image files are listed only where the folder holds no DICOM: beside a series they are its masks and results.
    Pictures are listed only where there is neither: beside an image they are its previews.

    Args:
        path: a file or a folder.
        accept: go on under the assumptions that would otherwise stand as ConfirmationRequired in a listing's problem.
        poll: called after each file; what it raises ends the listing.

    Raises:
        InputError: if the path does not exist, or nothing in it is an image or a DICOM object.
    """
    path = Path(path)
    try:
        files = _files_of(path, poll)
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}.", where=str(path)) from error
    listings = list_files(files, accept=accept, poll=poll)
    if listings:
        return listings
    raise InputError(
        "there is no image in it." if path.is_dir() else "it is no image of a known format.",
        where=path.name,
        remedy=(
            "Known are DICOM under any name, and by the ends of their names NIfTI (.nii, .nii.gz), NRRD, MetaImage "
            "(.mha, .mhd), Analyze (.hdr, .img), MINC (.mnc), MGH (.mgh, .mgz), and pictures for models of flat images."
        ),
    )


def list_files(files: Sequence[Path], *, accept: bool = False, poll: Poll = never) -> tuple[ImageListing, ...]:
    """As :func:`list_images`, of files named one by one; empty if none of them is an image or a DICOM object."""
    denied = [_denied(file) for file in files if not os.access(file, os.R_OK) and file.exists()]
    refused = {path for listing in denied for path in listing.paths}
    by_reader = _sort_by_reader([file for file in files if file not in refused], poll)
    for name in READERS:
        claimed = by_reader.pop(name, [])
        if claimed:
            notices = _passed_over(by_reader)
            listings = _reader(name).list_images(claimed, accept=accept, poll=poll)
            return with_numbers([*(replace(one, notices=(*one.notices, *notices)) for one in listings), *denied])
    return tuple(denied)


def read_listing(
    listing: ImageListing, *, accept: bool = False, progress: FractionCallback | None = None
) -> tuple[Volume, ...]:
    """The volumes of a listing, more than one for a time series and the like.

    Args:
        listing: one of :func:`list_images`.
        accept: go on under the assumption that the listing's ConfirmationRequired asks about.
        progress: called with the fraction that is done, 0 to 1.

    Raises:
        InputError: if it cannot be read; ConfirmationRequired if it could, under an assumption.
    """
    if listing.problem is not None:
        raise listing.problem
    return _reader(listing.reader).read(listing, accept=accept, progress=progress or (lambda _: None))


def read_images(path: Path | str, *, accept: bool = False, series_uid: str | None = None) -> tuple[Volume, ...]:
    """All volumes of a file or folder, or those of one series.

    Objects that are no images are passed over; an image that cannot be read is an error only if it was asked for or
    nothing else can be read.

    Raises:
        InputError: if nothing can be read, or there is no such series.
    """
    listings = list_images(path, accept=accept)
    if series_uid is not None:
        listings = tuple(listing for listing in listings if listing.series_instance_uid == series_uid)
        if not listings:
            raise InputError(f"there is no series {series_uid} in it.", where=Path(path).name)
    readable = [listing for listing in listings if listing.problem is None]
    if not readable or (series_uid is not None and len(readable) < len(listings)):
        raise next(listing.problem for listing in listings if listing.problem is not None)
    return tuple(volume for listing in readable for volume in read_listing(listing, accept=accept))


def _reader(name: str) -> Reader:
    return cast("Reader", import_module(READERS[name]))


def _files_of(path: Path, poll: Poll) -> list[Path]:
    """A file itself; of a folder its files, and the folders in it that may not be looked into."""
    if path.is_dir():
        files: list[Path] = []
        for folder, _, names in os.walk(path, onerror=lambda error: files.append(Path(error.filename))):
            for file in (Path(folder, name) for name in names):
                # Hidden files are other programs' own: previews, and the resource forks that macOS adds to archives.
                if not file.name.startswith(".") and file.is_file():
                    files.append(file)
                poll()
            poll()
        return sorted(files)
    if not path.exists():
        raise InputError("it does not exist.", where=str(path))
    if not path.is_file():
        # Reading a pipe might never end.
        raise InputError("it is neither a file nor a folder.", where=str(path), remedy="Write the image to a file.")
    return [path]


def _denied(path: Path) -> ImageListing:
    problem = InputError("it may not be read.", where=str(path), remedy="Have its permissions changed, or copy it.")
    return ImageListing("", "folder" if path.is_dir() else "file", (path,), description=path.name, problem=problem)


def _sort_by_reader(files: Sequence[Path], poll: Poll) -> dict[str, list[Path]]:
    """Files by the name of the reader that recognises them; under an empty name those that none does."""
    by_reader: dict[str, list[Path]] = {}
    for file in files:
        name = next((name for name in READERS if _reader(name).recognises(file)), "")
        by_reader.setdefault(name, []).append(file)
        poll()
    return by_reader


def _passed_over(others: Mapping[str, Sequence[Path]]) -> tuple[Notice, ...]:
    """What is said of the files that another reader would have read, or none."""
    notices = []
    skipped = sum(len(files) for name, files in others.items() if name != _MASKS)
    if skipped:
        message = f"{skipped} other file{'s' if skipped > 1 else ''} in the folder passed over."
        notices.append(Notice(FILES_PASSED_OVER, message))
    masks = len(others.get(_MASKS, ()))
    if masks:
        message = (
            f"{masks} image file{'s' if masks > 1 else ''} (NIfTI or the like) beside DICOM passed over, as masks and "
            "results of its series would be; give such a file itself to use it."
        )
        notices.append(Notice(IMAGES_PASSED_OVER, message))
    return tuple(notices)
