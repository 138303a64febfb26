"""Preparation steps beside MONAI's transforms on the same voxels, and how far apart the two may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.prepared import Prepared
from MedAISegLib.models.operations import Operation, ReverseAxes
from MedAISegLib.models.spec import Argmax, InferenceStage, Windows
from monai.data import MetaTensor
from monai.transforms import Compose

STEP_UNIT = {"rtol": 0.0, "atol": 1e-5}
"""For what a step has normalised: 1e-5 of its unit (a standard deviation, the width of the target range) anywhere."""

RAW_VALUE = {"rtol": 1e-5, "atol": 1e-5}
"""For values in the image's own unit: each voxel to 1e-5 of itself, or of one unit (1 HU, 1 g/mL) where it is less."""


def read(path: Path) -> Volume:
    """An image file by SimpleITK, not by the readers under test elsewhere."""
    image = sitk.ReadImage(str(path), sitk.sitkFloat32)
    geometry = VolumeGeometry.from_itk(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return Volume(sitk.GetArrayFromImage(image), geometry)


def prepared(operations: Sequence[Operation], *channels: Volume) -> Prepared:
    """Channels on one grid after our steps, (channel, i, j, k)."""
    case = Case({f"channel {n}": channel for n, channel in enumerate(channels)})
    return prepare(case, InferenceStage((ReverseAxes(), *operations), Windows(), Argmax()))


def transformed(transforms: Sequence[Callable], *channels: Volume) -> MetaTensor:
    """The same channels after MONAI's transforms, (channel, i, j, k)."""
    affine = channels[0].geometry.transposed((2, 1, 0)).affine_ras
    voxels = np.stack([channel.voxels.transpose(2, 1, 0) for channel in channels]).astype(np.float32)
    return Compose(transforms)(MetaTensor(torch.from_numpy(voxels), affine=torch.from_numpy(affine.copy())))
