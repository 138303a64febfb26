"""NIfTI-1 and -2, Analyze, MINC and MGH by nibabel; its affines map to RAS."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.analyze import AnalyzeHeader
from nibabel.filebasedimages import ImageFileError
from nibabel.minc1 import Minc1Image
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.spm99analyze import Spm99AnalyzeImage
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.geometry import LPS_TO_RAS, Affine, VolumeGeometry
from ..core.notice import Notice
from .image_file import ImageFile, damaged

_BROKEN = (
    ImageFileError,
    HeaderDataError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    zlib.error,
)
"""What nibabel lets through when a file is damaged."""

_LARGEST_DEFLATION = 1040
"""A little more than zlib's ratio for a file of nothing but zeros (RFC 1951: 258 bytes from two bits)."""

_UNIT_MM = {"meter": 1000.0, "micron": 0.001}
_AGREE_VOXELS = 0.1
"""Two affines agree if no corner of the image moves by more than this share of the smallest voxel edge."""

_VECTOR_INTENTS = ("vector", "displacement vector", "symmetric matrix", "general matrix", "quaternion", "triangle")


def open_image(path: Path) -> ImageFile:
    """The header of a file.

    Raises:
        InputError: if it is damaged, or holds colours, complex numbers or vectors.
    """
    path = path.with_suffix(".hdr") if path.suffix.lower() == ".img" and path.with_suffix(".hdr").exists() else path
    try:
        image: Any = nib.load(path)
        shape = tuple(int(n) for n in image.shape)
        dtype = np.dtype(image.header.get_data_dtype())
        affine, question, notices = _affine(image)
        held = _most_bytes(image)
    except _BROKEN as error:
        raise damaged(path) from error
    if math.prod(shape) * dtype.itemsize > held:
        raise damaged(path)
    _check_scalar(path, image, dtype, shape)
    spatial = (*shape, 1, 1)[:3]
    frames = math.prod(shape[3:])

    def load(wanted: Sequence[int]) -> Iterator[NDArray[Any]]:
        try:
            # Kept open, a packed file is unpacked once for all frames and not from its beginning for each.
            held: Any = nib.load(path, keep_file_open=True)
            for frame in wanted:
                data = held.dataobj[..., frame] if frames > 1 else np.asanyarray(held.dataobj)
                yield np.asarray(data).reshape(spatial, order="F").transpose()
        except _BROKEN as error:
            raise damaged(path) from error

    try:
        geometry = VolumeGeometry((spatial[2], spatial[1], spatial[0]), (LPS_TO_RAS @ affine)[:, [2, 1, 0, 3]])
    except ValueError as error:
        raise InputError("its affine is not usable.", where=path.name, remedy="Repair its header.") from error
    if frames > 1 and len(shape) > 4:
        raise InputError(f"it has {len(shape)} dimensions.", where=path.name, remedy="Split it into 3-D images.")
    return ImageFile(_kind(image), geometry, frames, load, notices, question.format(sides=_sides(geometry)))


def _most_bytes(image: Any) -> float:
    """That the voxels' file can hold: who believes its header asks for memory first and finds that out afterwards."""
    if isinstance(image, Minc1Image):
        return math.inf
    file = Path(image.file_map["image"].filename)
    return file.stat().st_size * (_LARGEST_DEFLATION if file.suffix.lower() in (".gz", ".mgz") else 1)


def _kind(image: Any) -> str:
    header = image.header
    if isinstance(header, Nifti2Header):
        return "NIfTI-2"
    if isinstance(header, Nifti1Header):
        return "NIfTI"
    return "Analyze" if isinstance(header, AnalyzeHeader) else type(image).__name__.removesuffix("Image")


def _sides(geometry: VolumeGeometry) -> str:
    return geometry.axis_codes()[::-1]


def _check_scalar(path: Path, image: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    remedy = "Convert it to a scalar image."
    if dtype.fields is not None:
        raise InputError("it is a colour image, no scalar volume.", where=path.name, remedy=remedy)
    if dtype.kind == "c":
        raise InputError("it holds complex numbers.", where=path.name, remedy="Take the magnitude image.")
    intent = image.header.get_intent()[0] if isinstance(image.header, Nifti1Header) else "none"
    if intent in _VECTOR_INTENTS:
        raise InputError(f"it holds a {intent} at each voxel, no scalar.", where=path.name, remedy=remedy)
    if len(shape) < 2 or min(shape) < 1:
        raise InputError(f"its size {'x'.join(map(str, shape))} is no image's.", where=path.name, remedy=remedy)


def _affine(image: Any) -> tuple[Affine, str, tuple[Notice, ...]]:
    """4x4 (i, j, k) to RAS mm, a question to the user with ``{sides}`` to be filled in, and notices."""
    affine = np.asarray(image.affine, dtype=np.float64)
    header = image.header
    if isinstance(header, Nifti1Header):
        affine, question = _nifti_affine(image, affine)
        unit = header.get_xyzt_units()[0]
        if unit in _UNIT_MM:
            affine = np.diag([_UNIT_MM[unit]] * 3 + [1.0]) @ affine
            return affine, question, (Notice("units", f"Its lengths are in {unit}s; they were converted to mm."),)
        return affine, question, ()
    has_own = isinstance(image, Spm99AnalyzeImage) and not np.allclose(affine, header.get_base_affine())
    if isinstance(header, AnalyzeHeader) and not has_own:
        return affine, _NO_ORIENTATION, ()
    return affine, "", ()


_NO_ORIENTATION = (
    "it does not say how it lies in the patient; columns, rows and slices are assumed to run to {sides} "
    "(L left, R right, P back, A front, S head, I feet)."
)


def _nifti_affine(image: Any, affine: Affine) -> tuple[Affine, str]:
    """The sform where there is one, else the qform: what nibabel and MONAI take."""
    header = image.header
    sform, qform = header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]
    if sform is None and qform is None:
        return affine, _NO_ORIENTATION
    if sform is None or qform is None:
        return affine, ""
    ends = np.array([(*corner, 1.0) for corner in np.ndindex(2, 2, 2)]) * [*(np.array(_spatial(image)) - 1), 1]
    moved_mm = float(np.linalg.norm(((sform - qform) @ ends.T)[:3], axis=0).max())
    if moved_mm <= _AGREE_VOXELS * float(np.linalg.norm(sform[:3, :3], axis=0).min()):
        return affine, ""
    return affine, (
        f"its sform and qform disagree by up to {moved_mm:.3g} {header.get_xyzt_units()[0].replace('unknown', 'mm')}; "
        "the sform is used (columns, rows and slices run to {sides})."
    )


def _spatial(image: Any) -> tuple[int, int, int]:
    i, j, k = (*image.shape, 1, 1)[:3]
    return int(i), int(j), int(k)
