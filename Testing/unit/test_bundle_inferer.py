"""Which of a bundle's entries moves its network: the one that MONAI's evaluator is given; a function is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bundles import inference, write_bundle
from coded_bundles import write_coded
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats import read_model
from MedAISegLib.models.spec import Blending, Windows

pytestmark = pytest.mark.engine

EVALUATOR: dict[str, Any] = {"_target_": "monai.engines.SupervisedEvaluator", "network": "@network_def"}
GAUSSIAN = {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 8], "mode": "gaussian"}
AT_THE_TOP = Windows((32, 32, 16))
FUNCTIONS = ["sliding_window_inference", "monai.inferers.sliding_window_inference"]
WAYS: list[dict[str, Any]] = [{"_mode_": "callable"}, {"_mode_": "callable", "predictor": "@network_def"}, {}]


def windows(folder: Path, **entries: Any) -> Windows:
    return read_model(write_bundle(folder, inference(**entries))).spec.stages[0].windows


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"inferer": "@inferer"}, AT_THE_TOP),
        ({"inferer": "@other"}, Windows((16, 16, 8), blending=Blending.GAUSSIAN)),
        ({"inferer": GAUSSIAN}, Windows((16, 16, 8), blending=Blending.GAUSSIAN)),
        ({}, Windows()),
    ],
    ids=["that of the top", "another", "written there", "none"],
)
def test_that_of_the_evaluator_counts(tmp_path: Path, given: dict[str, Any], expected: Windows) -> None:
    assert windows(tmp_path, evaluator=EVALUATOR | given, other=GAUSSIAN) == expected


@pytest.mark.parametrize("evaluator", [{"_target_": "scripts.own.Mine"}, EVALUATOR | {"iteration_update": "$f"}])
def test_an_evaluator_of_the_bundles_own_may_take_that_of_the_top(tmp_path: Path, evaluator: dict[str, Any]) -> None:
    assert windows(tmp_path, evaluator=evaluator) == AT_THE_TOP


@pytest.mark.parametrize("target", FUNCTIONS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("write", [write_bundle, write_coded], ids=["compiled", "with code"])
def test_a_function_that_no_evaluator_can_call_is_named_before_trust_is_asked_for(
    tmp_path: Path, write: Any, way: dict[str, Any], target: str
) -> None:
    inferer = {"_target_": target, "roi_size": [16, 16, 8], "sw_batch_size": 2, **way}
    root = write(tmp_path, inference(inferer=inferer, evaluator=EVALUATOR | {"inferer": "@inferer"}))
    with pytest.raises(ModelError, match=f"the function {target} takes them in another way") as refused:
        read_model(root)
    assert not isinstance(refused.value, NotTrustedError)
    assert "SlidingWindowInferer" in refused.value.remedy


def test_an_evaluator_of_the_bundles_own_may_call_that_function(tmp_path: Path) -> None:
    inferer = {"_target_": FUNCTIONS[1], "_mode_": "callable", "roi_size": [16, 16, 8]}
    change = inference(inferer=inferer, evaluator=EVALUATOR | {"inferer": "@inferer", "iteration_update": "$f"})
    with pytest.raises(NotTrustedError):
        read_model(write_bundle(tmp_path, change))
