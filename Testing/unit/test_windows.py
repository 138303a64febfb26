"""The windows give what MONAI's sliding window gives, in slabs."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise, product

import pytest
import torch
from MedAISegLib.core.errors import ModelError
from MedAISegLib.engine import ring
from MedAISegLib.engine.slabs import collect
from MedAISegLib.engine.window_places import WindowPlaces, window_starts, window_weights
from MedAISegLib.engine.windows import Placement, score_slabs
from MedAISegLib.models.spec import Blending, Padding, WindowRule, Windows
from MedAISegLib.models.window_axis import leanest_axis
from monai.inferers.utils import sliding_window_inference

pytestmark = pytest.mark.engine
CPU = torch.device("cpu")


class PlaceDependent(torch.nn.Module):
    """Scores that depend on where in the window a voxel lies, so that a misplaced window shows."""

    def forward(self, batch):
        ramp = torch.linspace(0, 1, batch.shape[-1])
        return torch.cat([batch * ramp, batch.flip(2), batch**2 + ramp], dim=1)


def run(values, windows, networks=None, batch=1, reports=None):
    placement = Placement(batch=batch, compute=CPU, accumulate=CPU)
    report = (reports if reports is not None else []).append
    return score_slabs(networks or [PlaceDependent()], values, windows, placement, report)


@pytest.mark.parametrize("shape", [(17, 23, 11), (30, 9, 14), (8, 8, 8), (5, 19, 6)])
@pytest.mark.parametrize("blending", list(Blending))
@pytest.mark.parametrize("padding", [Padding.CONSTANT, Padding.REPLICATE])
@pytest.mark.parametrize("batch", [1, 3])
def test_equals_monai_for_any_shape(shape, blending, padding, batch):
    values = torch.rand(1, *shape)
    windows = Windows((8, 8, 8), (0.5, 0.25, 0.6), blending, padding=padding)
    ours = collect(run(values, windows, batch=batch))
    theirs = sliding_window_inference(
        values[None],
        (8, 8, 8),
        2,
        PlaceDependent(),
        overlap=(0.5, 0.25, 0.6),
        mode=blending.value,
        padding_mode=padding.value,
    )[0]
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_slabs_follow_each_other_along_the_longest_axis_and_never_hold_the_whole_array():
    stream = run(torch.rand(1, 9, 64, 10), Windows((8, 8, 8), (0.5, 0.5, 0.5)))
    assert stream.axis == 1
    next_start, deepest = 0, 0
    for slab in stream.slabs:
        assert slab.start == next_start
        next_start = slab.stop
        deepest = max(deepest, slab.stop - slab.start)
    assert next_start == 64
    assert deepest <= 8


def test_the_whole_array_is_one_window_without_a_size():
    values = torch.rand(1, 5, 6, 7)
    torch.testing.assert_close(collect(run(values, Windows(None))), PlaceDependent()(values[None])[0])


def test_a_wide_head_is_applied_slab_by_slab(monkeypatch):
    class Wide(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.depths = []

        def trunk(self, values):
            return values * 2

        def head(self, features):
            self.depths.append(features.shape[2])
            return torch.cat([features, -features], dim=1)

        def forward(self, values):
            return self.head(self.trunk(values))

    monkeypatch.setattr("MedAISegLib.engine.windows.WHOLE_ARRAY_SLAB_BYTES", 4 * 2 * 6 * 7 * 2)
    network, values = Wide(), torch.rand(1, 5, 6, 7)
    torch.testing.assert_close(collect(run(values, Windows(None), [network])), network(values[None])[0])
    assert max(network.depths[:-1]) == 2


def test_flips_and_members_are_averaged():
    values = torch.rand(1, 8, 8, 8)
    network = PlaceDependent()
    flipped = network(values[None].flip(4)).flip(4)
    expected = (network(values[None]) + flipped) / 2
    windows = Windows((8, 8, 8), test_time_flips=((2,),))
    torch.testing.assert_close(collect(run(values, windows)), expected[0])
    doubled = lambda batch: 3 * network(batch)
    torch.testing.assert_close(
        collect(run(values, Windows((8, 8, 8)), [network, doubled])), 2 * network(values[None])[0]
    )


def test_progress_rises_to_one():
    reports: list[float] = []
    collect(run(torch.rand(1, 20, 20, 20), Windows((8, 8, 8)), reports=reports))
    assert reports == sorted(reports)
    assert reports[-1] == 1.0


@pytest.mark.parametrize(("length", "size", "overlap"), [(8, 8, 0.5), (9, 8, 0.9), (100, 8, 0.0), (31, 10, 0.25)])
def test_windows_cover_the_axis_and_end_with_it(length, size, overlap):
    starts = window_starts(length, size, overlap)
    assert starts[0] == 0
    assert starts[-1] == length - size
    assert all(b - a <= size for a, b in pairwise(starts))


@pytest.mark.parametrize(
    ("size", "overlap", "rule"),
    [
        ((1, 1, 1), 0.0, WindowRule.MONAI),
        ((8, 8, 8), 0.99, WindowRule.MONAI),
        ((8, 8, 8), 1 - 1e-12, WindowRule.NNUNET),
    ],
)
def test_an_array_that_would_need_endlessly_many_windows_is_refused_at_once(size, overlap, rule):
    values = torch.zeros(1, 1, 1, 1).expand(1, 150, 150, 150)
    tracemalloc.start()
    with pytest.raises(ModelError, match="for 150 x 150 x 150 voxels it asks for"):
        run(values, Windows(size, (overlap,) * 3, rule=rule))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_million_windows_are_not_all_in_memory():
    shape, some = (120, 120, 120), (20, 20, 20)
    tracemalloc.start()
    places = WindowPlaces.of(shape, some, Windows(some, (0.95, 0.95, 0.95)), 0)
    assert len(places) == 101**3
    assert next(iter(places)) == (slice(0, 20), slice(0, 20), slice(0, 20))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_windows_advance_along_their_axis(axis):
    windows = Windows((4, 5, 6), (0.5, 0.5, 0.5))
    places = WindowPlaces.of((9, 3, 14), (4, 5, 6), windows, axis)
    starts = [tuple(part.start for part in box) for box in places]
    assert starts == sorted(product([0, 2, 4, 5], [0], [0, 3, 6, 8]), key=lambda place: place[axis])
    assert all(box[1] == slice(0, 3) for box in places)
    assert (places.pads, places.inside[1]) == (((0, 0), (1, 1), (0, 0)), slice(1, 4))


class ClassesInside(PlaceDependent):
    """The same scores, those of a voxel side by side in memory."""

    def forward(self, batch):
        return super().forward(batch).to(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("rule", list(WindowRule))
@pytest.mark.parametrize("at_once", [1, 50, 1 << 16])
def test_sums_do_not_depend_on_how_a_network_leaves_its_scores(rule, at_once, monkeypatch):
    windows = Windows((8, 6, 10), (0.5, 0.5, 0.5), Blending.GAUSSIAN, rule=rule)
    values = torch.rand(1, 17, 23, 8)
    plain = collect(run(values, windows))
    monkeypatch.setattr(ring, "_ADDED_AT_ONCE", at_once)
    assert torch.equal(collect(run(values, windows, [ClassesInside()])), plain)


@pytest.mark.parametrize(("shape", "axis"), [((13, 12, 40), 0), ((8, 13, 40), 1), ((5, 7, 40), 2), ((20, 12, 8), 0)])
def test_scores_are_added_up_in_the_order_of_nnunet(shape, axis):
    """Its 16-bit sums are other ones in another order."""
    size = (8, 8, 8)
    windows = Windows(size, (0.5, 0.5, 0.5), Blending.GAUSSIAN, rule=WindowRule.NNUNET)
    values = torch.rand(1, *shape)
    stream = run(values, windows)
    assert stream.axis == axis == leanest_axis(shape, size, WindowRule.NNUNET)
    sums, total = torch.zeros((3, *shape), dtype=torch.half), torch.zeros(shape, dtype=torch.half)
    weights = window_weights(size, windows)
    padded = [max(length - wanted, 0) for length, wanted in zip(size, shape, strict=True)]
    before = [length // 2 for length in padded]
    around = [
        part for first, length in reversed(list(zip(before, padded, strict=True))) for part in (first, length - first)
    ]
    network, filled = PlaceDependent(), torch.nn.functional.pad(values, around)
    starts = [window_starts(n, 8, 0.5, WindowRule.NNUNET) for n in filled.shape[1:]]
    inside = tuple(slice(first, first + min(8, n)) for first, n in zip(before, shape, strict=True))
    for place in product(*starts):
        window = filled[(slice(None), *[slice(start, start + 8) for start in place])]
        at = tuple(slice(start, min(start + 8, n)) for start, n in zip(place, shape, strict=True))
        sums[(slice(None), *at)] += (network(window[None])[0] * weights)[(slice(None), *inside)]
        total[at] += weights[inside]
    assert torch.equal(collect(stream), sums / total)
