"""NIfTI label maps with the meaning of their labels beside them."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any, BinaryIO, cast

import nibabel as nib
import numpy as np
from nibabel.openers import Opener
from numpy.typing import NDArray

from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.records import to_json
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from .atomic import atomic_paths
from .tables import segment_table
from .written import Written

_SCANNER_FRAME = 1
_PIECE_BYTES = 1 << 22


def write_nifti(
    segmentation: Segmentation, result: JobResult, path: Path, *, overwrite: bool = False, poll: Poll = never
) -> Written:
    """A label map (i, j, k), or (i, j, k, layer) where there are several layers, and ``NAME.json`` beside it.

    The sform holds the grid exactly, a shear included; the qform, which cannot hold a shear, says so by its code 0.

    Raises:
        UsageError: if a file is there and may not be overwritten.
        ResourceError: if they cannot be written.
        Cancelled: if the user stopped it.
    """
    geometry = segmentation.geometry
    labels = segmentation.layers.transpose(3, 2, 1, 0)
    image = nib.Nifti1Image(labels[..., 0] if labels.shape[-1] == 1 else labels, _affine_ijk_ras(geometry))
    image.header.set_xyzt_units("mm")
    image.header.set_intent("label")
    set_frame(image.header, geometry)
    notices: list[Notice] = []
    if not geometry.is_rectilinear():
        notices.append(
            Notice(
                "nifti-shear",
                "The NIfTI file keeps the image's tilt in its sform; software built on ITK does not read such a file.",
            )
        )
    if segmentation.layers.shape[0] > 1:
        notices.append(
            Notice(
                "nifti-layers",
                f"The segments overlap: the NIfTI file is 4-D, with {segmentation.layers.shape[0]} layers.",
            )
        )
    description_path = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    with atomic_paths([path, description_path], overwrite=overwrite) as (image_file, description_file):
        _save(image, image_file, poll)
        text = json.dumps(_description(segmentation, result, path.name), indent=2, ensure_ascii=False)
        description_file.write_text(text + "\n", encoding="utf-8")
    return Written((path, description_path), tuple(notices))


def set_frame(header: nib.Nifti1Header, geometry: VolumeGeometry) -> None:
    """Write the grid into a header: as sform exactly, as qform where that can hold it."""
    header.set_sform(_affine_ijk_ras(geometry), code=_SCANNER_FRAME)
    if geometry.is_rectilinear():
        header.set_qform(_affine_ijk_ras(geometry), code=_SCANNER_FRAME)
    else:
        header.set_qform(None, code=0)


class _Polled(io.RawIOBase):
    """A stream to write to, a piece at a time."""

    def __init__(self, stream: BinaryIO, poll: Poll) -> None:
        self._stream, self._poll = stream, poll

    def write(self, data: Any) -> int:
        view = memoryview(data)
        for start in range(0, len(view), _PIECE_BYTES):
            self._poll()
            self._stream.write(view[start : start + _PIECE_BYTES])
        return len(view)

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)


def _save(image: nib.Nifti1Image, path: Path, poll: Poll) -> None:
    """What ``nibabel.save`` does in one call, which for a large image takes too long to be stopped."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            # Without time and name, so that equal labels give equal files.
            with gzip.GzipFile("", "wb", Opener.default_compresslevel, file, mtime=0) as stream:
                image.to_stream(_Polled(cast("BinaryIO", stream), poll))
        else:
            image.to_stream(_Polled(file, poll))


def _affine_ijk_ras(geometry: VolumeGeometry) -> NDArray[np.float64]:
    """4x4, (i, j, k) to RAS mm, as NIfTI has it."""
    return np.asarray(geometry.affine_ras[:, [2, 1, 0, 3]])


def _description(segmentation: Segmentation, result: JobResult, image_name: str) -> dict[str, Any]:
    """What each label of the image means, and what made it."""
    rows = {row["name"]: row for row in segment_table(result)}
    labels = [
        {"value": s.label_value, "name": s.name, "layer": s.layer, "color_rgb": s.color_rgb}
        | {"terminology": to_json(s.terminology), "statistics": rows.get(s.name)}
        for s in segmentation.segments
    ]
    return {"image": image_name, "labels": to_json(labels), "provenance": to_json(result.provenance)}
