"""Pictures (PNG, JPEG, TIFF, BMP) for models of flat images: one slice, or one a page; each colour a volume.

A picture has no size in the patient: a pixel counts as 1 mm, row by row downwards. SimpleITK is imported where it is
used: most runs do without its 90 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.colours import PHOTOMETRIC, RGB, is_grey
from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.volume import Volume
from .colour_volumes import volumes_of_colours
from .listing import ImageListing

_NAME = "picture"
_KINDS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
_MOST_VALUES = 2**30
_UNSCALED = Notice("picture-scale", "A picture does not say how large it is; each pixel was taken as 1 mm wide.")
_TRANSPARENT = Notice("picture-transparency", "The picture's transparency was left out.")


def recognises(path: Path) -> bool:
    """By the file's ending."""
    return path.suffix.lower() in _KINDS


def list_images(paths: Sequence[Path], *, accept: bool, poll: Poll = never) -> tuple[ImageListing, ...]:
    """One listing a picture, with attributes that say so where it is coloured."""
    del accept
    listings = []
    for path in paths:
        listings.append(_list_file(path))
        poll()
    return tuple(listings)


def read(listing: ImageListing, *, accept: bool, progress: Callable[[float], None]) -> tuple[Volume, ...]:
    """The one volume of a grey picture, also where its colours are all the same; else red, green and blue.

    Raises:
        InputError: if the file is damaged.
    """
    del accept
    pixels = _pixels(listing.paths[0])
    volume = Volume(
        np.ascontiguousarray(pixels[..., 0]),
        _geometry(pixels),
        description=listing.description,
        attributes=dict(listing.attributes),
        notices=listing.notices,
    )
    progress(1.0)
    return volumes_of_colours(volume, pixels) if _is_coloured(pixels) else (volume,)


def _is_coloured(pixels: NDArray[Any]) -> bool:
    return pixels.shape[-1] > 2 and not is_grey(pixels)


def _list_file(path: Path) -> ImageListing:
    listing = ImageListing(_NAME, _KINDS[path.suffix.lower()], (path,), description=path.name)
    try:
        pixels = _pixels(path)
    except InputError as problem:
        return replace(listing, attributes={}, problem=problem)
    count = pixels.shape[-1]
    notices = (_UNSCALED, _TRANSPARENT) if count in (2, 4) else (_UNSCALED,)
    attributes = {PHOTOMETRIC: RGB} if _is_coloured(pixels) else {}
    return replace(listing, attributes=attributes, geometry=_geometry(pixels), notices=notices)


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
