"""``medaiseg.json`` that describes a model whole: its networks' files and everything else that a ModelSpec says.

The same file name serves beside the files of other formats, where it adds what those cannot say; there it is a
:class:`~MedAISegLib.formats.own_description.OwnDescription`. The key ``networks`` tells the two apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from ...core.notice import Notice
from ...core.records import from_json, to_json
from ...core.terminology import UNSPECIFIED
from ...core.terminology_table import color_for, terminology_for
from ...models.operations import LabelOperation
from ...models.spec import Channel, Ensemble, InferenceStage, ModelSpec, SegmentSpec
from ..own_description import FILE_NAME
from ..texts import text_of

LAYOUT = 1


@dataclass(frozen=True)
class NetworkFile:
    """A network in a file of the model's folder.

    Attributes:
        file: its name: TorchScript (``.ts``, ``.pt``), ONNX (``.onnx``), or weights alone (``.safetensors``).
        dimensions: 3, or 2 for a network that takes (batch, channel, row, column) and sees one slice at a time.
        architecture: of weights alone, the name of the network that they belong to (see :mod:`..named_networks`).
        arguments: what that network is built with.
        slice_axis: of the prepared array, across which a network of 2 dimensions sees slices.
    """

    file: str
    dimensions: int = 3
    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    slice_axis: int = 0


@dataclass(frozen=True, kw_only=True)
class Description:
    """The content of the file; what is not said here is a ModelSpec's.

    Attributes:
        segments: of a model that segments; one that says what an image shows as a whole has ``classes`` instead, in
            the network's order.
        networks: of each stage: one network, or several (folds) whose scores are averaged.
        ensemble: the stages whose mean makes the result, where there are such.
        layout: of this file; a later one than we know is refused.
    """

    channels: tuple[Channel, ...]
    segments: tuple[SegmentSpec, ...] = ()
    classes: tuple[str, ...] = ()
    stages: tuple[InferenceStage, ...]
    networks: tuple[tuple[NetworkFile, ...], ...]
    layout: int = LAYOUT
    name: str = ""
    version: str = ""
    description: str = ""
    anatomy: str = ""
    license: str = ""
    commercial_use: bool | None = None
    citation: str = ""
    intended_use: str = ""
    wants_region: bool = False
    merged: tuple[int, ...] = ()
    ensemble: Ensemble | None = None
    postprocessing: tuple[LabelOperation, ...] = ()
    notices: tuple[Notice, ...] = ()

    def spec(self, identifier: str, format_name: str) -> ModelSpec:
        """The model's spec, what its segments' names stand for looked up where that is not said.

        Raises:
            ValueError: if its parts contradict each other.
        """
        shared = {name: getattr(self, name) for name in _SHARED}
        shared |= {"name": self.name or identifier, "segments": tuple(map(_known, self.segments))}
        return ModelSpec(id=identifier, format=format_name, **shared)


_SHARED = frozenset(f.name for f in fields(Description)) & frozenset(f.name for f in fields(ModelSpec))


def _known(segment: SegmentSpec) -> SegmentSpec:
    terminology, color = segment.terminology, segment.color_rgb
    if terminology == UNSPECIFIED:
        terminology = terminology_for(segment.name) or UNSPECIFIED
    return replace(segment, terminology=terminology, color_rgb=color_for(segment.name) if color is None else color)


def description_of(spec: ModelSpec, networks: tuple[tuple[NetworkFile, ...], ...]) -> Description:
    """What the file says of a model."""
    return Description(networks=networks, **{name: getattr(spec, name) for name in _SHARED})


def is_description(path: Path) -> bool:
    """Whether the file describes a model whole."""
    try:
        content = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "networks" in content


def read_description(path: Path) -> Description:
    """The content of a file that ``is_description``.

    Raises:
        ModelError: if anything in it is not as it should be; the message names the place.
    """
    try:
        content = json.loads(text_of(path), parse_constant=_refuse_constant)
        if content.get("layout", LAYOUT) != LAYOUT:
            raise ModelError(
                f"its layout is {content['layout']!r}, and this program knows {LAYOUT}.",
                where=str(path),
                remedy="A newer version of the program may read it.",
            )
        return from_json(Description, content)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"it cannot be understood: {error}.", where=str(path)) from error


def as_json(description: Description) -> str:
    """The content of ``medaiseg.json``, in the order of the record's fields and without what says nothing."""
    content = {name: value for name, value in to_json(description).items() if value not in ("", None, [])}
    content.pop("kind")
    content["networks"] = [[_said(file) for file in files] for files in content["networks"]]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def write_description(description: Description, folder: Path) -> Path:
    """Write ``medaiseg.json`` into a folder that is being made.

    Raises:
        OSError: if it cannot be written.
    """
    path = folder / FILE_NAME
    path.write_text(as_json(description), encoding="utf-8")
    return path


def _said(file: dict[str, Any]) -> dict[str, Any]:
    usual = {"kind": "NetworkFile", "dimensions": 3, "architecture": "", "arguments": {}, "slice_axis": 0}
    return {name: value for name, value in file.items() if name not in usual or value != usual[name]}


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number that a model may use")
