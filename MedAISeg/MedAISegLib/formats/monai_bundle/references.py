"""The entries of a bundle's inference config by their path, with references followed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from .expressions import REFERENCE, Surroundings, follow
from .shorthands import SEPARATOR
from .values import UNCOMPILED, Component, Unresolved

_NOT_ARGUMENTS = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_", "_args_")
_LONGEST_CHAIN = 40
_LONGEST_PLACE, _LONGEST_QUOTE = 2000, 100
_MOST_VALUES = 1_000_000
"""Gone through for all entries and expressions together; a description has hundreds."""


class Inference:
    """The inference config; values are worked out on demand and remembered.

    Identifiers are paths such as ``network_def`` or ``network_def#channels#0`` (MONAI also writes ``::`` for ``#``).
    """

    def __init__(self, config: Mapping[str, Any], root: Path) -> None:
        # The bundle's own idea of where it lies belongs to its author's machine.
        self._config = {**config, "bundle_root": "."}
        self._root = root
        self._known: dict[str, Any] = {}
        self._open: list[str] = []
        self._values_left = _MOST_VALUES
        self._surroundings = Surroundings(self.value, self._has_file, self._count)

    def has(self, identifier: str) -> bool:
        """Whether there is such an entry, be it a value or not."""
        return identifier in self._config

    def names(self) -> tuple[str, ...]:
        """Identifiers of the entries at the top."""
        return tuple(map(str, self._config))

    def value(self, identifier: str) -> Any:
        """The value of an entry: data, Component, Device, FileContent, or Unresolved.

        Raises:
            ModelError: if the entry refers to itself, or stands for too many values.
        """
        parts = SEPARATOR.split(identifier)
        identifier = "#".join(parts)
        if identifier in self._known:
            return self._known[identifier]
        if identifier in self._open or len(self._open) >= _LONGEST_CHAIN:
            raise ModelError("its references go round in a circle or too deep.", where=identifier)
        self._open.append(identifier)
        try:
            value = self._find(parts, identifier)
        finally:
            self._open.pop()
        self._count(value, identifier)
        self._known[identifier] = value
        return value

    def _count(self, value: Any, place: str) -> None:
        """References share what they stand for, so that a short text can describe a tree that nobody gets through.

        Raises:
            ModelError: if that is so.
        """
        waiting = [value]
        while waiting:
            node = waiting.pop()
            inner = node.arguments if isinstance(node, Component) else node
            items = inner.values() if isinstance(inner, Mapping) else inner if isinstance(inner, list) else ()
            self._values_left -= 1 + len(items)
            if self._values_left < 0:
                raise ModelError("its references stand for too many values.", where=place)
            waiting += items

    def _find(self, parts: list[str], identifier: str) -> Any:
        """Walk down the config as written; from the first reference on, down the value that it stands for."""
        missing = Unresolved("@" + identifier, identifier, "names nothing")
        node: Any = self._config
        for depth, part in enumerate(parts):
            if isinstance(node, str):
                node = self._text(node, "#".join(parts[:depth]))
                for key in parts[depth:]:
                    node = _item(node, key, missing)
                return node
            node = _item(node, part, missing)
        return self._resolved(node, identifier)

    def _resolved(self, raw: Any, place: str) -> Any:
        if len(place) > _LONGEST_PLACE:
            raise ModelError("the names of its entries are too long.", where=place[:_LONGEST_QUOTE])
        if isinstance(raw, str):
            return self._text(raw, place)
        if isinstance(raw, list):
            return self._items(raw, place)
        if isinstance(raw, dict) and "_target_" in raw:
            return self._component(raw, place)
        if isinstance(raw, dict):
            return self._mapping(raw, place)
        return raw

    def _mapping(self, raw: dict[Any, Any], place: str) -> dict[Any, Any]:
        """As MONAI has it, an entry that is switched off is not there at all."""
        return {
            key: self._resolved(item, f"{place}#{key}")
            for key, item in raw.items()
            if not self._is_disabled(item, f"{place}#{key}")
        }

    def _items(self, raw: list[Any], place: str) -> list[Any]:
        values = []
        for n, item in enumerate(raw):
            if not self._is_disabled(item, f"{place}#{n}"):
                values.append(self._resolved(item, f"{place}#{n}"))
        return values

    def _is_disabled(self, raw: Any, place: str) -> bool:
        if not isinstance(raw, dict) or "_target_" not in raw or "_disabled_" not in raw:
            return False
        value = self._resolved(raw["_disabled_"], f"{place}#_disabled_")
        if isinstance(value, str):
            return value.strip().lower() == "true"
        return not isinstance(value, Unresolved) and bool(value)

    def _component(self, raw: dict[str, Any], place: str) -> Any:
        target = self._resolved(raw["_target_"], f"{place}#_target_")
        if not isinstance(target, str):
            return target if isinstance(target, Unresolved) else Unresolved(repr(target), place, "names no class")
        switch = self._resolved(raw.get("_disabled_", False), f"{place}#_disabled_")
        if isinstance(switch, Unresolved):
            return switch
        if raw.get("_mode_", "default") != "default" or "_args_" in raw:
            return Unresolved(target, place, UNCOMPILED)
        if self._is_disabled(raw, place):
            return None
        arguments = {str(key): item for key, item in raw.items() if key not in _NOT_ARGUMENTS}
        return Component(target, self._mapping(arguments, place), place)

    def _text(self, text: str, place: str) -> Any:
        if text.startswith("$"):
            return follow(text[1:], place, self._surroundings)
        if REFERENCE.fullmatch(text) and len(text) > 1:
            return self.value(text[1:])
        if text.startswith("%"):
            # Those that name something have been replaced by it.
            return Unresolved(text, place, "names nothing in the bundle")
        return text

    def _has_file(self, path: str) -> bool:
        return inside(self._root, path, "bundle").is_file()


def inside(root: Path, path: str, place: str) -> Path:
    """A path of the bundle, with links followed.

    Raises:
        ModelError: if it leads out of the bundle's folder.
    """
    folder = root.resolve()
    if "\0" in path:
        raise ModelError("it is no path of a file.", where=place)
    resolved = (folder / path).resolve()
    if not resolved.is_relative_to(folder):
        raise ModelError(f"the file {path!r} lies outside of the bundle.", where=place)
    return resolved


def _item(owner: Any, key: str, missing: Unresolved) -> Any:
    if isinstance(owner, Unresolved):
        return owner
    if isinstance(owner, Component):
        return owner.arguments.get(key, missing)
    if isinstance(owner, dict):
        return owner[key] if key in owner else owner.get(int(key), missing) if key.isdigit() else missing
    if isinstance(owner, list) and key.isdigit() and int(key) < len(owner):
        return owner[int(key)]
    return missing
