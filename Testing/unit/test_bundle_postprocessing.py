"""A bundle's way from scores to labels; what cannot be followed exactly is said or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import postprocessing, write_bundle
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats.monai_bundle import read
from MedAISegLib.models.operations import (
    FillHoles,
    Interpolation,
    KeepLargestComponent,
)
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    ModelSpec,
    Restore,
    RestoreOrder,
    Threshold,
)

SOFTMAX, SIGMOID = {"_target_": "Activationsd", "softmax": True}, {"_target_": "Activationsd", "sigmoid": True}
INVERT = {"_target_": "Invertd", "transform": "@preprocessing", "nearest_interp": False}
INVERT_NEAREST = {**INVERT, "nearest_interp": True}
ARGMAX, THRESHOLD = {"_target_": "AsDiscreted", "argmax": True}, {"_target_": "AsDiscreted", "threshold": 0.4}
LARGEST = {"_target_": "KeepLargestConnectedComponentd", "applied_labels": [1, 2], "connectivity": 1}


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., ModelSpec]:
    """Compiles the bundle of this suite, changed."""
    return lambda change=None: read(write_bundle(tmp_path, change)).spec


@pytest.mark.parametrize(
    ("steps", "decision", "restore", "operations"),
    [
        (
            [SOFTMAX, INVERT, ARGMAX],
            Argmax(),
            Restore(Activation.SOFTMAX, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.LINEAR),
            (),
        ),
        (
            [INVERT_NEAREST, SOFTMAX, ARGMAX],
            Argmax(),
            Restore(Activation.SOFTMAX, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.NEAREST),
            (),
        ),
        (
            [SOFTMAX, ARGMAX, INVERT_NEAREST, LARGEST],
            Argmax(),
            Restore(Activation.SOFTMAX, RestoreOrder.DECIDE_THEN_LABELS, Interpolation.NEAREST),
            (KeepLargestComponent((1, 2), 6),),
        ),
        (
            [ARGMAX, INVERT_NEAREST, {"_target_": "FillHolesd"}],
            Argmax(),
            Restore(
                Activation.NONE,
                RestoreOrder.DECIDE_THEN_LABELS,
                Interpolation.NEAREST,
                probability=Activation.SOFTMAX,
            ),
            (FillHoles(),),
        ),
        (
            [SOFTMAX, ARGMAX, LARGEST, INVERT_NEAREST, {"_target_": "FillHolesd"}],
            Argmax(),
            Restore(
                Activation.SOFTMAX,
                RestoreOrder.DECIDE_THEN_LABELS,
                Interpolation.NEAREST,
                cleaning=(KeepLargestComponent((1, 2), 6),),
            ),
            (FillHoles(),),
        ),
        (
            [INVERT, THRESHOLD],
            Threshold((0, 2, 3), 0.4),
            Restore(
                Activation.NONE,
                RestoreOrder.SCORES_THEN_DECIDE,
                Interpolation.LINEAR,
                probability=Activation.SIGMOID,
            ),
            (),
        ),
        (
            [SIGMOID, INVERT, THRESHOLD],
            Threshold((0, 2, 3), 0.4),
            Restore(Activation.SIGMOID, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.LINEAR),
            (),
        ),
    ],
)
def test_postprocessing(
    spec: Callable[..., ModelSpec], steps: list[Any], decision: Any, restore: Restore, operations: tuple[Any, ...]
) -> None:
    model = spec(postprocessing(*steps, {"_target_": "SaveImaged"}, {"_target_": "FillHolesd", "keys": "label"}))
    stage = model.stages[0]
    assert (stage.decision, stage.restore, stage.postprocessing) == (decision, restore, operations)
    assert model.notices == ()


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([SOFTMAX, ARGMAX], "restored"),
        ([SOFTMAX, ARGMAX, LARGEST], "restored"),
        ([SOFTMAX, INVERT], "decision-assumed"),
        ([SOFTMAX, ARGMAX, INVERT], "labels-interpolated"),
        ([SIGMOID, INVERT, THRESHOLD, {"_target_": "Lambdad", "func": "$lambda x: x[0]"}], "layers-kept"),
    ],
)
def test_a_deviation_is_said(spec: Callable[..., ModelSpec], steps: list[Any], code: str) -> None:
    assert [notice.code for notice in spec(postprocessing(*steps)).notices] == [code]


def test_labels_are_cleaned_where_the_model_leaves_them(spec: Callable[..., ModelSpec]) -> None:
    (stage,) = spec(postprocessing(SOFTMAX, ARGMAX, LARGEST)).stages
    assert stage.restore.cleaning == (KeepLargestComponent((1, 2), 6),)
    assert stage.postprocessing == ()


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "how scores become labels"),
        ([{**SOFTMAX, "sigmoid": True}, ARGMAX], "both softmax and sigmoid"),
        ([ARGMAX, SOFTMAX], "after the decision"),
        ([{**ARGMAX, "threshold": 0.5}], "both the highest"),
        ([{**ARGMAX, "rounding": "torchrounding"}], "rounds"),
        ([SOFTMAX, LARGEST, ARGMAX], "before the decision"),
        ([SOFTMAX, ARGMAX, {**LARGEST, "independent": False}], "several labels together"),
        ([SOFTMAX, ARGMAX, {"_target_": "Lambdad", "func": "$lambda x: x + 1"}], "code of the model's own"),
        ([{**SOFTMAX, "other": "$lambda x: x"}, ARGMAX], "is code"),
        ([SOFTMAX, {"_target_": "RemoveSmallObjectsd"}], "RemoveSmallObjects of the labels is not understood"),
    ],
)
def test_postprocessing_that_is_refused(spec: Callable[..., ModelSpec], steps: list[Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        spec(postprocessing(*steps))
