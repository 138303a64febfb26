"""A box is decided by few classes, and has the labels that interpolating all of them gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.engine.deciding import decider
from MedAISegLib.engine.resampling import resample_stream
from MedAISegLib.engine.slabs import Patch, Slab, SlabStream, tiles, whole_box
from MedAISegLib.models.operations import Interpolation
from MedAISegLib.models.spec import Argmax, Decision, Regions, Threshold

pytestmark = pytest.mark.engine
CLASSES = 9
FINE = (22, 26, 30)
DECISIONS = (
    Argmax(),
    Argmax(tuple(range(300, 300 + CLASSES))),
    Threshold(tuple(range(1, 10))),
    Regions((*range(1, 10),)),
)


def structures(sharpness: float) -> torch.Tensor:
    """(class, 11, 13, 15) scores of a few blobs, one above the other only at their borders."""
    random = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in (11, 13, 15)], indexing="ij"), axis=-1)
    centres = random.uniform(0, (11, 13, 15), size=(CLASSES, 3))
    distances = np.linalg.norm(grid[None] - centres[:, None, None, None], axis=-1)
    return torch.from_numpy(-sharpness * distances).float()


def near_ties() -> torch.Tensor:
    return torch.randn(CLASSES, 11, 13, 15, generator=torch.Generator().manual_seed(0)) * 1e-3


def whole_numbers() -> torch.Tensor:
    """Exact ties everywhere, and a slab in which all classes are 0."""
    scores = torch.randint(0, 3, (CLASSES, 11, 13, 15), generator=torch.Generator().manual_seed(0)).float()
    scores[:, 4:] = 0.0
    return scores


SCORES = {
    "sharp": structures(8.0),
    "soft": structures(0.3),
    "probabilities": torch.softmax(structures(3.0), dim=0),
    "near ties": near_ties(),
    "ties": whole_numbers(),
}


def upon(scores: torch.Tensor, dtype: torch.dtype) -> tuple[Slab, SlabStream]:
    """The only slab of the scores on a grid twice as fine."""
    source = SlabStream((11, 13, 15), 0, True, iter([Slab.of(scores, 0)]))
    mapping = np.diag([0.5, 0.5, 0.5, 1.0])
    stream = resample_stream(source, mapping, FINE, Interpolation.LINEAR).rounded(dtype)
    return next(stream.slabs), stream


def expected(values: torch.Tensor, decision: Decision) -> torch.Tensor:
    if isinstance(decision, Argmax):
        winner = torch.from_numpy(values.numpy().argmax(axis=0))
        return (torch.tensor(decision.labels)[winner] if decision.labels else winner)[None]
    labels = torch.tensor(decision.labels).view(-1, 1, 1, 1)
    if isinstance(decision, Threshold):
        return (values >= decision.threshold) * labels
    painted = torch.zeros(values.shape[1:], dtype=torch.int64)
    for where, label in zip(values > decision.threshold, decision.labels, strict=True):
        painted[where] = label
    return painted[None]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: type(decision).__name__)
@pytest.mark.parametrize("kind", SCORES)
def test_labels_are_those_of_all_classes_interpolated(
    kind: str, decision: Decision, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("MedAISegLib.engine.slabs._TILE_EDGE", 13)
    slab, _ = upon(SCORES[kind], dtype)
    decide, whole = decider(decision), whole_box(FINE)
    wanted = expected(slab.read(whole).values().float(), decision)
    assert len(wanted.unique()) > 1 or isinstance(decision, (Threshold, Regions))
    for tile in tiles(whole, CLASSES, torch.device("cpu")):
        found = decide(slab.read(tile)).to(torch.int64)
        assert torch.equal(found.expand_as(wanted[(slice(None), *tile)]), wanted[(slice(None), *tile)])


def test_what_is_clear_is_not_interpolated() -> None:
    corners = torch.zeros(4, 3, 3, 3)
    corners[2] = 0.9
    corners[3, 0] = 0.5

    def never_asked(_: torch.Tensor) -> torch.Tensor:
        raise AssertionError("interpolated")

    for decision in (Argmax(), Threshold((1, 2, 3, 4), 0.6), Regions((1, 2, 3, 4), 0.6)):
        assert decider(decision)(Patch(corners, never_asked)).shape[1:] == (1, 1, 1)


def test_only_classes_in_doubt_are_interpolated() -> None:
    corners = torch.zeros(5, 3, 3, 3)
    corners[1], corners[1, 0] = 0.9, 0.1
    corners[4], corners[4, 0] = 0.1, 0.8
    asked = []

    def noted(chosen: torch.Tensor) -> torch.Tensor:
        asked.append(len(chosen))
        return chosen

    labels = decider(Argmax())(Patch(corners, noted))
    assert asked == [2]
    assert labels[0, 0, 0, 0] == 4
    assert labels[0, 2, 0, 0] == 1


def test_more_classes_than_a_byte_counts_and_the_first_of_equal_ones_wins() -> None:
    corners = torch.randint(0, 5, (700, 4, 5, 6), generator=torch.Generator().manual_seed(0)).float()
    corners[650:, 0] += 5
    labels = decider(Argmax(labels=(0, *range(1300, 1999))))(Patch(corners))
    winner = torch.from_numpy(corners.numpy().argmax(axis=0))
    assert torch.equal(labels[0].long(), torch.where(winner > 0, winner + 1299, 0))


def test_scores_that_are_no_numbers_leave_the_rest_as_it_is() -> None:
    corners = torch.rand(3, 2, 2, 2)
    corners[1, 0, 0, 0] = float("nan")
    labels = decider(Argmax())(Patch(corners))
    rest = torch.ones(2, 2, 2, dtype=torch.bool)
    rest[0, 0, 0] = False
    assert torch.equal(labels[0][rest].long(), corners.argmax(dim=0)[rest])
