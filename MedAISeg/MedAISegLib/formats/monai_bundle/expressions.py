"""Python expressions in a bundle's description, followed over their syntax tree and never evaluated.

Understood are literals and their containers, references, arithmetic and comparisons of known values, conditions, text
joins, and a short list of calls and names. Everything else is not understood, which is no error here.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from .values import Component, Device, FileContent, Unresolved

REFERENCE = re.compile(r"@\w*(?:(?:#|::)\w+)*")
"""A reference in a text: ``@name``, ``@name#0#key`` or ``@name::0::key``."""

_LONGEST_TEXT = 4000
_MOST_ITEMS = 10_000
_LARGEST_NUMBER = 2**63

_NAMES: dict[str, Any] = {
    "monai.utils.CommonKeys.IMAGE": "image",
    "monai.utils.CommonKeys.PRED": "pred",
    "monai.utils.CommonKeys.LABEL": "label",
    "monai.utils.BlendMode.CONSTANT": "constant",
    "monai.utils.BlendMode.GAUSSIAN": "gaussian",
    "monai.utils.GridSampleMode.BILINEAR": "bilinear",
    "monai.utils.GridSampleMode.NEAREST": "nearest",
    "monai.utils.PytorchPadMode.CONSTANT": "constant",
    "monai.utils.PytorchPadMode.REPLICATE": "replicate",
    "monai.utils.PytorchPadMode.REFLECT": "reflect",
}
_NUMBER_TYPES = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "uint16", "bool")
_NAMES |= {f"{module}.{name}": name for module in ("torch", "numpy", "np") for name in _NUMBER_TYPES}

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class _NotUnderstoodError(Exception):
    """The expression goes beyond the list."""


@dataclass(frozen=True)
class Surroundings:
    """What an expression may ask for: the value of a reference, and whether a file of the bundle is there."""

    resolve: Callable[[str], Any]
    has_file: Callable[[str], bool]


def follow(text: str, place: str, surroundings: Surroundings) -> Any:
    """The value of an expression (without its leading ``$``), or Unresolved where it goes beyond the list."""
    references: list[str] = []

    def name_of(match: re.Match[str]) -> str:
        references.append(match.group()[1:])
        return f"_reference_{len(references) - 1}"

    beyond = Unresolved("$" + text, place)
    if len(text) > _LONGEST_TEXT or "_reference_" in text:
        return beyond
    try:
        tree = ast.parse(REFERENCE.sub(name_of, text).strip(), mode="eval")
        return _Follower(references, surroundings, place).value(tree.body)
    except (_NotUnderstoodError, SyntaxError, ValueError, MemoryError, RecursionError):
        return beyond
    except (TypeError, ArithmeticError, LookupError) as error:
        return replace(beyond, reason=f"does not work out ({error})")


