"""Pictures (PNG, JPEG, TIFF, BMP) for models of flat images: one slice, or one a page; a colour is an image of its own.

A picture has no size in the patient: a pixel counts as 1 mm, row by row downwards. SimpleITK is imported where it is
used: most runs do without its 90 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.volume import Volume
from .listing import ImageListing

_NAME = "picture"
_KINDS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
_COLOURS = ("R, red", "G, green", "B, blue")
_MOST_VALUES = 2**30
_UNSCALED = Notice("picture-scale", "A picture does not say how large it is; each pixel was taken as 1 mm wide.")
_TRANSPARENT = Notice("picture-transparency", "The picture's transparency was left out.")


@dataclass(frozen=True)
class _Colour:
    """The values of a pixel that make the image: its number among them."""

    number: int


def recognises(path: Path) -> bool:
    """By the file's ending."""
    return path.suffix.lower() in _KINDS


def list_images(paths: Sequence[Path], *, accept: bool, poll: Poll = never) -> tuple[ImageListing, ...]:
    """One listing for a grey picture, also where its colours are all the same; else one for each colour."""
    del accept
    listings: list[ImageListing] = []
    for path in paths:
        listings += _list_file(path)
        poll()
    return tuple(listings)


def read(listing: ImageListing, *, accept: bool, progress: Callable[[float], None]) -> tuple[Volume, ...]:
    """The one volume of a listing.

    Raises:
        InputError: if the file is damaged.
    """
    del accept
    number = listing.source.number if isinstance(listing.source, _Colour) else 0
    pixels = _pixels(listing.paths[0])
    voxels = np.ascontiguousarray(pixels[..., number])
    progress(1.0)
    return (Volume(voxels, _geometry(pixels), description=listing.description, notices=listing.notices),)


def _list_file(path: Path) -> list[ImageListing]:
    listing = ImageListing(_NAME, _KINDS[path.suffix.lower()], (path,), description=path.name)
    try:
        pixels = _pixels(path)
    except InputError as problem:
        return [replace(listing, attributes={}, problem=problem)]
    count = pixels.shape[-1]
    notices = (_UNSCALED, _TRANSPARENT) if count in (2, 4) else (_UNSCALED,)
    listing = replace(listing, attributes={}, geometry=_geometry(pixels), notices=notices)
    if count < 3 or bool((pixels[..., 1:3] == pixels[..., :1]).all()):
        return [replace(listing, attributes={}, source=_Colour(0))]
    return [
        replace(listing, attributes={}, description=f"{path.name} ({colour})", source=_Colour(number))
        for number, colour in enumerate(_COLOURS)
    ]


def _geometry(pixels: NDArray[Any]) -> VolumeGeometry:
    pages, rows, columns, _ = pixels.shape
    return VolumeGeometry.from_itk((columns, rows, pages), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))


def _pixels(path: Path) -> NDArray[Any]:
    """(page, row, column, value): 1 value for grey, 3 for red, green and blue, one more for transparency.

    Raises:
        InputError: if it is damaged, too large, or of another kind.
    """
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        count, size = reader.GetNumberOfComponents(), reader.GetSize()
        if count > 4 or len(size) > 3 or (count == 4 and path.suffix.lower() in (".jpg", ".jpeg")):
            raise InputError("its colours are not red, green and blue.", where=path.name, remedy="Convert it to PNG.")
        if float(np.prod([float(length) for length in size])) * count > _MOST_VALUES:
            raise InputError("it is too large.", where=path.name, remedy="Cut it into smaller pictures.")
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(
            "the file is damaged or not what its name says.", where=path.name, remedy="Copy it again from its source."
        ) from error
    pixels = np.asarray(sitk.GetArrayFromImage(image))
    pixels = pixels if count > 1 else pixels[..., None]
    return pixels if pixels.ndim == 4 else pixels[None]
