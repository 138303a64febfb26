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
from typing import Any

from .known_names import KNOWN_NAMES, MOST_ITEMS, NotUnderstoodError, as_text, bounded, plain_call
from .values import Component, Device, FileContent, Unresolved

REFERENCE = re.compile(r"@\w*(?:(?:#|::)\w+)*")
"""A reference in a text: ``@name``, ``@name#0#key`` or ``@name::0::key``."""

_LONGEST_TEXT = 4000

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


@dataclass(frozen=True)
class Surroundings:
    """What an expression may ask for: the value of a reference, and whether a file of the bundle is there.

    ``count`` is told, with the place, what is computed with; it raises ModelError where that is too much.
    """

    resolve: Callable[[str], Any]
    has_file: Callable[[str], bool]
    count: Callable[[Any, str], None]


def follow(text: str, place: str, surroundings: Surroundings) -> Any:
    """The value of an expression (without its leading ``$``), or Unresolved where it goes beyond the list.

    Raises:
        ModelError: if it computes with too much.
    """
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
    except (NotUnderstoodError, SyntaxError, ValueError, MemoryError, RecursionError):
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
                return bounded(constant)
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
        raise NotUnderstoodError

    def _known(self, node: ast.expr) -> Any:
        """A value to compute with: data, no object and nothing unresolved."""
        value = self.value(node)
        if value is None or isinstance(value, (bool, int, float, str, list, dict)):
            self.surroundings.count(value, self.place)
            return value
        raise NotUnderstoodError

    def _mapping(self, keys: list[ast.expr | None], values: list[ast.expr]) -> dict[Any, Any]:
        items = {}
        for key, value in zip(keys, values, strict=True):
            name = self._known(key) if key is not None else []
            if not isinstance(name, (str, int)):
                raise NotUnderstoodError
            items[name] = self.value(value)
        return items

    def _named(self, node: ast.expr) -> Any:
        name = _dotted(node)
        if name.startswith("_reference_"):
            return self.surroundings.resolve(self.references[int(name.removeprefix("_reference_"))])
        if name in KNOWN_NAMES:
            return KNOWN_NAMES[name]
        raise NotUnderstoodError

    def _item(self, node: ast.Subscript) -> Any:
        owner = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            parts = [None if p is None else self._known(p) for p in (node.slice.lower, node.slice.upper)]
            if node.slice.step is not None or not isinstance(owner, (list, str)):
                raise NotUnderstoodError
            return owner[slice(*parts)]
        key = self._known(node.slice)
        if isinstance(owner, FileContent) and isinstance(key, (str, int)):
            return replace(owner, keys=(*owner.keys, key))
        if isinstance(owner, (list, dict, str)):
            return owner[key]
        raise NotUnderstoodError

    def _either(self, values: list[ast.expr], *, stop_at: bool) -> Any:
        value: Any = None
        for node in values:
            value = self._known(node)
            if bool(value) is stop_at:
                break
        return value

    def _binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Mod) and isinstance(left, str):
            raise NotUnderstoodError
        if isinstance(op, ast.Mult):
            for items, times in ((left, right), (right, left)):
                if isinstance(items, (str, list)) and len(items) * int(times) > MOST_ITEMS:
                    raise NotUnderstoodError
        return bounded(_BINARY[type(op)](left, right))

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
            return FileContent(as_text(self._known(node.args[0])))
        if name.startswith("monai.") and not node.args:
            return self._component(name, node.keywords)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise NotUnderstoodError
        if name in ("torch.from_numpy", "torch.tensor", "torch.as_tensor"):
            return self._tensor(node.args)
        return plain_call(name, [self._known(argument) for argument in node.args], self.surroundings.has_file)

    def _component(self, name: str, keywords: list[ast.keyword]) -> Component:
        if any(keyword.arg is None for keyword in keywords):
            raise NotUnderstoodError
        arguments = {str(keyword.arg): self.value(keyword.value) for keyword in keywords}
        return Component(name, arguments, self.place)

    def _tensor(self, arguments: list[ast.expr]) -> FileContent:
        value = self.value(arguments[0]) if len(arguments) == 1 else None
        if not isinstance(value, FileContent):
            raise NotUnderstoodError
        return replace(value, as_tensor=True)


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise NotUnderstoodError
    return ".".join([node.id, *reversed(parts)])
