"""What of a bundle would be run as code, and where; told from its text alone, nothing is imported or evaluated."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..monai_bundle.expressions import REFERENCE
from ..monai_bundle.references import Inference
from ..monai_bundle.values import Unresolved, quoted
from .monai_classes import is_of_monai

ENTRIES = ("network_def", "network", "preprocessing", "inferer", "postprocessing", "evaluator", "checkpointloader")
"""Where a run of a bundle begins; what none of them refers to is never evaluated, but for imports."""

_REFERENCE = re.compile(r"[@%](\w+)")
_STAND_IN = "_reference_"
_HARMLESS = frozenset(
    {
        *("bool", "dict", "float", "int", "len", "list", "max", "min", "range", "str", "tuple"),
        *("os.path.exists", "os.path.isfile", "os.path.join"),
        *("torch.as_tensor", "torch.cuda.is_available", "torch.device", "torch.from_numpy", "torch.tensor"),
    }
)
"""What an expression may call without being named; of objects that it refers to, these methods:"""
_METHODS = ("to", "eval", "cpu", "float")
_USUAL = frozenset({"monai", "torch", "numpy"}) | sys.stdlib_module_names
_MOST_NAMED = 40
"""More than any honest bundle has, so that nothing is behind harmless things."""


@dataclass(frozen=True)
class OwnCode:
    """Attributes:
    named: each thing that would be run, as a phrase for a user.
    missing: files of the bundle's own code that its classes would be in, and that are not there.
    """

    named: tuple[str, ...]
    missing: tuple[str, ...]

    def described(self) -> str:
        """A list for a sentence; empty where there is nothing but what MONAI itself has."""
        more = len(self.named) - _MOST_NAMED
        return ", ".join(self.named[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def own_code(config: Mapping[str, Any], root: Path) -> OwnCode:
    """Look through what a run would come by.

    Raises:
        ModelError: if entries refer to themselves.
    """
    inference = Inference(config, root)
    named: dict[str, None] = {}
    missing: dict[str, None] = {}
    for module in _imports(config):
        if module.partition(".")[0] not in _USUAL:
            named[f"import {quoted(module)}"] = None
    for place, value in _reachable(config):
        if place.endswith("#_target_"):
            if not is_of_monai(value) or _is_there(root, value):
                named[f"the class {quoted(value)} ({place.removesuffix('#_target_')})"] = None
            if file := _missing_file(value, root):
                missing[file] = None
        elif value.startswith("$") and not _imported(value) and not _is_followed(value, inference.value(place)):
            named[f"the expression {quoted(value)} ({place})"] = None
    return OwnCode(tuple(named), tuple(missing))


def _reachable(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text below the entries of a run, and below what they refer to, with its place."""
    waiting, seen = [name for name in ENTRIES if name in config], set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        for place, value in _texts(config[name], name):
            yield place, value
            waiting += [found for found in _REFERENCE.findall(value) if found in config]


def _texts(node: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield place, node
    elif isinstance(node, dict):
        for key, item in node.items():
            yield from _texts(item, f"{place}#{key}")
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from _texts(item, f"{place}#{number}")


def _imports(config: Mapping[str, Any]) -> Iterator[str]:
    for _, text in _texts(dict(config), ""):
        yield from _imported(text)


def _imported(text: str) -> list[str]:
    """The modules that a text imports, where it is an import statement."""
    if not text.startswith("$") or "import" not in text:
        return []
    try:
        statements = ast.parse(text[1:].strip()).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    names: list[str] = []
    for statement in statements:
        if isinstance(statement, ast.Import):
            names += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            names.append("." * statement.level + (statement.module or ""))
    return names


def _is_followed(text: str, value: Any) -> bool:
    """Whether an expression has a value without being evaluated, and calls nothing but what is harmless or MONAI's.

    What is called on a branch that was not followed, or for an argument that does not matter, counts as well.
    """
    if isinstance(value, Unresolved):
        return False
    try:
        tree = ast.parse(REFERENCE.sub(_STAND_IN, text[1:]).strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return all(_is_known(call) for call in ast.walk(tree) if isinstance(call, ast.Call))


def _is_known(call: ast.Call) -> bool:
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in _METHODS:
        return isinstance(func.value, ast.Call) or ast.unparse(func.value) == _STAND_IN
    name = ast.unparse(func)
    if name == "torch.load":
        # Other arguments can have it run code that the file holds.
        return len(call.args) <= 2 and all(keyword.arg == "map_location" for keyword in call.keywords)
    return name in _HARMLESS or is_of_monai(name)


def _missing_file(target: str, root: Path) -> str:
    """The file that a class of the bundle's own would be in, where neither it nor an installed package is there."""
    module = target.split(".")[:-1]
    if not module or module[0] == "monai" or not all(part.isidentifier() for part in module):
        return ""
    if not _is_there(root, module[0]):
        return "" if _is_installed(module[0]) else _as_file(module)
    for count in range(1, len(module) + 1):
        if (root.joinpath(*module[:count]).with_suffix(".py")).is_file():
            return ""
        if not root.joinpath(*module[:count]).is_dir():
            return _as_file(module[:count])
    return ""


def _is_there(root: Path, name: str) -> bool:
    return (root / name).is_dir() or (root / f"{name}.py").is_file()


def _is_installed(name: str) -> bool:
    # Of a top-level name nothing is imported for this.
    return name in sys.builtin_module_names or importlib.util.find_spec(name) is not None


def _as_file(module: list[str]) -> str:
    return f"{PurePosixPath(*module)}.py"
