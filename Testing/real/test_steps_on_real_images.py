"""Every preparation step equals MONAI's transform of the same meaning to 1e-5 on real CT and MR."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.run import prepare
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import Argmax, InferenceStage, Windows
from monai import transforms as mt
from monai.data import MetaTensor

pytestmark = pytest.mark.engine

IMAGES = {
    "CT": "ct_spleen/spleen_2_crop_ct.nii.gz",
    "MR": "ct_totalsegmentator/images/example_mr_sm.nii.gz",
    "anisotropic MR": "spine_mr/t2s/t2s.nii.gz",
    "oblique CT": "nifti_quirks/CT_pitch.nii.gz",
}
CHAINS = {
    "orient": ([op.Orient("RAS")], [mt.Orientation("RAS")]),
    "resample": ([op.Resample((1.5, 1.5, 2.0))], [mt.Spacing((1.5, 1.5, 2.0))]),
    "resample nearest": (
        [op.Resample((1.7, 2.3, 2.9), op.Interpolation.NEAREST)],
        [mt.Spacing((1.7, 2.3, 2.9), mode="nearest")],
    ),
    "crop": ([op.CropForeground(100.0)], [mt.CropForeground(lambda x: x > 100.0, allow_smaller=True)]),
    "pad": ([op.PadToMultiple((16, 16, 16))], [mt.DivisiblePad(16)]),
    "pad to size": ([op.PadToSize((260, 250, 90))], [mt.SpatialPad((260, 250, 90))]),
    "clip": (
        [op.Clip(-100.0, 200.0)],
        [mt.ThresholdIntensity(200.0, above=False, cval=200.0), mt.ThresholdIntensity(-100.0, above=True, cval=-100.0)],
    ),
    "range": ([op.ScaleRange(-57, 164, 0, 1, clip=True)], [mt.ScaleIntensityRange(-57, 164, 0, 1, clip=True)]),
    "min-max": ([op.MinMax(-1, 1)], [mt.ScaleIntensity(-1, 1)]),
    "z-score": ([op.ZScore()], [mt.NormalizeIntensity()]),
    "z-score non-zero": ([op.ZScore(nonzero=True)], [mt.NormalizeIntensity(nonzero=True)]),
    "percentiles": (
        [op.ScalePercentiles(2, 98, 0, 1, clip=True)],
        [mt.ScaleIntensityRangePercentiles(2, 98, 0, 1, clip=True)],
    ),
    "whole chain": (
        [op.Orient("RAS"), op.Resample((3.0, 3.0, 3.0)), op.ZScore(), op.MinMax(-1, 1)],
        [
            mt.Orientation("RAS"),
            mt.Spacing((3.0, 3.0, 3.0)),
            mt.NormalizeIntensity(),
            mt.ScaleIntensity(-1, 1),
        ],
    ),
}


def read(path):
    image = sitk.ReadImage(str(path), sitk.sitkFloat32)
    geometry = VolumeGeometry.from_itk(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return Volume(sitk.GetArrayFromImage(image), geometry)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("chain", CHAINS)
def test_a_step_equals_monai(shared_data, name, chain):
    operations, transforms = CHAINS[chain]
    volume = read(shared_data / IMAGES[name])
    stage = InferenceStage((op.ReverseAxes(), *operations), Windows(), Argmax())
    ours = prepare(Case({"image": volume}), stage)
    affine = volume.geometry.transposed((2, 1, 0)).affine_ras
    voxels = torch.from_numpy(np.ascontiguousarray(volume.voxels.transpose(2, 1, 0)))[None]
    theirs = mt.Compose(transforms)(MetaTensor(voxels, affine=torch.from_numpy(affine.copy())))
    assert ours.shape == tuple(theirs.shape[1:])
    np.testing.assert_allclose(ours.geometry.affine_ras, theirs.affine.numpy(), atol=1e-5)
    scale = max(1.0, float(theirs.abs().max()))
    assert float((ours.values - theirs.as_tensor()).abs().max()) <= 1e-5 * scale
