"""Networks computed in other ways: the same scores, the same weights, the same listeners."""

from __future__ import annotations

import pytest
import torch
from MedAISegLib.engine.backends import winograd
from MedAISegLib.engine.backends.direct_convolutions import with_direct_convolutions
from MedAISegLib.engine.backends.norms_channels_last import GroupNormChannelsLast, InstanceNormChannelsLast
from MedAISegLib.engine.backends.ways import ONEDNN, PLAIN, Backend, Precision, Way, built

pytestmark = pytest.mark.engine
BF16 = Way(Backend.EAGER, Precision.BF16)


def unet(norm):
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Conv3d(2, 8, 3, padding=1),
        norm(8),
        torch.nn.PReLU(),
        torch.nn.Conv3d(8, 8, 3, stride=2, padding=1, dilation=1, groups=2, bias=False),
        torch.nn.ConvTranspose3d(8, 6, 2, stride=2),
        torch.nn.Conv3d(6, 3, 1),
    ).eval()


@pytest.mark.parametrize(
    "norm",
    [
        torch.nn.BatchNorm3d,
        lambda n: torch.nn.InstanceNorm3d(n, affine=True),
        torch.nn.InstanceNorm3d,
        lambda n: torch.nn.InstanceNorm3d(n, track_running_stats=True),
        lambda n: torch.nn.GroupNorm(2, n),
    ],
)
def test_direct_convolutions_compute_what_torch_computes(norm):
    network = unet(norm)
    values = torch.rand(3, 2, 10, 12, 14)
    direct = with_direct_convolutions(network)
    with torch.inference_mode():
        torch.testing.assert_close(direct(values), network(values), rtol=1e-4, atol=1e-5)
    assert all(a is b for a, b in zip(direct.parameters(), network.parameters(), strict=True))
    assert type(network[0]) is torch.nn.Conv3d


@pytest.mark.parametrize("depth", [3, 4, 5, 16, 17, 18, 19, 33])
@pytest.mark.parametrize("bias", [True, False])
def test_fewer_multiplications_give_the_same_sums(depth, bias, monkeypatch):
    monkeypatch.setattr(winograd, "_PAIRS_AT_ONCE", 4)
    torch.manual_seed(depth)
    network = torch.nn.Sequential(torch.nn.Conv3d(32, 40, 3, padding=1, bias=bias))
    values = torch.randn(1, 32, depth, 19, 20)
    assert winograd.suits(network[0], values)
    with torch.inference_mode():
        torch.testing.assert_close(with_direct_convolutions(network)(values), network(values), rtol=1e-4, atol=1e-5)


def test_kernels_larger_than_the_image_are_not_held_twice():
    layer = torch.nn.Conv3d(64, 64, 3, padding=1)
    assert winograd.suits(layer, torch.zeros(1, 64, 12, 12, 12))
    assert not winograd.suits(layer, torch.zeros(1, 64, 11, 12, 12))


@pytest.mark.parametrize(
    "norm",
    [
        lambda kind: kind(8, affine=True) if kind is InstanceNormChannelsLast else kind(2, 8),
        lambda kind: kind(8) if kind is InstanceNormChannelsLast else kind(8, 8, affine=False),
    ],
)
@pytest.mark.parametrize("kind", [InstanceNormChannelsLast, GroupNormChannelsLast])
@pytest.mark.parametrize("level", [0.0, 30.0])
def test_norms_of_many_voxels_are_exact_with_channels_last(norm, kind, level):
    torch.manual_seed(7)
    layer = norm(kind)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    values = torch.randn(1, 8, 64, 63, 65) + level
    last = values.contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        found = layer(last)
        expected = type(layer).__bases__[0].forward(layer.double(), values.double())
    assert found.is_contiguous(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("layer", [InstanceNormChannelsLast(3), GroupNormChannelsLast(1, 3)])
@pytest.mark.parametrize("count", [1, 2])
def test_norms_of_the_usual_layout_and_of_batches_are_left_to_torch(layer, count):
    values = torch.randn(count, 3, 4, 5, 6)
    torch.testing.assert_close(layer(values), type(layer).__bases__[0].forward(layer, values))


def test_who_listens_to_a_layer_hears_of_it_in_every_way():
    network, heard = unet(torch.nn.BatchNorm3d), []
    network[0].register_forward_hook(lambda *_: heard.append("before"))
    direct = with_direct_convolutions(network)
    network[0].register_forward_hook(lambda *_: heard.append("after"))
    direct(torch.rand(1, 2, 8, 8, 8))
    assert heard == ["before", "after"]


def test_paddings_that_onednn_does_not_know_are_left_to_torch():
    network = torch.nn.Sequential(
        torch.nn.Conv3d(1, 4, 3, padding="same"),
        torch.nn.Conv3d(4, 4, 3, padding=1, padding_mode="replicate"),
        torch.nn.Conv3d(4, 2, 1),
    )
    values = torch.rand(1, 1, 6, 7, 8)
    with torch.inference_mode():
        torch.testing.assert_close(with_direct_convolutions(network)(values), network(values))
        assert with_direct_convolutions(network[:2]) is None


def test_networks_that_cannot_be_looked_into_stay_plain():
    scripted = torch.jit.trace(unet(torch.nn.BatchNorm3d), torch.rand(1, 2, 8, 8, 8))
    assert built(scripted, ONEDNN) is None
    assert built(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1)), ONEDNN) is None
    assert built(scripted, PLAIN) is scripted


def test_16_bits_give_scores_of_32():
    network = unet(torch.nn.BatchNorm3d)
    values = torch.rand(1, 2, 8, 8, 8)
    with torch.inference_mode():
        scores = built(network, BF16)(values)
        assert scores.dtype is torch.float32
        torch.testing.assert_close(scores, network(values), rtol=0.1, atol=0.05)
