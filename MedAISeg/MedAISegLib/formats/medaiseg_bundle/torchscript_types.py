"""Types of numbers, layouts and orders in memory that TorchScript asks for.

They are whole numbers there, and torch looks them up in tables without asking whether the tables are that long: each
has to be known before the network runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

_NUMBERS = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 15})
_KNOWN = {
    "dtype": _NUMBERS,
    "out_dtype": _NUMBERS,
    "layout": frozenset({0}),
    "memory_format": frozenset({0, 1, 2, 3}),
}
"""By the name of an argument: integers, floats, complex numbers and truth values; strided; torch's four orders."""

_OF_A_TENSOR = ("prim::dtype", "prim::layout")
_PASSED_ON = ("prim::unchecked_cast", "prim::unchecked_unwrap_optional", "aten::_unwrap_optional")


def unknown_types(script: torch.jit.ScriptModule) -> Iterator[str]:
    """What the network asks for that torch may not have, as operator and argument."""
    graphs = _graphs(script)
    if any(node.kind() == "prim::CallMethod" for graph in graphs for node in _nodes(graph)):
        # Which module an interface stands for shows only when it runs.
        graphs = [graph for module in script.modules() for graph in _graphs(module)]
    for node in (node for graph in graphs for node in _nodes(graph)):
        schema = node.schema()
        if not any(name in schema for name in _KNOWN):
            continue
        for argument, value in zip(torch._C.parse_schema(schema).arguments, node.inputs(), strict=False):
            if argument.name in _KNOWN and not _is_known(value, _KNOWN[argument.name]):
                yield f"{node.kind().rpartition('::')[2]} with a {argument.name} that torch may not have"


def _graphs(module: Any) -> list[Any]:
    """What a module's methods and hooks do, with whatever they call; an operation lives no longer than its graph."""
    methods = [module._c._get_method(name) for name in module._c._method_names()]
    functions = (*methods, *module._forward_pre_hooks.values(), *module._forward_hooks.values())
    return [function.inlined_graph for function in functions]


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _is_known(value: Any, known: frozenset[int]) -> bool:
    node = value.node()
    kind = node.kind()
    if kind == "prim::Constant":
        constant = value.toIValue()
        return constant is None or constant in known
    if kind == "prim::If":
        return all(_is_known(list(block.outputs())[value.offset()], known) for block in node.blocks())
    if kind in _PASSED_ON:
        return _is_known(next(node.inputs()), known)
    return kind in _OF_A_TENSOR
