"""Models and prepared images that are kept for the next run: which, for how long, and that no label depends on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import Progress
from MedAISegLib.core.volume import Volume
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows

torch = pytest.importorskip("torch")
warm_models = pytest.importorskip("MedAISegLib.app.warm_models")
formats = pytest.importorskip("MedAISegLib.formats")
engine = pytest.importorskip("MedAISegLib.engine.run")
preparation = pytest.importorskip("MedAISegLib.engine.preparation")
again = pytest.importorskip("MedAISegLib.engine.prepared_again")

pytestmark = pytest.mark.engine

STAGE = InferenceStage((op.ReverseAxes(), op.Orient("RAS"), op.ZScore()), Windows((8, 8, 8)), Argmax())
SPEC = ModelSpec("m", "m", "test", (Channel("image"),), (STAGE,), (SegmentSpec(1, "thing"),))
WEIGHTS = 4 * 1000
"""Bytes of a model of these tests."""


class Sources:
    """Models by their hash, and which have been loaded, in order."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, sha256: str) -> Any:
        def build() -> Any:
            self.loaded.append(sha256)
            return ((torch.nn.Linear(1000, 1, bias=False),),)

        return formats.ModelSource(replace(SPEC, sha256=sha256), build)


def loads(most_bytes: int | None, wanted: str) -> str:
    """Which of the models, named by a letter each, are loaded when they are asked for one after the other."""
    sources, kept = Sources(), warm_models.WarmModels(most_bytes)
    for name in wanted:
        assert kept.get(sources(name), Progress()).spec.sha256 == name
    return "".join(sources.loaded)


@pytest.mark.parametrize(
    ("most_bytes", "wanted", "loaded"),
    [
        (None, "aaabab", "ab"),
        (None, "abcb", "abc"),
        (None, "abca", "abca"),
        (2 * WEIGHTS, "abab", "ab"),
        (2 * WEIGHTS - 1, "abab", "abab"),
        (0, "aab", "ab"),
    ],
    ids=["two stay", "the last two stay", "the first goes", "both fit", "one fits", "the last stays at any size"],
)
def test_models_stay_within_the_budget_and_the_one_used_longest_ago_goes(
    most_bytes: int | None, wanted: str, loaded: str
) -> None:
    assert loads(most_bytes, wanted) == loaded


class AboveZero(torch.nn.Module):  # type: ignore[misc,name-defined]
    def forward(self, batch: Any) -> Any:
        return torch.cat([-batch, batch], dim=1)


def case(seed: int = 0, spacing_mm: float = 2.0) -> Case:
    voxels = np.random.default_rng(seed).normal(size=(12, 16, 20)).astype(np.float32)
    affine = np.array([[0, 0, -0.8, 3], [0, 1.1, 0, 4], [spacing_mm, 0, 0, -5], [0, 0, 0, 1]])
    return Case({"image": Volume(voxels, VolumeGeometry((12, 16, 20), affine))})


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    """The cases that have been prepared anew."""
    seen: list[Case] = []
    stacked = preparation.stacked
    monkeypatch.setattr(preparation, "stacked", lambda given, *rest: seen.append(given) or stacked(given, *rest))
    return seen


def labels(given: Case, stage: InferenceStage = STAGE) -> np.ndarray:
    spec = replace(SPEC, stages=(stage,))
    return np.asarray(engine.segment(given, spec, ((AboveZero(),),), device="cpu").layers)


def test_a_run_on_the_same_image_takes_what_is_prepared_and_finds_the_same(prepared: list[Case]) -> None:
    expected = labels(case())
    with again.reusing(again.KeptPreparations()):
        runs = [labels(case()) for _ in range(3)]
    assert len(prepared) == 2
    assert all(np.array_equal(run, expected) for run in runs)


@pytest.mark.parametrize(
    "other",
    [
        (case(seed=1), STAGE),
        (case(spacing_mm=2.1), STAGE),
        (case(), replace(STAGE, preprocessing=(op.ReverseAxes(), op.Orient("LPS"), op.ZScore()))),
    ],
    ids=["voxels", "grid", "operations"],
)
def test_another_image_or_preparation_is_prepared_anew(prepared: list[Case], other: Any) -> None:
    expected = labels(*other)
    with again.reusing(again.KeptPreparations()):
        labels(case())
        found = labels(*other)
    assert len(prepared) == 3
    np.testing.assert_array_equal(found, expected)


def test_no_more_is_kept_than_allowed_and_nothing_after_the_block(prepared: list[Case]) -> None:
    size = 12 * 16 * 20 * 4
    with again.reusing(again.KeptPreparations(most_bytes=size)):
        for seed in (0, 1, 1, 0):
            labels(case(seed))
    assert len(prepared) == 3
    labels(case(0))
    assert len(prepared) == 4
