"""The labels of ``dataset.json``: plain ones, or regions that are unions of labels; an ignore label is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import ModelError
from ...core.records import from_json
from ...core.terminology import UNSPECIFIED
from ...core.terminology_table import color_for, terminology_for
from ...models.spec import Argmax, Decision, Regions, SegmentSpec

_BACKGROUND, _IGNORE = "background", "ignore"


@dataclass(frozen=True)
class Labels:
    """What the network's outputs mean. ``heads`` is their number."""

    segments: tuple[SegmentSpec, ...]
    decision: Decision
    heads: int


def read_labels(dataset: Mapping[str, Any], where: str) -> Labels:
    """The segments and how scores decide between them.

    Raises:
        ModelError: if the labels are damaged.
    """
    content = dataset.get("labels")
    if isinstance(content, dict) and content and all(str(name).isdigit() for name in content):
        raise ModelError(
            "it names its labels by value, as models of nnU-Net v1 do, which is not supported.", where=where
        )
    try:
        values = {str(name): _values(value) for name, value in dict(content or {}).items() if name != _IGNORE}
    except (TypeError, ValueError) as error:
        raise ModelError(f"its labels are damaged: {error}.", where=where) from error
    if values.pop(_BACKGROUND, None) != (0,) or not values:
        raise ModelError("its labels do not begin with a background of value 0.", where=where)
    if any(len(group) > 1 for group in values.values()):
        return _regions(values, dataset.get("regions_class_order"), where)
    named = {group[0]: name for name, group in values.items()}
    if sorted(named) != list(range(1, len(values) + 1)):
        raise ModelError(f"its label values {sorted(named)} are not 1 to {len(values)}.", where=where)
    segments = tuple(_segment(value, named[value]) for value in sorted(named))
    return Labels(segments, Argmax(tuple(range(len(named) + 1))), len(named) + 1)


def named_segments(names: Mapping[str, str], painted: set[int]) -> tuple[SegmentSpec, ...]:
    """The segments of a set of parts by value; what has no name is called by its value.

    Raises:
        ModelError: if a name belongs to no value that a part paints, or no part paints any.
    """
    unknown = [value for value in names if not value.isdigit() or int(value) not in painted]
    if unknown or not painted:
        what = f"no part paints its label {unknown[0]}" if unknown else "its parts paint no label"
        raise ModelError(f"{what}.", where="medaiseg.json")
    return tuple(_segment(value, names.get(str(value), f"label {value}")) for value in sorted(painted))


def _regions(values: Mapping[str, tuple[int, ...]], order: Any, where: str) -> Labels:
    """Each region paints the label of the class order; a label is named after the regions of which it is the last."""
    try:
        painted = from_json(tuple[int, ...], order)
    except ValueError as error:
        raise ModelError(f"its regions_class_order is damaged: {error}.", where=where) from error
    regions = [(name, group) for name, group in values.items() if set(group) != {0}]
    if len(painted) != len(regions) or len(set(painted)) != len(painted):
        raise ModelError(f"its {len(regions)} regions and its regions_class_order {painted} do not fit.", where=where)
    segments = tuple(
        _segment(label, _name(label, name, group)) for label, (name, group) in zip(painted, regions, strict=True)
    )
    return Labels(tuple(sorted(segments, key=lambda s: s.label_value)), Regions(painted, 0.0), len(regions))


def _name(label: int, region: str, group: tuple[int, ...]) -> str:
    """What is left of a region once those painted over it are taken away has no name of its own."""
    return region if group == (label,) else f"{region} (rest)"


def _values(value: Any) -> tuple[int, ...]:
    group = value if isinstance(value, (list, tuple)) else [value]
    return tuple(int(item) for item in group)


def _segment(value: int, name: str) -> SegmentSpec:
    return SegmentSpec(value, name, terminology_for(name) or UNSPECIFIED, color_for(name))
