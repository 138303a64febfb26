"""A trained 2-D network of another framework, as a folder of our own layout, against its reference labels."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.core.case import Case
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.readers import read_images

from Testing.lung_network import write_lung_model

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_lung_network_gives_its_reference_labels(shared_data, tmp_path):
    source = shared_data / "models" / "lung_ct_2d"
    model = read_model(write_lung_model(source, tmp_path / "lung_ct_2d"))
    (volume,) = read_images(shared_data / "ct_chest" / "lung1_002_ct_2.5x2.5x3mm.nii.gz", accept=True)
    case = Case({"CT": volume})
    labels = segment(case, model.spec, model.build_networks(), device="cpu").layers[0]
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(source / "reference_lung1_002_lung_ct_2d.nii.gz")))
    assert dice(labels == 1, expected == 1) >= 0.98
    assert dice(labels == 2, expected == 2) >= 0.98
    assert np.mean(labels != expected) < 1e-3