@dataclass(frozen=True)
class _Follower:
    references: list[str]
    surroundings: Surroundings
    place: str

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() as constant):
                return _bounded(constant)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item) for item in items]
            case ast.Dict(keys=keys, values=values):
                return self._mapping(keys, values)
            case ast.Name() | ast.Attribute():
                return self._named(node)
            case ast.Subscript():
                return self._item(node)
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return self.value(body if self._known(test) else otherwise)
            case ast.BoolOp(op=op, values=values):
                return self._either(values, stop_at=isinstance(op, ast.Or))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                return _UNARY[type(op)](self._known(operand))
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
                return self._binary(op, self._known(left), self._known(right))
            case ast.Compare():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
        raise _NotUnderstoodError

    def _known(self, node: ast.expr) -> Any:
        """A value to compute with: data, no object and nothing unresolved."""
        value = self.value(node)
        if value is None or isinstance(value, (bool, int, float, str, list, dict)):
            return value
        raise _NotUnderstoodError

    def _mapping(self, keys: list[ast.expr | None], values: list[ast.expr]) -> dict[Any, Any]:
        items = {}
        for key, value in zip(keys, values, strict=True):
            name = self._known(key) if key is not None else []
            if not isinstance(name, (str, int)):
                raise _NotUnderstoodError
            items[name] = self.value(value)
        return items

    def _named(self, node: ast.expr) -> Any:
        name = _dotted(node)
        if name.startswith("_reference_"):
            return self.surroundings.resolve(self.references[int(name.removeprefix("_reference_"))])
        if name in _NAMES:
            return _NAMES[name]
        raise _NotUnderstoodError

    def _item(self, node: ast.Subscript) -> Any:
        owner = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            parts = [None if p is None else self._known(p) for p in (node.slice.lower, node.slice.upper)]
            if node.slice.step is not None or not isinstance(owner, (list, str)):
                raise _NotUnderstoodError
            return owner[slice(*parts)]
        key = self._known(node.slice)
        if isinstance(owner, FileContent) and isinstance(key, (str, int)):
            return replace(owner, keys=(*owner.keys, key))
        if isinstance(owner, (list, dict, str)):
            return owner[key]
        raise _NotUnderstoodError

    def _either(self, values: list[ast.expr], *, stop_at: bool) -> Any:
        value: Any = None
        for node in values:
            value = self._known(node)
            if bool(value) is stop_at:
                break
        return value

    def _binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Mod) and isinstance(left, str):
            raise _NotUnderstoodError
        if isinstance(op, ast.Mult):
            for items, times in ((left, right), (right, left)):
                if isinstance(items, (str, list)) and len(items) * int(times) > _MOST_ITEMS:
                    raise _NotUnderstoodError
        return _bounded(_BINARY[type(op)](left, right))

    def _comparison(self, node: ast.Compare) -> bool:
        left = self._known(node.left)
        for op, other in zip(node.ops, node.comparators, strict=True):
            right = self._known(other)
            if not _COMPARE[type(op)](left, right):
                return False
            left = right
        return True

    def _call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("to", "eval", "cpu", "float"):
            owner = self.value(node.func.value)
            if isinstance(owner, Component):
                return owner
        name = _dotted(node.func)
        if name == "torch.device":
            return Device()
        if name == "torch.cuda.is_available" and not node.args:
            return False
        if name == "torch.load" and node.args:
            return FileContent(_text(self._known(node.args[0])))
        if name.startswith("monai.") and not node.args:
            return self._component(name, node.keywords)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _NotUnderstoodError
        if name in ("torch.from_numpy", "torch.tensor", "torch.as_tensor"):
            return self._tensor(node.args)
        return self._plain_call(name, [self._known(argument) for argument in node.args])

    def _component(self, name: str, keywords: list[ast.keyword]) -> Component:
        if any(keyword.arg is None for keyword in keywords):
            raise _NotUnderstoodError
        arguments = {str(keyword.arg): self.value(keyword.value) for keyword in keywords}
        return Component(name, arguments, self.place)

    def _tensor(self, arguments: list[ast.expr]) -> FileContent:
        value = self.value(arguments[0]) if len(arguments) == 1 else None
        if not isinstance(value, FileContent):
            raise _NotUnderstoodError
        return replace(value, as_tensor=True)

    def _plain_call(self, name: str, arguments: list[Any]) -> Any:
        match name, arguments:
            case "len", [list() | dict() | str() as items]:
                return len(items)
            case "list" | "tuple", [list() | dict() as items]:
                return list(items)
            case "list" | "tuple", []:
                return []
            case "dict", [dict() as items]:
                return dict(items)
            case "int", [bool() | int() | float() as number]:
                return _bounded(int(number))
            case "float", [bool() | int() | float() as number]:
                return float(number)
            case "str", [str() | int() | float() as value]:
                return str(value)
            case "bool", [value]:
                return bool(value)
            case "range", [*bounds]:
                return _numbers(bounds)
            case "max" | "min", [list() as items]:
                return max(items) if name == "max" else min(items)
            case "os.path.join", [str() as first, *rest]:
                return str(PurePosixPath(first, *(_text(part) for part in rest)))
            case "os.path.exists" | "os.path.isfile", [str() as path]:
                return self.surroundings.has_file(path)
        raise _NotUnderstoodError


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _NotUnderstoodError
    return ".".join([node.id, *reversed(parts)])


def _numbers(bounds: list[Any]) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > _MOST_ITEMS:
        raise _NotUnderstoodError
    return list(numbers)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _NotUnderstoodError
    return value


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        raise _NotUnderstoodError
    if isinstance(value, (str, list)) and len(value) > _MOST_ITEMS:
        raise _NotUnderstoodError
    return value
