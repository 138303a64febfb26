"""MeshNet in slabs and in place gives what plain convolutions give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import CancelToken, Progress, RunStage
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.formats.meshnet import network as meshnet
from MedAISegLib.formats.meshnet.architecture import Nonlinearity
from MedAISegLib.formats.meshnet.network import LayerWeights, MeshNet
from MedAISegLib.models.operations import Conform, MinMax
from meshnets import CLASSES, WIDTH, description, random_state, write_model

pytestmark = pytest.mark.engine

SIZE = 24
ACTIVATIONS = {
    Nonlinearity.RELU: torch.relu,
    Nonlinearity.ELU: torch.nn.functional.elu,
    Nonlinearity.GELU: torch.nn.functional.gelu,
}


def layers(dilations, seed=0, bias=True):
    tensors = list(random_state(bias=bias, seed=seed, dilations=dilations).items())
    biases = {name.removesuffix("bias"): tensor for name, tensor in tensors if name.endswith("bias")}
    weights = [(name.removesuffix("weight"), tensor) for name, tensor in tensors if name.endswith("weight")]
    return [
        LayerWeights(tensor, biases.get(name), dilation)
        for (name, tensor), dilation in zip(weights, (*dilations, 1), strict=True)
    ]


def plain(values, all_layers, nonlinearity, normalised):
    for layer in all_layers[:-1]:
        d = layer.dilation
        values = torch.nn.functional.conv3d(values, layer.weight, layer.bias, padding=d, dilation=d)
        if normalised:
            values = torch.nn.functional.instance_norm(values)
        values = ACTIVATIONS[nonlinearity](values)
    return torch.nn.functional.conv3d(values, all_layers[-1].weight, all_layers[-1].bias)


@pytest.mark.parametrize("slices", [1, 3, 7, 100])
@pytest.mark.parametrize("dilations", [(1, 2, 4, 2, 1), (16, 8), (1,)])
@pytest.mark.parametrize("nonlinearity", list(Nonlinearity))
@pytest.mark.parametrize("normalised", [False, True])
def test_slabs_of_any_depth_give_what_plain_convolutions_give(monkeypatch, slices, dilations, nonlinearity, normalised):
    shape = (13, 9, 11)
    monkeypatch.setattr(meshnet, "SLAB_ELEMENTS", slices * WIDTH * shape[1] * shape[2])
    values = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(5))
    before = values.clone()
    all_layers = layers(dilations, bias=not normalised)
    with torch.inference_mode():
        ours = MeshNet(all_layers, nonlinearity, normalised=normalised)(values)
        theirs = plain(values, all_layers, nonlinearity, normalised)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert torch.equal(values, before)


def test_a_network_that_is_one_channel_wide_leaves_its_input_alone():
    one = LayerWeights(torch.ones(1, 1, 3, 3, 3), None, 1)
    head = LayerWeights(torch.ones(2, 1, 1, 1, 1), None, 1)
    values = torch.rand(1, 1, 6, 5, 4)
    before = values.clone()
    with torch.inference_mode():
        MeshNet([one, one, head], Nonlinearity.RELU, normalised=False)(values)
    assert torch.equal(values, before)


def small_spec(source):
    """The model on a grid small enough for a unit test."""
    stage = replace(source.spec.stages[0], preprocessing=(Conform(SIZE, 1.0, "LIA"), MinMax()))
    return replace(source.spec, stages=(stage,))


def labels(folder, volume, progress=None):
    source = read_model(folder)
    networks = source.build_networks()
    return segment(Case({"T1": volume}), small_spec(source), networks, device="cpu", progress=progress).layers[0]


def head_like(geometry):
    """A smooth, lopsided thing about (1, -2, 3) mm."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape_kji], indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(geometry.index_to_lps(index) - [1.0, -2.0, 3.0], -1, 0)
    values = 900 * np.exp(-(x**2 + (1.2 * y) ** 2 + (z - 0.3 * x) ** 2) / 40) * (1 + 0.3 * np.sin(x / 2 + 1))
    return Volume(values.astype(np.float32), geometry, "MR")


def centred(directions, spacing_mm, shape):
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(directions) @ np.diag(spacing_mm)
    affine[:3, 3] = np.array([1.0, -2.0, 3.0]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return VolumeGeometry(shape, affine)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(False, True, False), (True, True, True)])
