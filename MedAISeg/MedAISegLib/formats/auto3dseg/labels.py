"""``labels.csv``: label values, names and codes, in the columns of DICOM's segment description."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...core.errors import ModelError
from ...core.terminology import UNSPECIFIED, Code, Terminology
from ...core.terminology_table import color_for, terminology_for
from ...models.spec import SegmentSpec
from ..texts import text_of
from .config import Configuration

LABELS = "labels.csv"
_LARGEST_BYTES, _MOST_ROWS, _MOST_COLUMNS = 4 * 2**20, 65_536, 100

_PLACEHOLDER = "acc_"
"""The template's own names for classes that have none begin so."""


def read_segments(path: Path, config: Configuration) -> tuple[SegmentSpec, ...]:
    """The structures of ``labels.csv``, or of the configuration where there is none; the background is left out.

    Raises:
        ModelError: if the file is damaged or too long, or names a label that the network does not have.
    """
    largest = config.output_classes if config.sigmoid else config.output_classes - 1
    if not path.is_file():
        names = config.class_names
        named = len(names) == largest and not all(name.startswith(_PLACEHOLDER) for name in names)
        return tuple(_segment(n, names[n - 1] if named else f"label {n}") for n in range(1, largest + 1))
    try:
        segments = tuple(_read(row) for row in _rows(path) if not _is_background(row))
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ModelError(f"it is no table of labels: {error}.", where=str(path)) from error
    outside = [segment.label_value for segment in segments if not 0 < segment.label_value <= largest]
    if outside or not segments:
        what = f"the network has no label {outside[0]}" if outside else "it names no label"
        raise ModelError(f"{what}; its labels are 1 to {largest}.", where=str(path))
    return segments


def _rows(path: Path) -> Iterator[Mapping[str, str | None]]:
    """Those that are not empty, by the names in the heading."""
    text = text_of(path, _LARGEST_BYTES)
    heading = text.partition("\n")[0]
    # Spreadsheets write semicolons where the comma stands in numbers.
    delimiter = ";" if ";" in heading and "," not in heading else ","
    table = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    for number, row in enumerate(table, start=1):
        if number > _MOST_ROWS or len(row) > _MOST_COLUMNS:
            raise ValueError(f"it has more than {_MOST_ROWS} rows or {_MOST_COLUMNS} columns")
        if any(row.values()):
            yield row


def _is_background(row: Mapping[str, str | None]) -> bool:
    value = row["LabelValue"]
    return value is not None and int(value) == 0


def _read(row: Mapping[str, str | None]) -> SegmentSpec:
    value, given = row["LabelValue"], row["Name"]
    if value is None or given is None:
        raise ValueError("a row is shorter than the heading")
    name = given.strip()
    known = _segment(int(value), name)
    category, kind = (
        _code(row, "SegmentedPropertyCategoryCodeSequence"),
        _code(row, "SegmentedPropertyTypeCodeSequence"),
    )
    if category is None or kind is None:
        return known
    terminology = Terminology(
        category,
        kind,
        _code(row, "SegmentedPropertyTypeModifierCodeSequence"),
        _code(row, "AnatomicRegionSequence"),
        _code(row, "AnatomicRegionModifierSequence"),
    )
    return SegmentSpec(known.label_value, name, terminology, known.color_rgb)


def _segment(value: int, name: str) -> SegmentSpec:
    return SegmentSpec(value, name, terminology_for(name) or UNSPECIFIED, color_for(name))


def _code(row: Mapping[str, str | None], field: str) -> Code | None:
    parts = (
        (row.get(f"{field}.{part}") or "").strip() for part in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
    )
    value, scheme, meaning = parts
    return Code(value, scheme, meaning) if value and scheme else None
