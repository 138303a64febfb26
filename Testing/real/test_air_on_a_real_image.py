"""A CT's own air: windows of it are left out without a label's changing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.engine.air_record import AirRecord
from MedAISegLib.engine.run import segment
from MedAISegLib.models.spec import Argmax, Blending, Channel, InferenceStage, ModelSpec, Windows
from MedAISegLib.readers import read_images

pytestmark = pytest.mark.engine

WINDOWS = Windows((32, 32, 32), (0.5, 0.5, 0.5), Blending.GAUSSIAN)
SPEC = ModelSpec(
    "tissue",
    "tissue",
    "test",
    (Channel("CT", "CT", "HU"),),
    (InferenceStage((), WINDOWS, Argmax()),),
    (),
    sha256="tissue",
)


class SmoothTissue(torch.nn.Module):
    """What has more than -300 HU on the mean of 5 voxels a side."""

    def forward(self, batch):
        mean = torch.nn.functional.avg_pool3d(batch, 5, stride=1, padding=2, count_include_pad=False)
        return torch.cat([-300.0 - mean, mean + 300.0], dim=1)


def test_labels_stay_as_they_are(shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    (whole,) = read_images(shared_data / "ct_chest" / "lung1_002_ct_2.5x2.5x3mm.nii.gz")
    # A part of the slices takes less time.
    volume = replace(
        whole, voxels=whole.voxels[:50], geometry=VolumeGeometry((50, 200, 200), whole.geometry.affine_lps)
    )

    def found(spec=SPEC):
        return segment(Case({"CT": volume}), spec, [[SmoothTissue()]], device="cpu")

    record = AirRecord("tissue", 0, WINDOWS)
    first = found()
    assert first.windows.air == 0
    for number in range(19):
        record.add(f"image {number}")
    later, plain = found(), found(replace(SPEC, sha256=""))
    assert later.windows.air > 0.1 * later.windows.all
    assert np.array_equal(later.layers, plain.layers)
    assert np.count_nonzero(plain.layers) > 200_000
