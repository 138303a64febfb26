"""nnU-Net's networks as they are run here, beside those of its own package."""

from __future__ import annotations

import weakref

import pytest
import torch
from MedAISegLib.formats.nnunet.network import build_architecture

from Testing.nnunets import architecture

pytestmark = pytest.mark.engine
unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
NETWORKS = {
    "PlainConvUNet": {},
    "ResidualEncoderUNet": {"n_blocks_per_stage": [1, 2]},
}


def both(name, dimensions):
    """Ours and the package's, with the same weights."""
    arguments = architecture(dimensions)["arch_kwargs"] | {"input_channels": 1, "num_classes": 3} | NETWORKS[name]
    if "n_blocks_per_stage" in arguments:
        del arguments["n_conv_per_stage"]
    torch.manual_seed(4)
    ours = build_architecture(name, arguments | {"deep_supervision": False}, "model").eval()
    operators = {
        "conv_op": getattr(torch.nn, f"Conv{dimensions}d"),
        "norm_op": getattr(torch.nn, f"InstanceNorm{dimensions}d"),
        "nonlin": torch.nn.LeakyReLU,
    }
    theirs = getattr(unet, name)(**(arguments | operators | {"deep_supervision": False})).eval()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_scores_and_names_of_weights_are_those_of_the_package(name, dimensions):
    ours, theirs = both(name, dimensions)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    values = torch.randn(2, 1, *[16] * dimensions)
    with torch.inference_mode():
        torch.testing.assert_close(ours(values), theirs(values), rtol=0, atol=0)


def test_what_the_encoder_found_is_let_go_of_before_the_last_layer():
    def held(network):
        """How many of the encoder's features are there when the last layer begins."""
        found, left = [], []
        for stage in network.encoder.stages:
            stage.register_forward_hook(lambda _, __, features: found.append(weakref.ref(features)))
        last = network.decoder.seg_layers[-1]
        last.register_forward_pre_hook(lambda *_: left.append(sum(one() is not None for one in found)))
        with torch.inference_mode():
            network(torch.randn(1, 1, 16, 16, 16))
        return left

    ours, theirs = both("PlainConvUNet", 3)
    assert held(theirs) == [len(theirs.encoder.stages)]
    assert held(ours) == [0]


def test_networks_with_deep_supervision_are_left_as_they_are():
    arguments = architecture(3)["arch_kwargs"] | {"input_channels": 1, "num_classes": 3, "deep_supervision": True}
    scores = build_architecture("PlainConvUNet", arguments, "model").eval()(torch.randn(1, 1, 16, 16, 16))
    assert isinstance(scores, list)
