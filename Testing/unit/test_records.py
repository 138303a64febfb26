"""Records to JSON and back, and what is said of JSON that does not fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from MedAISegLib.app.job import JobResult, Provenance, SegmentationJob, SegmentResult
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.records import from_json, to_json
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.core.terminology import UNSPECIFIED, Code, Terminology


class Shade(Enum):
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Square:
    side: float


@dataclass(frozen=True)
class Disc:
    radius: float
    shade: Shade = Shade.LIGHT


@dataclass(frozen=True)
class Drawing:
    shapes: tuple[Square | Disc, ...]
    place: tuple[int, int]
    scale: float | None = None
    folder: Path = Path("here")
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    title: str = ""
    framed: bool = False
    extra: Any = None


FULL = Drawing((Square(2.5), Disc(1.0, Shade.DARK)), (3, 4), 0.5, Path("a/b"), {"x": ("y", "z")}, "T", True, [1, "a"])
MINIMAL = Drawing((), (0, 0))


def through_text(record: Any) -> Any:
    return from_json(type(record), json.loads(json.dumps(to_json(record))))


@pytest.mark.parametrize("drawing", [FULL, MINIMAL], ids=["full", "minimal"])
def test_a_record_comes_back_equal_from_json_text(drawing: Drawing) -> None:
    assert through_text(drawing) == drawing


def test_a_union_of_records_is_told_apart_by_its_kind() -> None:
    assert to_json(Disc(1.0)) == {"kind": "Disc", "radius": 1.0, "shade": "light"}
    shapes = through_text(Drawing((Disc(1.0), Square(1.0)), (0, 0))).shapes
    assert [type(shape) for shape in shapes] == [Disc, Square]


def test_a_union_without_a_kind_takes_the_first_that_fits() -> None:
    assert from_json(Drawing, {"shapes": [{"radius": 2}], "place": [0, 0]}).shapes == (Disc(2.0),)


def test_what_is_left_out_takes_its_default_and_integers_serve_as_floats() -> None:
    drawing = from_json(Drawing, {"shapes": [], "place": [1, 2], "scale": 3})
    assert drawing == Drawing((), (1, 2), 3.0)
    assert isinstance(drawing.scale, float)


GOOD = {"shapes": [], "place": [1, 2]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "Drawing: expected a mapping"),
        ({"shapes": []}, "Drawing: .*place"),
        (GOOD | {"colour": 1}, "Drawing: colour is not known here"),
        (GOOD | {"place": [1]}, r"Drawing\.place: expected 2 items, not 1"),
        (GOOD | {"place": [1, "2"]}, r"Drawing\.place\[1\]: '2' is not of type int"),
        (GOOD | {"place": [1, 2.5]}, r"Drawing\.place\[1\]: 2\.5 is not of type int"),
        (GOOD | {"place": [1, True]}, r"Drawing\.place\[1\]: True is not of type int"),
        (GOOD | {"scale": True}, r"Drawing\.scale: True is not of type float"),
        (GOOD | {"framed": 1}, r"Drawing\.framed: 1 is not of type bool"),
        (GOOD | {"title": None}, r"Drawing\.title: None is not of type str"),
        (GOOD | {"shapes": "ab"}, r"Drawing\.shapes: expected a list"),
        (GOOD | {"tags": ["x"]}, r"Drawing\.tags: expected a mapping"),
        (GOOD | {"tags": {"x": "y"}}, r"Drawing\.tags\.x: expected a list"),
        (GOOD | {"folder": 5}, r"Drawing\.folder: 5 is no Path"),
        (GOOD | {"shapes": [{"kind": "Star"}]}, r"Drawing\.shapes\[0\]: nothing is called 'Star'"),
        (
            GOOD | {"shapes": [{"kind": "Disc", "radius": 1, "shade": "grey"}]},
            r"shapes\[0\]\.shade: 'grey' is no Shade",
        ),
        (GOOD | {"shapes": [{"kind": "Disc", "side": 1}]}, r"shapes\[0\]: side is not known here"),
        (GOOD | {"shapes": [{"kind": "Disc"}]}, r"shapes\[0\]: .*radius"),
        (GOOD | {"shapes": [7]}, r"Drawing\.shapes\[0\]: expected a mapping"),
    ],
    ids=str,
)
def test_json_that_does_not_fit_is_refused_with_the_place(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(Drawing, value)


def test_a_job_and_its_result_survive_json() -> None:
    job = SegmentationJob("spleen", "cuda:1", ("spleen",), OrientedBox.from_bounds((0, 0, 0), (1, 2, 3)), accept=True)
    assert through_text(job) == job
    liver = Terminology(UNSPECIFIED.category, Code("10200004", "SCT", "Liver"))
    result = JobResult(
        (SegmentResult("liver", 1, liver, (1, 2, 3), 0, 0.0, None, None, None, None),),
        Provenance("m", "M", "1", "ab", "0.1", {"torch": "2"}, "cpu", {"overlap": "0.5"}, "2026-01-01T00:00:00Z"),
        {"infer": 1.5},
        1 << 33,
        (Notice("missing-slice", "A slice was missing."),),
        {"nifti": (Path("x.nii.gz"), Path("x.json"))},
    )
    assert through_text(result) == result
