"""Image files to listings and volumes: which library reads which, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ConfirmationRequired, InputError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.volume import Volume
from .listing import ImageListing

_NAME = "image_file"

_LIBRARIES = {
    ".nii": "NIfTI", ".nii.gz": "NIfTI", ".hdr": "Analyze or NIfTI pair", ".img": "Analyze or NIfTI pair",
    ".mnc": "MINC", ".mgh": "MGH", ".mgz": "MGH", ".nrrd": "NRRD", ".nhdr": "NRRD", ".mha": "MetaImage",
    ".mhd": "MetaImage",
}  # fmt: skip
_BY_ITK = ("NRRD", "MetaImage")


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image file's header.

    Attributes:
        kind: the format, in a user's words.
        geometry: of one volume.
        volume_count: frames of a 4-D image.
        question: an assumption that reading makes and the user has to accept; empty where there is none.
        load: (k, j, i) voxels of each of the frames, whose numbers rise, read one after the other; it raises InputError
            for damaged files.
    """

    kind: str
    geometry: VolumeGeometry
    volume_count: int
    load: Callable[[Sequence[int]], Iterator[NDArray[Any]]]
    notices: tuple[Notice, ...] = ()
    question: str = ""


class _Library(Protocol):
    def open_image(self, path: Path) -> ImageFile:
        """Read the header.

        Raises:
            InputError: if the file is damaged or holds no scalar image.
        """


def recognises(path: Path) -> bool:
    """By the file's ending."""
    return _format(path) != ""


def list_images(paths: Sequence[Path], *, accept: bool, poll: Poll = never) -> tuple[ImageListing, ...]:
    """A listing for each file; of a .hdr/.img pair for its header."""
    headers = {path for path in paths if path.suffix.lower() == ".hdr"}
    listings = []
    for path in paths:
        if not (path.suffix.lower() == ".img" and path.with_suffix(".hdr") in headers):
            listings.append(_list_file(path, accept))
        poll()
    return tuple(listings)


def read(listing: ImageListing, *, accept: bool, progress: Callable[[float], None]) -> tuple[Volume, ...]:
    """One volume, or one for each frame of a 4-D image, of which only the wanted one is read.

    Raises:
        ConfirmationRequired: if it can be read only under an assumption, and that is not accepted.
        InputError: if the file is damaged.
    """
    image = cast("ImageFile", listing.source)
    name = listing.paths[0].name
    if image.question and not accept:
        raise _confirmation(image, name)
    frames = range(image.volume_count) if listing.wanted is None else (listing.wanted,)
    volumes: list[Volume] = []
    for frame, loaded in zip(frames, image.load(frames), strict=True):
        try:
            voxels = _plain(loaded)
        except FloatingPointError as error:
            raise InputError(
                "its values are beyond what 32 bits hold (3.4e38).", where=name, remedy="Scale the image."
            ) from error
        label = f"{name} (frame {frame + 1} of {image.volume_count})" if image.volume_count > 1 else name
        volumes.append(Volume(voxels, image.geometry, description=label, notices=image.notices))
        progress(len(volumes) / len(frames))
    return tuple(volumes)


def damaged(path: Path) -> InputError:
    """The error for a file that its library cannot make sense of."""
    return InputError(
        "the file is damaged or not what its name says.", where=path.name, remedy="Copy it again from its source."
    )


def single_slice_notice(geometry: VolumeGeometry) -> tuple[Notice, ...]:
    return (Notice("single-slice", "The image has only one slice."),) if geometry.shape_kji[0] == 1 else ()


def _format(path: Path) -> str:
    name = path.name.lower()
    return next((kind for ending, kind in _LIBRARIES.items() if name.endswith(ending)), "")


def _library(path: Path) -> _Library:
    module = "itk_file" if _format(path) in _BY_ITK else "nibabel_file"
    return cast("_Library", import_module(f"{__package__}.{module}"))


def _list_file(path: Path, accept: bool) -> ImageListing:
    listing = ImageListing(_NAME, _format(path), (path,), description=path.name)
    if path.name.lower().endswith(".seg.nrrd"):
        problem = InputError("it is a segmentation, not an image.", where=path.name, remedy="Choose the image itself.")
        return replace(listing, attributes={}, problem=problem)
    try:
        image = _library(path).open_image(path)
    except InputError as problem:
        return replace(listing, attributes={}, problem=problem)
    notices = (*image.notices, *single_slice_notice(image.geometry))
    if image.volume_count > 1:
        notices = (*notices, Notice("several-volumes", f"The file holds {image.volume_count} volumes."))
    if image.question and accept:
        notices = (*notices, Notice("assumption-accepted", f"Accepted: {image.question}"))
    return replace(
        listing,
        kind=image.kind,
        attributes={},
        geometry=image.geometry,
        volume_count=image.volume_count,
        notices=notices,
        problem=_confirmation(image, path.name) if image.question and not accept else None,
        source=replace(image, notices=notices),
    )


def _confirmation(image: ImageFile, name: str) -> ConfirmationRequired:
    return ConfirmationRequired(
        image.question, where=name, remedy="Accept this (--accept) if it is right, else convert the file."
    )


def _plain(voxels: NDArray[Any]) -> NDArray[Any]:
    """In the machine's byte order, contiguous, of a type that every step knows: integers up to 32 bits or float32.

    Raises:
        FloatingPointError: if a finite value is not of such a type.
    """
    kind, size = voxels.dtype.kind, voxels.dtype.itemsize
    if kind == "f" and size != 4:
        with np.errstate(over="raise"):
            return np.ascontiguousarray(voxels, dtype=np.float32)
    if kind == "b":
        return np.ascontiguousarray(voxels, dtype=np.uint8)
    if kind in "iu" and size == 8:
        fits = bool(voxels.min() >= np.iinfo(np.int32).min and voxels.max() <= np.iinfo(np.int32).max)
        return np.ascontiguousarray(voxels, dtype=np.int32 if fits else np.float32)
    return np.array(voxels, dtype=voxels.dtype.newbyteorder("="), order="C")
