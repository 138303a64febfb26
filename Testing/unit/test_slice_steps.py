"""Steps that 2-D networks need, against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.engine.prepared import Prepared
from MedAISegLib.engine.slabs import Slab, SlabStream, collect
from MedAISegLib.engine.steps import carry_out
from MedAISegLib.models.operations import Interpolation, ResizeTo, ZeroOutsideBody
from scipy import ndimage

pytestmark = pytest.mark.engine


def prepared(values):
    values = torch.as_tensor(values, dtype=torch.float32)
    return Prepared(values, VolumeGeometry(tuple(values.shape[1:]), np.diag([3.0, 2.0, 1.0, 1.0])))


def restored(after, values, interpolation):
    stream = SlabStream(after.shape, 0, True, iter([Slab.of(values, 0)]))
    return collect(after.undos[0](stream, interpolation))


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("size", [(0, 24, 31), (0, 7, 9), (5, 12, 0)])
def test_resizing_equals_torchs_interpolation(size, averaged):
    before = prepared(np.random.default_rng(0).normal(size=(2, 4, 12, 15)))
    after = carry_out(ResizeTo(size, averaged=averaged), before)
    shape = tuple(wanted or now for wanted, now in zip(size, before.shape, strict=True))
    mode = {"mode": "area"} if averaged else {"mode": "trilinear", "align_corners": False}
    expected = torch.nn.functional.interpolate(before.values[None], shape, **mode)[0]
    assert after.shape == shape
    torch.testing.assert_close(after.values, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("floored", "mode"), [(False, "nearest-exact"), (True, "nearest")])
def test_labels_come_back_by_the_rule_that_the_model_names(floored, mode):
    after = carry_out(ResizeTo((0, 25, 32), floored_labels=floored), prepared(np.zeros((1, 3, 20, 20))))
    labels = torch.from_numpy(np.random.default_rng(1).integers(0, 5, (1, *after.shape)).astype(np.uint8))
    expected = torch.nn.functional.interpolate(labels[None].float(), (3, 20, 20), mode=mode)[0]
    found = restored(after, labels, Interpolation.NEAREST)
    assert found.dtype == torch.uint8
    np.testing.assert_array_equal(found, expected)


def test_resizing_keeps_the_outer_edges():
    before = prepared(np.zeros((1, 3, 20, 20)))
    after = carry_out(ResizeTo((0, 40, 10)), before)
    for corner in ([-0.5, -0.5, -0.5], [2.5, 19.5, 19.5]):
        inside = (np.array(corner) + 0.5) / before.shape * after.shape - 0.5
        np.testing.assert_allclose(after.geometry.index_to_lps(inside), before.geometry.index_to_lps(np.array(corner)))


def test_a_size_that_is_there_changes_nothing():
    before = prepared(np.zeros((1, 3, 4, 5)))
    assert carry_out(ResizeTo((0, 4, 5)), before) is before


def torso():
    """Two slices of a body with lungs, a table below it and noise; the last slice is empty."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:60, :80]
    plane = np.zeros((60, 80))
    plane[((y - 28) / 20) ** 2 + ((x - 40) / 32) ** 2 < 1] = 0.8
    for side in (27, 53):
        plane[((y - 28) / 11) ** 2 + ((x - side) / 9) ** 2 < 1] = 0.1
    plane[55:58, 5:75] = 0.7
    slices = [plane + rng.normal(0, 0.02, plane.shape), plane[:, ::-1] * 0.5, np.zeros_like(plane)]
    return np.clip(np.stack(slices), 0, 1)[None].astype(np.float32)


def body_by_scipy(plane):
    if plane.min() == plane.max():
        return np.zeros(plane.shape, dtype=bool)
    grey = ((plane - plane.min()) / (plane.max() - plane.min()) * 255).astype(np.uint8)
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    best, threshold = -1.0, 0
    for level in range(255):
        low, high = counts[: level + 1].sum(), counts[level + 1 :].sum()
        if low and high:
            means = [
                (counts[part] * np.arange(256)[part]).sum() / counts[part].sum()
                for part in (slice(0, level + 1), slice(level + 1, 256))
            ]
            between = low * high * (means[0] - means[1]) ** 2
            if between > best:
                best, threshold = between, level
    parts, _ = ndimage.label(ndimage.binary_erosion(grey > threshold), np.ones((3, 3)))
    largest = parts == 1 + np.bincount(parts.ravel())[1:].argmax()
    return ndimage.binary_fill_holes(ndimage.binary_dilation(largest))


def test_what_is_not_the_body_becomes_zero():
    values = torso()
    found = carry_out(ZeroOutsideBody(), prepared(values)).values.numpy()
    for plane, after in zip(values[0], found[0], strict=True):
        np.testing.assert_array_equal(after, plane * body_by_scipy(plane))
    lungs, table = values[0, 0, 28, 27], found[0, 0, 56, 40]
    assert found[0, 0, 28, 27] == lungs
    assert lungs != 0
    assert table == 0


def test_the_body_is_found_slice_by_slice_and_may_be_stopped():
    calls = []
    case = prepared(torso())
    carry_out(ZeroOutsideBody(), Prepared(case.values, case.geometry, poll=lambda: calls.append(1)))
    assert len(calls) == 3
