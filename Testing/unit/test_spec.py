"""A model's specification: checks, variations, JSON."""

from __future__ import annotations

import dataclasses
import json
import typing

import pytest
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.records import from_json, to_json
from MedAISegLib.core.terminology import LEFT, TISSUE, Code, Terminology
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Blending,
    Channel,
    CropToLabels,
    InferenceStage,
    ModelSpec,
    Padding,
    Regions,
    Restore,
    RestoreOrder,
    SegmentSpec,
    Threshold,
    Windows,
)

EVERY_OPERATION: tuple[op.Operation, ...] = (
    op.ReverseAxes(),
    op.Orient("RAS"),
    op.Resample((1.5, 1.5, 0.0), op.Interpolation.NEAREST),
    op.Zoom((1.5, 1.5, 3.0), whole_numbers=False),
    op.Conform(256, 1.0, "LIA"),
    op.CropForeground(0.5, 3),
    op.PadToMultiple((8, 8, 16)),
    op.PadToSize((96, 96, 64)),
    op.ScaleRange(-57, 164, clip=True),
    op.ScalePercentiles(0.5, 99.5, channel_wise=True, nonzero=True),
    op.MinMax(-1.0),
    op.ZScore(nonzero=True, channel_wise=True, mean=(1.0, 2.0), std=(3.0, 4.0)),
    op.Clip(None, 5.0),
    op.Clip(whole=True),
    op.ShiftScale(0.001, -1.0),
    op.LogCompress(2.0),
    op.FromMinimum(),
    op.Sigmoid(),
    op.SoftLimit(3.0),
    op.OnChannel(1, op.Clip(0.0, None)),
    op.Transpose((2, 0, 1)),
    op.Resize((3.0, 0.0, 0.8), 4.0),
    op.CropNonzero(),
    op.ZScoreInside((0,)),
    op.ResizeTo((0, 256, 256)),
    op.ZeroOutsideBody(),
)


def make_spec(**changes: object) -> ModelSpec:
    stage = InferenceStage(
        EVERY_OPERATION,
        Windows((96, 96, 0), (0.5, 0.5, 0.25), Blending.GAUSSIAN, 0.1, Padding.REFLECT, -1.0, 4, ((0,), (0, 1))),
        Argmax((0, 2, 1)),
        Restore(Activation.SIGMOID, RestoreOrder.DECIDE_THEN_LABELS, op.Interpolation.NEAREST),
        (op.KeepLargestComponent((1,), 6), op.FillHoles()),
    )
    kidney = Terminology(TISSUE, Code("64033007", "SCT", "Kidney"), LEFT)
    fields: dict[str, object] = {
        "id": "k",
        "name": "Kidney",
        "format": "monai_bundle",
        "channels": (Channel("CT", "CT", "HU"), Channel("PET", "PT", "SUV")),
        "stages": (stage, dataclasses.replace(stage, preprocessing=(), windows=Windows(), decision=Threshold((1,)))),
        "segments": (SegmentSpec(1, "left kidney", kidney, (1, 2, 3)), SegmentSpec(2, "right kidney")),
        "commercial_use": False,
        "notices": (Notice("dropped", "An argument was dropped."),),
    }
    return ModelSpec(**(fields | changes))  # type: ignore[arg-type]


def test_every_operation_is_covered_here() -> None:
    assert {type(operation) for operation in EVERY_OPERATION} == set(typing.get_args(op.Operation))


@pytest.mark.parametrize("decision", [Argmax(), Threshold((3, 1), 0.4), Regions((2, 1))], ids=str)
def test_a_specification_survives_json(decision: Argmax | Threshold | Regions) -> None:
    spec = make_spec()
    spec = dataclasses.replace(spec, stages=(dataclasses.replace(spec.stages[0], decision=decision),))
    assert from_json(ModelSpec, json.loads(json.dumps(to_json(spec)))) == spec


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"channels": (Channel("CT"), Channel("CT", "CT"))}, "channels"),
        ({"segments": (SegmentSpec(1, "a"), SegmentSpec(2, "a"))}, "segments"),
        ({"segments": (SegmentSpec(1, "a"), SegmentSpec(1, "b"))}, "label values"),
    ],
)
def test_two_of_a_kind_are_refused(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=f"model k: two {what} are alike"):
        make_spec(**changes)


def test_other_flips_change_every_stage_and_nothing_else() -> None:
    spec, flipped = make_spec(), make_spec().with_test_time_flips(((2,),))
    assert [stage.windows.test_time_flips for stage in flipped.stages] == [((2,),), ((2,),)]
    assert flipped.with_test_time_flips(()) == spec.with_test_time_flips(())


def test_more_cleaning_is_of_the_result() -> None:
    cleaned = make_spec().with_postprocessing(op.FillHoles((1,))).with_postprocessing(op.KeepLargestComponent())
    assert cleaned.stages == make_spec().stages
    assert cleaned.postprocessing == (op.FillHoles((1,)), op.KeepLargestComponent())


@pytest.mark.parametrize("change", [{"labels_of": 1}, {"labels_of": 0}, {"crop": CropToLabels(1)}])
def test_a_stage_refers_to_those_before_it_only(change) -> None:
    stages = (dataclasses.replace(make_spec().stages[0], **change), make_spec().stages[0])
    with pytest.raises(ValueError, match="not before it"):
        make_spec(stages=stages)
