"""Work on a whole volume piece by piece: the same numbers as at once, and a poll after each piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.engine import pieces as pieces_module
from MedAISegLib.engine.pieces import changed, contiguous, extremes, mean_and_deviation, values_at_ranks

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(pieces_module, "PIECE_VALUES", 50)


def stored(seed=0):
    """(2, 5, 6, 7) values of many sizes and both signs, some of them 0, stored in another order than their axes'."""
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(6, 2, 7, 5)) * 10.0 ** rng.integers(-20, 20, size=(6, 2, 7, 5))).astype(np.float32)
    values[::2, 0, ::3] = 0.0
    return torch.from_numpy(values).permute(1, 3, 0, 2)


class Counter:
    def __init__(self, last=10**9):
        self.calls, self.last = 0, last

    def __call__(self):
        self.calls += 1
        if self.calls > self.last:
            raise Cancelled


@pytest.mark.parametrize("nonzero", [False, True])
def test_values_at_ranks_are_those_of_a_sort(nonzero):
    values = stored()
    expected = np.sort(values[values != 0].numpy() if nonzero else values.reshape(-1).numpy())
    ranks = [0, 1, len(expected) // 3, len(expected) // 2, len(expected) - 1]

    def wanted(count):
        assert count == len(expected)
        return ranks

    found = values_at_ranks(values, wanted, nonzero=nonzero, poll=Counter())
    np.testing.assert_array_equal(np.float32(found), expected[ranks])


def test_where_no_value_counts_there_is_no_rank():
    assert values_at_ranks(torch.zeros(1, 2, 3, 4), lambda _: [0], nonzero=True, poll=Counter()) == []


def test_a_change_keeps_shape_order_and_places():
    values = stored()
    result = changed(values, lambda piece: piece * 2 + 1, Counter())
    torch.testing.assert_close(result, values * 2 + 1, rtol=0, atol=0)
    assert result.stride() == values.stride()


def test_a_view_of_a_part_is_changed_too():
    values = stored()[:, 1:4, ::2]
    torch.testing.assert_close(changed(values, lambda piece: -piece, Counter()), -values, rtol=0, atol=0)


def test_contiguous_moves_no_value():
    values = stored()
    result = contiguous(values, Counter())
    assert result.is_contiguous()
    assert torch.equal(result, values)


@pytest.mark.parametrize("nonzero", [False, True])
def test_statistics_are_those_of_the_whole(nonzero):
    values = torch.from_numpy(np.random.default_rng(1).normal(30, 4, (2, 5, 6, 7)).astype(np.float32))
    values[:, ::2] = 0.0
    counted = values[values != 0] if nonzero else values
    found = mean_and_deviation(values, nonzero=nonzero, poll=Counter())
    assert found == pytest.approx((float(counted.double().mean()), float(counted.double().std(correction=0))))
    assert extremes(values, Counter()) == (float(values.min()), float(values.max()))


@pytest.mark.parametrize(
    "work",
    [
        lambda values, poll: changed(values, torch.abs, poll),
        contiguous,
        extremes,
        lambda values, poll: values_at_ranks(values, lambda _: [0], nonzero=False, poll=poll),
        lambda values, poll: mean_and_deviation(values, nonzero=True, poll=poll),
    ],
)
def test_the_wish_to_stop_is_seen_in_the_middle(work):
    with pytest.raises(Cancelled):
        work(stored(), Counter(last=2))
