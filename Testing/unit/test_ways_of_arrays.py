"""Networks that take a whole array: a faster way is judged on a small part of it, and recorded where it computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.backends import AUTOMATIC, Wanted, array_chooser
from MedAISegLib.engine.backends.ways import ONEDNN, PLAIN
from MedAISegLib.engine.run import segment
from MedAISegLib.models.spec import Windows
from ways_runs import clocked, spec

pytestmark = pytest.mark.engine
EDGE = 96
FORCED = Wanted.of("onednn", "auto")


class Pointwise(torch.nn.Module):
    """Class 1 above a half, by a convolution; tells the shapes that it saw and takes time for each voxel."""

    def __init__(self, clock, takes_s=1.0, kind=torch.nn.Conv3d, threshold=0.5):
        super().__init__()
        self.clock, self.takes_s = clock, takes_s
        self.layer = kind(1, 2, 1)
        self.seen = []
        with torch.no_grad():
            self.layer.weight.view(-1).copy_(torch.tensor([-1.0, 1.0]))
            self.layer.bias.copy_(torch.tensor([threshold, -threshold]))

    def forward(self, values):
        self.seen.append(tuple(values.shape[2:]))
        self.clock.now_s += self.takes_s * values.numel() / EDGE**3
        if isinstance(self.layer, torch.nn.Conv2d):
            return self.layer(values[:, :, 0])[:, :, None]
        return self.layer(values)


@pytest.fixture
def clock(monkeypatch, tmp_path):
    return clocked(monkeypatch, tmp_path)


@pytest.fixture
def other_way(monkeypatch):
    def put(network):
        monkeypatch.setattr(array_chooser, "only_direct_convolutions", lambda plain: network)

    return put


def case(box=(slice(30, 60),) * 3, edge=EDGE):
    voxels = np.zeros((edge,) * 3, dtype=np.float32)
    voxels[box] = 1.0
    return Case({"image": Volume(voxels, VolumeGeometry(voxels.shape, np.eye(4)))})


def run(network, wanted=AUTOMATIC, images=None):
    whole = spec()
    whole = replace(whole, stages=(replace(whole.stages[0], windows=Windows(None)),))
    images = images or case()
    result = segment(images, whole, [[network]], device="cpu", wanted=wanted)
    return result, np.array_equal(result.layers[0], images.first.voxels > 0.5)


def test_a_part_of_the_array_tells_which_way_is_faster_and_is_not_looked_at_again(clock, other_way):
    plain, fast = Pointwise(clock), Pointwise(clock, takes_s=0.5)
    other_way(fast)
    result, right = run(plain)
    assert (right, result.backend, result.notices) == (True, str(ONEDNN), ())
    assert plain.seen == [(48, 48, 48)]
    assert fast.seen == [(48, 48, 48), (EDGE,) * 3]
    run(plain)
    assert plain.seen == [(48, 48, 48)]


@pytest.mark.parametrize("wrong", [{"threshold": 2.0, "takes_s": 0.1}, {"takes_s": 1.0}])
def test_a_way_that_is_wrong_or_no_faster_does_not_see_the_array(clock, other_way, wrong):
    other = Pointwise(clock, **wrong)
    other_way(other)
    result, right = run(Pointwise(clock))
    assert (right, result.backend) == (True, str(PLAIN))
    assert (EDGE,) * 3 not in other.seen


def test_parts_are_looked_at_until_something_is_found_but_a_quarter_of_the_array_at_most(clock, other_way):
    blind = Pointwise(clock, threshold=2.0, takes_s=0.1)
    other_way(blind)
    plain = Pointwise(clock)
    result, right = run(plain, images=case((slice(0, 5),) * 3))
    assert (right, result.backend) == (True, str(PLAIN))
    assert blind.seen == []
    parts = plain.seen[:-1]
    assert len(parts) == 2
    assert plain.seen[-1] == (EDGE,) * 3
    assert clock.now_s <= 1.25


def test_what_cannot_do_with_less_than_all_stays_plain(clock, other_way):
    class OfOneSize(Pointwise):
        def forward(self, values):
            if values.shape[-1] != EDGE:
                raise RuntimeError("The size of tensor a must match the size of tensor b")
            return super().forward(values)

    other_way(Pointwise(clock, takes_s=0.1))
    result, right = run(OfOneSize(clock))
    assert (right, result.backend, result.notices) == (True, str(PLAIN), ())


@pytest.mark.parametrize(
    "network",
    [
        lambda clock: Pointwise(clock, kind=torch.nn.Conv2d),
        lambda _: torch.jit.script(torch.nn.Sequential(torch.nn.Conv3d(1, 2, 1))),
        lambda _: torch.nn.Sequential(torch.nn.Conv3d(1, 2, 1, padding="same")),
    ],
    ids=["flat", "compiled", "a padding that oneDNN is not told"],
)
def test_where_nothing_was_changed_the_record_says_plain_and_who_asked_otherwise_is_told(clock, network):
    images = case((slice(0, 1), slice(8, 24), slice(8, 24)), edge=32)
    images = Case({"image": replace(images.first, voxels=images.first.voxels[:1], geometry=_flat(32))})
    result, _ = run(network(clock), images=images)
    assert (result.backend, result.notices) == (str(PLAIN), ())
    result, _ = run(network(clock), FORCED, images=images)
    assert result.backend == str(PLAIN)
    assert [notice.code for notice in result.notices] == ["backend-not-taken"]


def _flat(edge):
    return VolumeGeometry((1, edge, edge), np.eye(4))


def test_real_convolutions_by_onednn_are_taken_where_they_are_asked_for(clock):
    result, right = run(Pointwise(clock), FORCED)
    assert (right, result.backend, result.notices) == (True, str(ONEDNN), ())


def test_a_way_that_was_laid_down_and_changes_labels_is_said_to(clock, other_way):
    other_way(Pointwise(clock, threshold=2.0))
    result, right = run(Pointwise(clock), FORCED)
    assert (right, result.backend) == (False, str(ONEDNN))
    assert [notice.code for notice in result.notices] == ["labels-change"]


def test_a_way_that_was_laid_down_and_could_not_be_compared_is_said_to(clock):
    result, _ = run(Pointwise(clock), FORCED, images=case((slice(0, 5),) * 3))
    assert result.backend == str(ONEDNN)
    assert [notice.code for notice in result.notices] == ["labels-not-compared"]
