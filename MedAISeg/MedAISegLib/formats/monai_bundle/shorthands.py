"""A bundle's description with its shorthands written out, as MONAI does before it evaluates anything.

Shorthands are keys that are paths (``network_def#channels``) or begin with a plus, references that count levels
(``@##size``), and macros (``%size``, ``%configs/network.yaml#size``). See the documentation of MONAI's ConfigParser.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

SEPARATOR = re.compile(r"#|::")
_RELATIVE = re.compile(r"([@%])((?:#|::)+)")
_FILE = re.compile(r"(.*\.(?:json|yaml|yml))(?:(?:#|::)(.*))?", re.IGNORECASE)
_ABSENT = object()

Path = tuple[str, ...]
ReadFile = Callable[[str], Any]
"""The content of another file of the bundle; None where there is none."""


def written_out(config: Mapping[str, Any], read_file: ReadFile) -> dict[str, Any]:
    """The same description without shorthands; macros that name nothing stay as they are.

    What several macros name is one object in the result, so that it is no larger than what was read.
    """
    return dict(_Writer(_merged(config), read_file).entries())


def _merged(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that are paths set what they lead to; those with a plus add to it."""
    whole: dict[str, Any] = {}
    for key, value in copy.deepcopy(dict(config)).items():
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
        self._known: dict[str, Any] = {}
        self._open: set[str] = set()

    def entries(self) -> dict[str, Any]:
        return {key: self._written(value, (key,)) for key, value in self._config.items()}

    def _written(self, node: Any, place: Path) -> Any:
        if isinstance(node, dict):
            return {key: self._written(value, (*place, str(key))) for key, value in node.items()}
        if isinstance(node, list):
            return [self._written(value, (*place, str(n))) for n, value in enumerate(node)]
        if not isinstance(node, str):
            return node
        text = _RELATIVE.sub(lambda match: _absolute(match, place), node)
        return self._macro(text) if text.startswith("%") else text

    def _macro(self, text: str) -> Any:
        if text in self._open:
            return text
        if text not in self._known:
            self._open.add(text)
            found = self._named(text[1:])
            self._known[text] = text if found is _ABSENT else found
            self._open.discard(text)
        return self._known[text]

    def _named(self, name: str) -> Any:
        file = _FILE.fullmatch(name)
        if file is None:
            path = tuple(SEPARATOR.split(name))
            node = _found(self._config, path)
            return node if node is _ABSENT else self._written(node, path)
        # MONAI takes what another file says as it is there.
        content = self._read_file(file[1])
        return _found(_ABSENT if content is None else content, tuple(SEPARATOR.split(file[2])) if file[2] else ())


def _absolute(match: re.Match[str], place: Path) -> str:
    """``@#a`` is beside the place, ``@##a`` beside what holds the place."""
    levels = len(SEPARATOR.findall(match[2]))
    if levels > len(place):
        return match[0]
    return match[1] + "".join(f"{part}#" for part in place[:-levels])
