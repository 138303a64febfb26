"""A bundle's description with its shorthands written out, as MONAI does before it evaluates anything.

Shorthands are keys that are paths (``network_def#channels``) or begin with a plus, references that count levels
(``@##size``), and macros (``%size``, ``%configs/network.yaml#size``). See the documentation of MONAI's ConfigParser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...core.errors import ModelError

SEPARATOR = re.compile(r"#|::")
_RELATIVE = re.compile(r"([@%])((?:#|::)+)")
_FILE = re.compile(r"(.*\.(?:json|yaml|yml))(?:(?:#|::)(.*))?", re.IGNORECASE)
_ABSENT = object()
_LONGEST_MACRO, _LONGEST_QUOTE = 1000, 100
_MOST_ADDED = 4_000_000
"""Characters in the place of levels, in all references together."""

Path = tuple[str, ...]
ReadFile = Callable[[str], Any]
"""The content of another file of the bundle; None where there is none."""


def written_out(config: Mapping[str, Any], read_file: ReadFile) -> dict[str, Any]:
    """The same description without shorthands; macros that name nothing stay as they are.

    What several macros name is one object in the result, so that it is no larger than what was read.

    Raises:
        ModelError: if references that count levels would make it far larger.
    """
    return dict(_Writer(_merged(config), read_file).entries())


def _merged(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that are paths set what they lead to; those with a plus add to it."""
    whole: dict[str, Any] = {}
    for key, shared in config.items():
        value = _copied(shared)
        name = str(key)
        *owners, last = SEPARATOR.split(name.removeprefix("+"))
        owner = _found(whole, tuple(owners))
        present = _found(owner, (last,))
        if name.startswith("+") and isinstance(present, dict) and isinstance(value, dict):
            present.update(value)
        elif name.startswith("+") and isinstance(present, list) and isinstance(value, list):
            present.extend(value)
        elif isinstance(owner, list) and present is not _ABSENT:
            owner[int(last)] = value
        elif isinstance(owner, dict):
            owner[last] = value
        else:
            whole[name] = value
    return whole


def _copied(value: Any) -> Any:
    """The value with nothing in it twice, as YAML's aliases put it: what is added in one place would be in all."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _found(node: Any, path: Path) -> Any:
    for part in path:
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return _ABSENT
    return node


class _Writer:
    """Writes out what macros name once, and knows which ones it is at."""

    def __init__(self, config: dict[str, Any], read_file: ReadFile) -> None:
        self._config = config
        self._read_file = read_file
        self._known: dict[Path, Any] = {}
        self._open: set[Path] = set()
        self._added = 0

    def entries(self) -> dict[str, Any]:
        return {key: self._written(value, (key,)) for key, value in self._config.items()}

    def _written(self, node: Any, place: Path) -> Any:
        if isinstance(node, dict):
            return {key: self._written(value, (*place, str(key))) for key, value in node.items()}
        if isinstance(node, list):
            return [self._written(value, (*place, str(n))) for n, value in enumerate(node)]
        if not isinstance(node, str):
            return node
        text = _RELATIVE.sub(lambda match: self._absolute(match, place), node)
        return self._macro(text) if text.startswith("%") and len(text) <= _LONGEST_MACRO else text

    def _absolute(self, match: re.Match[str], place: Path) -> str:
        """``@#a`` is beside the place, ``@##a`` beside what holds the place."""
        levels = len(SEPARATOR.findall(match[2]))
        if levels > len(place):
            return match[0]
        written = match[1] + "".join(f"{part}#" for part in place[:-levels])
        self._added += len(written)
        if self._added > _MOST_ADDED:
            raise ModelError("its references count levels of names that are too long.", where=place[0][:_LONGEST_QUOTE])
        return written

    def _macro(self, text: str) -> Any:
        file = _FILE.fullmatch(text[1:])
        if file is not None:
            # MONAI takes what another file says as it is there.
            content = self._read_file(file[1])
            found = _found(_ABSENT if content is None else content, _path(file[2]) if file[2] else ())
        else:
            # A path can be written in many ways, and stands for one object in all of them.
            found = self._named(_path(text[1:]))
        return text if found is _ABSENT else found

    def _named(self, path: Path) -> Any:
        if path in self._open:
            return _ABSENT
        if path not in self._known:
            self._open.add(path)
            node = _found(self._config, path)
            self._known[path] = node if node is _ABSENT else self._written(node, path)
            self._open.discard(path)
        return self._known[path]


def _path(text: str) -> Path:
    return tuple(SEPARATOR.split(text))