def test_the_order_of_storage_does_not_change_the_labels(tmp_path, order, flips):
    folder = write_model(tmp_path / "net")
    volume = head_like(centred(np.eye(3), (1.5, 0.8, 1.1), (15, 26, 20)))
    expected = labels(folder, volume)
    assert len(np.unique(expected)) >= 3
    axes = [axis for axis, flip in enumerate(flips) if flip]

    def stored(array):
        return np.flip(array.transpose(order), axes)

    turned = Volume(stored(volume.voxels), volume.geometry.transposed(order).flipped(flips), "MR")
    np.testing.assert_array_equal(labels(folder, turned), stored(expected))


def test_an_oblique_scan_gets_the_same_labels_in_the_patient(tmp_path):
    folder = write_model(tmp_path / "net")
    straight = head_like(centred(np.eye(3), (0.8, 0.8, 0.8), (30, 30, 30)))
    angle = np.deg2rad(25)
    c, s = np.cos(angle), np.sin(angle)
    oblique = head_like(centred([[c, -s, 0], [0.6 * s, 0.6 * c, -0.8], [0.8 * s, 0.8 * c, 0.6]], (0.8,) * 3, (30,) * 3))
    expected, found = labels(folder, straight), labels(folder, oblique)
    index = np.argwhere(np.ones(found.shape, bool))
    there = np.rint(straight.geometry.lps_to_index(oblique.geometry.index_to_lps(index))).astype(int)
    inside = ((there >= 0) & (there < 30)).all(axis=1)
    same = expected[tuple(there[inside].T)] == found[tuple(index[inside].T)]
    assert len(np.unique(expected)) >= 3
    assert same.mean() > 0.9


@pytest.mark.parametrize(("axis", "side_lps"), [(0, (1, 0, 0)), (1, (0, 0, -1)), (2, (0, -1, 0))])
def test_the_network_sees_left_down_forward(tmp_path, axis, side_lps):
    """Class 1 wins where values rise along one of the network's axes."""
    rises = torch.zeros(1, 1, 3, 3, 3)
    for place, sign in ((0, -1.0), (2, 1.0)):
        at = [1, 1, 1]
        at[axis] = place
        rises[(0, 0, *at)] = sign
    state = {
        "model.0.weight": rises,
        "model.0.bias": torch.zeros(1),
        "model.2.weight": torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1, 1),
        "model.2.bias": torch.tensor([1e-3, 0.0]),
    }
    maps = {"colormap.json": {"R": [0, 1], "G": [0, 1], "B": [0, 1], "labels": ["background", "rising"]}}
    content = description(classes=2, dilations=(1,))
    folder = write_model(tmp_path / "net", content=content, state=state, maps=maps)
    geometry = centred(np.eye(3)[:, [2, 0, 1]], (1.0, 1.0, 1.0), (SIZE,) * 3)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape_kji], indexing="ij"), axis=-1)
    up = geometry.index_to_lps(index) @ np.array(side_lps, float)
    middle = (slice(3, -3),) * 3
    assert (labels(folder, Volume(up.astype(np.float32), geometry, "MR"))[middle] == 1).all()
    assert (labels(folder, Volume(-up.astype(np.float32), geometry, "MR"))[middle] == 0).all()


def test_a_run_is_cancelled_between_the_slabs_of_one_layer(tmp_path, monkeypatch):
    monkeypatch.setattr(meshnet, "SLAB_ELEMENTS", 1)
    folder = write_model(tmp_path / "net")
    token, calls = CancelToken(), []

    def count(*_):
        calls.append(1)
        if len(calls) == 10:
            token.cancel()

    monkeypatch.setattr(torch.nn.ReLU, "forward", lambda _, values: count() or values.clamp_(min=0))
    with pytest.raises(Cancelled):
        labels(folder, head_like(centred(np.eye(3), (1, 1, 1), (20, 20, 20))), Progress(cancel=token))
    assert len(calls) == 10


def test_progress_rises_with_the_layers(tmp_path):
    events = []
    labels(write_model(tmp_path / "net"), head_like(centred(np.eye(3), (1, 1, 1), (9, 9, 9))), Progress(events.append))
    fractions = {event.fraction for event in events if event.stage is RunStage.INFER}
    assert len(fractions) >= CLASSES
