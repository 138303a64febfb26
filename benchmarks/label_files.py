"""Labels as the file that a reference's command leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
from numpy.typing import NDArray


def write_labels(labels: NDArray[Any], image: Path, output: Path) -> None:
    """(k, j, i) labels as ``case.nii.gz`` in a folder, on the grid of an image file."""
    output.mkdir(exist_ok=True)
    written = nibabel.Nifti1Image(labels.transpose(2, 1, 0), nibabel.load(image).affine)
    nibabel.save(written, output / "case.nii.gz")
