"""Even windows are seen by the network once, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from MedAISegLib.engine import even_windows
from MedAISegLib.engine.slabs import collect
from MedAISegLib.engine.windows import Placement, score_slabs
from MedAISegLib.models.spec import Blending, Windows

pytestmark = pytest.mark.engine
CPU = torch.device("cpu")
WINDOWS = Windows((8, 8, 8), (0.5, 0.5, 0.5), Blending.GAUSSIAN)


class Seen:
    """Scores that depend on the place in the window, for each window alone; keeps the windows."""

    def __init__(self):
        self.windows = []

    def __call__(self, batch):
        self.windows += list(batch)
        ramp = torch.linspace(0.1, 1, batch.shape[-1])
        return torch.cat([batch * ramp, batch.flip(2) + ramp**2], dim=1)


def body_in_air(channels=1):
    values = torch.full((channels, 16, 20, 60), -1.0)
    values[:, 5:9, 6:14, 10:19] = torch.rand(4, 8, 9)
    return values


def run(values, batch=1):
    network = Seen()
    scores = collect(score_slabs([network], values, WINDOWS, Placement(batch, CPU, CPU), lambda _: None))
    return scores, network.windows


@pytest.fixture(params=[2**30, 0], ids=["kept", "too large to keep"])
def kept_bytes(request, monkeypatch):
    monkeypatch.setattr(even_windows, "_KEPT_BYTES", request.param)
    return request.param


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("channels", [1, 2])
def test_scores_are_the_same_to_the_last_bit(batch, channels, kept_bytes, monkeypatch):
    values = body_in_air(channels)
    scores, seen = run(values, batch)
    monkeypatch.setattr(even_windows, "value_throughout", lambda _: None)
    expected, all_windows = run(values, batch)
    assert len(seen) < len(all_windows)
    assert torch.equal(scores, expected)


def test_the_network_sees_each_even_window_once(kept_bytes):
    values = body_in_air()
    values[:, :, :, 40:] = 0.5
    _, seen = run(values)
    even = [float(window.max()) for window in seen if window.min() == window.max()]
    if kept_bytes:
        assert sorted(even) == [-1.0, 0.5]
    else:
        assert even.count(0.5) == 1


def test_one_other_voxel_makes_a_window_worth_a_look():
    values = torch.zeros(1, 8, 8, 40)
    values[0, 7, 7, 39] = 1e-6
    _, seen = run(values)
    assert [float(window.max()) for window in seen] == pytest.approx([0.0, 1e-6], abs=1e-9)


def test_a_channel_that_is_not_even_is_seen():
    values = torch.zeros(2, 8, 8, 24)
    values[1] = torch.rand(8, 8, 24)
    _, seen = run(values)
    assert len(seen) == 5
