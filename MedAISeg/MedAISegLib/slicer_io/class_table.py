"""What a classification model said of images, as a table node: for a person, and in full for the way back from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..core.characters import shown
from ..core.classification import ClassificationResult, ClassProbability, ImageClasses
from ..core.notice import Notice
from ..core.provenance_tags import PREFIX
from ..core.records import from_json, to_json
from ..core.result import Provenance
from .beside import put_beside
from .scene import slicer_module, vtk_module

TABLE_CLASS = "vtkMRMLTableNode"
ATTRIBUTE = f"{PREFIX}Classification"
IMAGE, BEST = "Image", "Best"
"""Names of the columns before those of the classes."""


@dataclass(frozen=True)
class _Kept:
    """A result as the node keeps it: files of tables have few digits, and no record of what made them."""

    images: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: tuple[tuple[float, ...], ...]
    provenance: Provenance
    notices: tuple[Notice, ...] = ()


def add_table(result: ClassificationResult, scene: Any, name: str, source_node: Any) -> Any:
    """A new ``vtkMRMLTableNode`` with a row an image, beside the image's volume node in the subject hierarchy."""
    node = slicer_module().vtkMRMLTableNode()
    node.SetName(shown(name))
    # Selectors look at a node's attributes when it comes.
    fill_table(node, result)
    scene.AddNode(node)
    put_beside(node, source_node, scene)
    return node


def fill_table(node: Any, result: ClassificationResult) -> None:
    """Have a table node hold a result, and nothing else."""
    vtk = vtk_module()
    table = vtk.vtkTable()
    for name, values in _columns(result):
        is_text = isinstance(values[0], str)
        column = vtk.vtkStringArray() if is_text else vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    was_modifying = node.StartModify()
    node.SetAndObserveTable(table)
    for name, values in _columns(result):
        # What is not said to be a number comes back from a file as a text.
        node.SetColumnType(name, vtk.VTK_STRING if isinstance(values[0], str) else vtk.VTK_DOUBLE)
    node.SetAttribute(ATTRIBUTE, json.dumps(to_json(_kept(result))))
    node.EndModify(was_modifying)


def classification_of_node(node: Any) -> ClassificationResult | None:
    """What a table node was filled with; None for any other node."""
    text = node.GetAttribute(ATTRIBUTE) if node is not None and node.IsA(TABLE_CLASS) else None
    if not text:
        return None
    try:
        kept = from_json(_Kept, json.loads(text))
    except ValueError:
        # Written by a version of another form: the table itself can still be read by a person.
        return None
    images = tuple(
        ImageClasses(name, tuple(map(ClassProbability, kept.classes, values)))
        for name, values in zip(kept.images, kept.probabilities, strict=True)
    )
    return ClassificationResult(images, kept.provenance, kept.notices)


def _columns(result: ClassificationResult) -> Iterator[tuple[str, list[Any]]]:
    yield IMAGE, [shown(image.image) for image in result.images]
    yield BEST, [shown(image.best.name) for image in result.images]
    for number, found in enumerate(result.images[0].classes):
        # A table has one column of a name.
        name = f"{found.name} (class)" if found.name in (IMAGE, BEST) else found.name
        yield shown(name), [image.classes[number].probability for image in result.images]


def _kept(result: ClassificationResult) -> _Kept:
    return _Kept(
        images=tuple(image.image for image in result.images),
        classes=tuple(found.name for found in result.images[0].classes),
        probabilities=tuple(tuple(found.probability for found in image.classes) for image in result.images),
        provenance=result.provenance,
        notices=result.notices,
    )
