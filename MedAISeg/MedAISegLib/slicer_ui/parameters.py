"""What the user has chosen for a run, kept in the module's parameter node and so in the scene.

Neither DICOM's UIDs nor paths of files go there: a scene is passed on. Nodes are kept as references, which follow their
node when a scene is read into another. What is not in the node has its default, also after the scene was closed, when
the same node comes back empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..slicer_io.merge_roles import PlaceMode
from ..slicer_io.runs import Frames

ChannelKey = tuple[str, str]
"""Model id and channel name."""


@dataclass(frozen=True)
class Choices:
    """A run's choices, without its nodes.

    Attributes:
        model: id of the selected model.
        several: whether the ticked models run instead of the selected one.
        ticked: ids of the ticked models.
        unwanted: by model id, names of the segments without a tick.
        kept: IDs of the output's segments that stay as they are.
        test_time_flips: None leaves it to the model.
    """

    model: str = ""
    several: bool = False
    ticked: tuple[str, ...] = ()
    unwanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: PlaceMode = PlaceMode.UPDATE
    overwrite_edited: bool = False
    kept: tuple[str, ...] = ()
    frames: Frames = Frames.ONE
    test_time_flips: bool | None = None
    keep_largest_component: bool = False


REGION, OUTPUT, RESULT = "Region", "Output", "Result"
_INPUT = "Input"
_INPUT_KEYS = "InputKeys"
_FLIPS = {"on": True, "off": False}


class Parameters:
    """The choices in a ``vtkMRMLScriptedModuleNode``."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def read(self) -> Choices:
        """What was chosen; what cannot be understood has its default."""
        default = Choices()
        return Choices(
            model=self._text("Model"),
            several=self._text("SeveralModels") == "true",
            ticked=_texts(self._json("TickedModels")),
            unwanted=_lists(self._json("UnwantedSegments")),
            mode=_member(PlaceMode, self._text("PlaceMode"), default.mode),
            overwrite_edited=self._text("OverwriteEdited") == "true",
            kept=_texts(self._json("KeptSegments")),
            frames=_member(Frames, self._text("Frames"), default.frames),
            test_time_flips=_FLIPS.get(self._text("TestTimeFlips")),
            keep_largest_component=self._text("KeepLargestComponent") == "true",
        )

    def change(self, **changes: Any) -> None:
        """Write some of the choices; the node says once that it was modified."""
        choices = replace(self.read(), **changes)
        flips = {True: "on", False: "off", None: "model"}[choices.test_time_flips]
        was_modifying = self.node.StartModify()
        self._set("Model", choices.model)
        self._set("SeveralModels", _word(choices.several))
        self._set("TickedModels", json.dumps(choices.ticked))
        self._set("UnwantedSegments", json.dumps({key: names for key, names in choices.unwanted.items() if names}))
        self._set("PlaceMode", choices.mode.name)
        self._set("OverwriteEdited", _word(choices.overwrite_edited))
        self._set("KeptSegments", json.dumps(choices.kept))
        self._set("Frames", choices.frames.name)
        self._set("TestTimeFlips", flips)
        self._set("KeepLargestComponent", _word(choices.keep_largest_component))
        self.node.EndModify(was_modifying)

    def reference(self, role: str) -> Any:
        """The node of a role; None for none."""
        return self.node.GetNodeReference(role)

    def refer(self, role: str, node: Any) -> None:
        """Remember the node of a role; None for none."""
        node_id = node.GetID() if node is not None else None
        if self.node.GetNodeReferenceID(role) != node_id:
            self.node.SetNodeReferenceID(role, node_id)

    def inputs(self) -> dict[ChannelKey, Any]:
        """The volume nodes that the user has chosen, by channel."""
        found = {}
        for place, key in enumerate(self._input_keys()):
            node = self.node.GetNodeReference(f"{_INPUT}{place}")
            if node is not None:
                found[key] = node
        return found

    def choose_inputs(self, nodes: Mapping[ChannelKey, Any]) -> None:
        """Remember the volume nodes that the user has chosen; what he left to the program is not among them."""
        was_modifying = self.node.StartModify()
        for place in range(len(nodes), len(self._input_keys())):
            self.node.SetNodeReferenceID(f"{_INPUT}{place}", None)
        self._set(_INPUT_KEYS, json.dumps(list(nodes)))
        for place, node in enumerate(nodes.values()):
            self.refer(f"{_INPUT}{place}", node)
        self.node.EndModify(was_modifying)

    def _input_keys(self) -> list[ChannelKey]:
        rows = self._json(_INPUT_KEYS)
        pairs = [_texts(row) for row in rows] if isinstance(rows, list) else []
        return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]

    def _text(self, name: str) -> str:
        return str(self.node.GetParameter(name) or "")

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self._text(name) or "null")
        except ValueError:
            return None

    def _set(self, name: str, value: str) -> None:
        if self._text(name) != value:
            self.node.SetParameter(name, value)


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(text) for text in value) if isinstance(value, list) else ()


def _lists(value: Any) -> dict[str, tuple[str, ...]]:
    return {str(key): _texts(names) for key, names in value.items()} if isinstance(value, dict) else {}


def _member(kind: Any, name: str, default: Any) -> Any:
    return next((member for member in kind if member.name == name), default)


def without(names: Iterable[str], unwanted: Iterable[str]) -> tuple[str, ...]:
    """The wanted labels as a job says them: empty where all are wanted."""
    names, left_out = tuple(names), set(unwanted)
    wanted = tuple(name for name in names if name not in left_out)
    return () if len(wanted) == len(names) else wanted
