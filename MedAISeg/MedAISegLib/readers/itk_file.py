"""NRRD and MetaImage by SimpleITK, which gives LPS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

_BEYOND_ALL_SPACINGS = 1e9
"""In any unit; ITK computes without end where sums of lengths are infinite."""


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

    def load(wanted: Sequence[int]) -> Iterator[NDArray[Any]]:
        # For one frame ITK reads all of most files: frame by frame would read them again and again.
        alone = dimension == 4 and len(wanted) == 1
        reader.SetExtractSize([*size[:3], 0] if alone else [])
        reader.SetExtractIndex([0, 0, 0, wanted[0]] if alone else [])
        try:
            held = sitk.GetArrayFromImage(reader.Execute()).reshape(-1, *(*size[:3], 1)[2::-1])
        except RuntimeError as error:
            raise damaged(path) from error
        yield from held if alone else (held[frame] for frame in wanted)

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
    if not ((spacing > 0) & (spacing < _BEYOND_ALL_SPACINGS)).all():
        raise InputError("its spacing is not above zero, or too large.", where=path.name, remedy=remedy)
    try:
        stated = VolumeGeometry.from_itk(size, [float(x) for x in spacing], [float(x) for x in origin], direction)
        affine = frame.to_lps_mm @ stated.affine_lps
        if axes == 2:
            # The thickness is ours, in mm, whatever unit the file is in.
            affine[:3, 0] /= np.linalg.norm(affine[:3, 0])
        return VolumeGeometry(stated.shape_kji, affine)
    except ValueError as error:
        raise InputError("its directions are not usable.", where=path.name, remedy=remedy) from error
