"""NRRD and MetaImage by SimpleITK, which gives LPS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from .image_file import ImageFile, damaged


def open_image(path: Path) -> ImageFile:
    """The header of a file.

    Raises:
        InputError: if it is damaged, or holds colours, complex numbers or vectors.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise damaged(path) from error
    size, dimension = reader.GetSize(), reader.GetDimension()
    if reader.GetNumberOfComponents() != 1 or "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()):
        raise InputError(
            "it holds several values at each voxel (colours, vectors or time points), no scalar.",
            where=path.name,
            remedy="Convert it to scalar images.",
        )
    if dimension not in (2, 3, 4):
        raise InputError(f"it has {dimension} dimensions.", where=path.name, remedy="Split it into 3-D images.")
    frames = size[3] if dimension == 4 else 1

    def load(frame: int) -> NDArray[Any]:
        try:
            if dimension == 4:
                reader.SetExtractIndex([0, 0, 0, frame])
                reader.SetExtractSize([*size[:3], 0])
            array = sitk.GetArrayFromImage(reader.Execute())
        except RuntimeError as error:
            raise damaged(path) from error
        return np.asarray(array if array.ndim == 3 else array[None])

    notices: tuple[Notice, ...] = ()
    if path.name.lower().endswith(("nrrd", "nhdr")) and not reader.HasMetaDataKey("NRRD_space"):
        notices = (Notice("no-orientation", "The file does not say how it lies in the patient; LPS was assumed."),)
    kind = "NRRD" if path.suffix.lower() in (".nrrd", ".nhdr") else "MetaImage"
    return ImageFile(kind, _geometry(path, reader, dimension), frames, load, notices)


def _geometry(path: Path, reader: sitk.ImageFileReader, dimension: int) -> VolumeGeometry:
    """Of the first three axes; a 2-D image is one slice, 1 mm thick."""
    axes = min(dimension, 3)
    direction, spacing, origin = np.eye(3), np.ones(3), np.zeros(3)
    direction[:axes, :axes] = np.reshape(reader.GetDirection(), (dimension, dimension))[:axes, :axes]
    spacing[:axes], origin[:axes] = reader.GetSpacing()[:axes], reader.GetOrigin()[:axes]
    size = (*reader.GetSize()[:axes], 1)[:3]
    try:
        return VolumeGeometry.from_itk(size, [float(x) for x in spacing], [float(x) for x in origin], direction)
    except ValueError as error:
        raise InputError("its directions are not usable.", where=path.name, remedy="Repair its header.") from error
