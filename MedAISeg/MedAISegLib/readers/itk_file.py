"""NRRD and MetaImage by SimpleITK, which gives LPS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from .image_file import ImageFile, damaged
from .itk_header import StatedFrame, metaimage_frame, nrrd_frame

_SPACE = "NRRD_space"


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

    is_nrrd = path.suffix.lower() in (".nrrd", ".nhdr")
    frame = nrrd_frame(path, _space(reader), dimension) if is_nrrd else metaimage_frame(path)
    return ImageFile(
        "NRRD" if is_nrrd else "MetaImage",
        _geometry(path, reader, dimension, frame),
        frames,
        load,
        frame.notices,
        " Besides, ".join(frame.questions),
    )


def _space(reader: sitk.ImageFileReader) -> str:
    """Its name; empty where the file has none."""
    return str(reader.GetMetaData(_SPACE)) if reader.HasMetaDataKey(_SPACE) else ""


def _geometry(path: Path, reader: sitk.ImageFileReader, dimension: int, frame: StatedFrame) -> VolumeGeometry:
    """Of the first three axes; a 2-D image is one slice, 1 mm thick."""
    axes = min(dimension, 3)
    direction, spacing, origin = np.eye(3), np.ones(3), np.zeros(3)
    direction[:axes, :axes] = np.reshape(reader.GetDirection(), (dimension, dimension))[:axes, :axes]
    spacing[:axes], origin[:axes] = reader.GetSpacing()[:axes], reader.GetOrigin()[:axes]
    size = (*reader.GetSize()[:axes], 1)[:3]
    remedy = "Repair its header."
    if not (spacing > 0).all():
        raise InputError("its spacing is not above zero.", where=path.name, remedy=remedy)
    try:
        stated = VolumeGeometry.from_itk(size, [float(x) for x in spacing], [float(x) for x in origin], direction)
        affine = frame.to_lps_mm @ stated.affine_lps
        if axes == 2:
            # The thickness is ours, in mm, whatever unit the file is in.
            affine[:3, 0] /= np.linalg.norm(affine[:3, 0])
        return VolumeGeometry(stated.shape_kji, affine)
    except ValueError as error:
        raise InputError("its directions are not usable.", where=path.name, remedy=remedy) from error
