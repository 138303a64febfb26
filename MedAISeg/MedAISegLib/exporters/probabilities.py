"""Maps of probabilities as one 4-D NIfTI file, written where it lies as the parts come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from ..core.disk import os_errors_explained
from ..core.geometry import VolumeGeometry
from ..core.progress import Poll, never
from .nifti import set_frame

_OFFSET = 352
_DTYPE = np.dtype("<f4")
_PIECE_VALUES = 2**20


@dataclass(frozen=True)
class ProbabilityClass:
    """What a map is the probability of.

    Attributes:
        label_value: of the segment, 0 where it is none, as for the background.
        certain_outside: it has probability 1 where the model did not look.
    """

    name: str
    label_value: int
    certain_outside: bool = False


class ProbabilityFile:
    """Probabilities (i, j, k, class) in 32 bits, uncompressed, and ``NAME.json`` beside it that names the classes.

    Values are written through a memory map, so that memory does not grow with the number of classes; the disk's space
    is taken beforehand.
    """

    def __init__(
        self, path: Path, geometry: VolumeGeometry, classes: Sequence[ProbabilityClass], poll: Poll = never
    ) -> None:
        self._path, self._geometry, self._classes, self._poll = path, geometry, list(classes), poll
        self._values: Any = None

    def put(self, start: tuple[int, int, int], values: NDArray[Any]) -> None:
        """(class, k, j, i) of a box of the grid that begins at ``start``.

        Raises:
            ResourceError: if the disk is full.
            Cancelled: if ``poll`` raises it.
        """
        if self._values is None:
            self._create(len(values))
        k, j, i = (slice(first, first + n) for first, n in zip(start, values.shape[1:], strict=True))
        self._values[:, k, j, i] = values
        self._poll()

    def clear(self, start: tuple[int, int, int], plane: NDArray[np.bool_]) -> None:
        """Nothing was looked at where ``plane`` (j, i) is true, in the slice that begins at ``start``."""
        if self._values is None or not plane.any():
            return
        k, j, i = start
        for values, fill in zip(self._values, self._fills(len(self._values)), strict=True):
            values[k, j : j + plane.shape[0], i : i + plane.shape[1]][plane] = fill

    def finish(self) -> tuple[Path, Path]:
        """The files, complete."""
        if self._values is None:
            self._create(len(self._classes))
        self._values.flush()
        count = len(self._values)
        self._values = None
        named = [
            {"index": n, "name": known.name, "label_value": known.label_value}
            for n, known in enumerate(self._classes[:count])
        ]
        named += [{"index": n, "name": f"class {n}", "label_value": 0} for n in range(len(named), count)]
        beside = self._path.with_suffix(".json")
        with os_errors_explained(beside):
            text = json.dumps({"image": self._path.name, "classes": named}, indent=2, ensure_ascii=False)
            beside.write_text(text + "\n", encoding="utf-8")
        return self._path, beside

    def _fills(self, count: int) -> list[float]:
        known = [1.0 if each.certain_outside else 0.0 for each in self._classes[:count]]
        return known + [0.0] * (count - len(known))

    def _create(self, count: int) -> None:
        shape = self._geometry.shape_kji
        header = nib.Nifti1Header()
        header.set_data_shape((*reversed(shape), count))
        header.set_data_dtype(_DTYPE)
        header.set_zooms((*reversed([float(mm) for mm in self._geometry.spacing_mm]), 1.0))
        header.set_xyzt_units("mm")
        header["vox_offset"] = _OFFSET
        set_frame(header, self._geometry)
        voxels = int(np.prod(shape))
        with os_errors_explained(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("wb") as file:
                header.write_to(file)
                for fill in self._fills(count):
                    piece = np.full(min(_PIECE_VALUES, voxels), fill, dtype=_DTYPE)
                    for first in range(0, voxels, _PIECE_VALUES):
                        file.write(piece[: voxels - first].tobytes())
                        self._poll()
            self._values = np.memmap(self._path, _DTYPE, "r+", _OFFSET, (count, *shape))
