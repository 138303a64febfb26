"""How wide a bundle's network is, told from its description."""

from __future__ import annotations

from typing import Any

import pytest
from MedAISegLib.formats.monai_bundle.architecture import Architecture, NetworkPlan
from MedAISegLib.formats.monai_bundle.width import widths_of


def plan(name: str, dimensions: int = 3, **arguments: Any) -> NetworkPlan:
    return NetworkPlan(Architecture(name, arguments, "network_def"), dimensions, 1, 2, ())


SPLEEN = plan("UNet", channels=[16, 32, 64, 128, 256], strides=[2, 2, 2, 2])


@pytest.mark.parametrize(
    ("network", "width"),
    [
        (SPLEEN, 2 * 16 / 8),
        (plan("UNet", channels=[16, 32], strides=[1]), 2 * 16),
        (plan("Unet", channels=[8, 64], strides=[[1, 2, 2]]), 2 * 8 / 4),
        (plan("UNet", dimensions=2, channels=[16, 32], strides=[2]), 2 * 16 / 4),
        (plan("SegResNet", init_filters=32), 32),
        (plan("SegResNet"), 8),
        (plan("SwinUNETR", feature_size=48), 48),
    ],
)
def test_a_network_is_as_wide_as_its_finest_features_are_many(network: NetworkPlan, width: float) -> None:
    assert widths_of([network]) == (width,)


def test_of_several_networks_the_widest_counts() -> None:
    assert widths_of([SPLEEN, plan("SegResNet", init_filters=16)]) == (16,)


@pytest.mark.parametrize(
    "network",
    [
        plan("HighResNet"),
        plan("UNet", channels="@size", strides=[2]),
        plan("UNet", channels=[16, "32"], strides=[2]),
        plan("UNet", channels=[16, 32], strides=[0]),
        plan("SegResNet", init_filters=None),
        NetworkPlan(None, 3, 1, 2, ()),
    ],
)
def test_what_only_running_a_network_would_tell_is_not_guessed(network: NetworkPlan) -> None:
    assert widths_of([network]) == ()
    assert widths_of([SPLEEN, network]) == ()
