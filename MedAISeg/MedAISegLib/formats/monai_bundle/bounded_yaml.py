"""YAML as plain data, bounded while it is read: a merge copies what it names, and may so double the one before."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_MERGE = "tag:yaml.org,2002:merge"
_MOST_MERGED = 20_000
_LONGEST_NUMBER = 1000
_MOST_NODES = 20_000
"""Each takes a tenth of a millisecond, however short it is; a description has hundreds."""


def read_yaml(text: str) -> Any:
    """The one document of a text.

    Raises:
        YAMLError: if it is none, asks for more than plain data, or has or merges more than a description does.
        ValueError: if one of its numbers is none.
        RecursionError: if it is nested too deep.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a SafeLoader


class _Loader(yaml.SafeLoader):
    """SafeLoader, which has no bounds."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._merged = self._nodes = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """The next node; an alias is one too."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ConstructorError(None, None, f"it has more than {_MOST_NODES} entries")
        node: Node | None = super().compose_node(parent, index)
        return node

    def flatten_mapping(self, node: MappingNode) -> None:
        """Put what a mapping merges into it; counted before it is there."""
        for key, value in node.value:
            if key.tag == _MERGE:
                self._merged += sum(self._entries(source) for source in _sources(value))
        if self._merged > _MOST_MERGED:
            raise ConstructorError(None, None, f"it merges more than {_MOST_MERGED} entries", node.start_mark)
        super().flatten_mapping(node)

    def _entries(self, source: Node) -> int:
        """Of a mapping with all that it merges itself."""
        if not isinstance(source, MappingNode):
            return 0
        self.flatten_mapping(source)
        return len(source.value)

    def number(self, node: ScalarNode) -> int | float:
        """A number; those that are counted in sixties take ever longer with their length."""
        if len(node.value) > _LONGEST_NUMBER:
            raise ConstructorError(None, None, "it has a number that is too long", node.start_mark)
        whole = node.tag.endswith(":int")
        made: int | float = self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)
        return made


def _sources(value: Node) -> list[Node]:
    return value.value if isinstance(value, SequenceNode) else [value]


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.number)
