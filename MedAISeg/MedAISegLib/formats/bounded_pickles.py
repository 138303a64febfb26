"""The work of a pickle, bounded before it is opened.

Opening a pickle looks up keys, and looking up a key of nested tuples goes through all that it holds: forty tuples of
which each holds the one before twice are a few hundred bytes in the file, and two to the power of forty look-ups that
nothing can interrupt. So the pickle is gone through first: a stack like the real one, on which a value is only how much
there is in it. What is looked up or handed to a function is counted as often as that happens. Of functions that take
memory for the asking, or go through a tensor whose numbers need not all be in the file, none is called.

Understood are the operations that torch's own reader of plain weights understands
(``torch._weights_only_unpickler``), which are those that ``torch.save`` writes, and ``torch.jit.save``.

What TorchScript holds is let go value by value, each by the one that holds it, on the program's own stack, which ends
the program where it is exceeded; so such a pickle is bounded in how deep its values lie when all is done.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from mmap import mmap
from typing import NoReturn

from .pickled_names import ENCODE, MAKES_A_TENSOR, ONLY_NAMED, value_of
from .pickled_values import (
    DEPTH_BITS,
    LATIN,
    LATIN_NAMES,
    Encodable,
    ExcessError,
    Growing,
    TensorValue,
    Value,
    require_depth,
    take,
    tuple_of,
)

__all__ = ["LARGEST", "ExcessError", "require_bounded", "require_shallow"]

LARGEST = 64 * 2**20
"""Bytes of a pickle without the numbers of its tensors."""

_FREE_WORK, _WORK_A_BYTE = 10**6, 2
_MOST_MADE, _MOST_TENSORS = 4_000_000, 50_000
_LONG_TEXT, _BYTES_A_WORK = 1024, 8


def _code(operation: bytes) -> int:
    return operation[0]


_ARGUMENT_BYTES = [-1] * 256
"""Of operations that put a value on the stack that holds no others."""
for _operation, _length in (
    (pickle.NONE, 0), (pickle.NEWTRUE, 0), (pickle.NEWFALSE, 0), (pickle.BININT, 4), (pickle.BININT1, 1),
    (pickle.BININT2, 2), (pickle.BINFLOAT, 8),
):  # fmt: skip
    _ARGUMENT_BYTES[_code(_operation)] = _length
_SHORT_TUPLES = {_code(pickle.TUPLE1): 1, _code(pickle.TUPLE2): 2, _code(pickle.TUPLE3): 3}
_PUT, _LONG_PUT, _GET, _LONG_GET = map(_code, (pickle.BINPUT, pickle.LONG_BINPUT, pickle.BINGET, pickle.LONG_BINGET))
_TEXT, _MARK, _TUPLE, _STOP = map(_code, (pickle.BINUNICODE, pickle.MARK, pickle.TUPLE, pickle.STOP))


def require_bounded(content: bytes | mmap, start: int = 0) -> int:
    """Go through one pickle without opening it.

    Returns:
        Where it ends.

    Raises:
        ExcessError: if opening it would take more work than its size justifies, or it is not as torch writes it.
        UnpicklingError: if it is damaged.
    """
    return _Machine(content, start).run()


def require_shallow(content: bytes) -> None:
    """Go through a pickle of TorchScript, as ``require_bounded`` does, and see how deep it is in the end.

    Raises:
        ExcessError: if it is nested too deep, holds itself, or would take endless work.
        UnpicklingError: if it is damaged.
    """
    machine = _Machine(content, 0)
    machine.run()
    depths: dict[int, int] = {}
    for value in machine.made:
        _measure(value, depths)


def _measure(outermost: Growing, depths: dict[int, int]) -> None:
    """Work out the depth of a value by its identity; until it is known it is 0."""
    waiting = [outermost]
    while waiting:
        value = waiting[-1]
        if depths.get(id(value)):
            waiting.pop()
        elif id(value) not in depths:
            depths[id(value)] = 0
            if any(depths.get(id(part)) == 0 for part in value.parts):
                raise ExcessError("it holds itself")
            waiting += (part for part in value.parts if id(part) not in depths)
        else:
            depths[id(value)] = max([value.depth, *(depths[id(part)] + 1 for part in value.parts)])
            require_depth(depths[id(value)])
            waiting.pop()


class _Machine:
    """Goes through a pickle."""

    def __init__(self, content: bytes | mmap, start: int) -> None:
        self.content, self.start, self.position = content, start, start
        self.stack: list[Value] = []
        self.marks: list[int] = []
        self.memo: dict[int, Value] = {}
        self.made: list[Growing] = []
        self.tensors = 0
        self.work = _FREE_WORK + _WORK_A_BYTE * min(len(content) - start, LARGEST)

    def run(self) -> int:
        """Where the pickle ends."""
        try:
            return self._run()
        except (IndexError, KeyError) as error:
            raise pickle.UnpicklingError("its description breaks off") from error

    def _run(self) -> int:
        content, stack, memo, position = self.content, self.stack, self.memo, self.position
        while (operation := content[position]) != _STOP:
            position += 1
            if (length := _ARGUMENT_BYTES[operation]) >= 0:
                stack.append(0)
                position += length
            elif operation == _LONG_PUT:
                memo[int.from_bytes(content[position : position + 4], "little")] = stack[-1]
                position += 4
            elif operation == _GET:
                stack.append(memo[content[position]])
                position += 1
            elif operation == _TEXT:
                length = int.from_bytes(content[position : position + 4], "little")
                position += 4 + length
                if length >= _LONG_TEXT:
                    stack.append(length // _BYTES_A_WORK << DEPTH_BITS)
                else:
                    stack.append(LATIN if content[position - length : position] in LATIN_NAMES else 0)
            elif count := _SHORT_TUPLES.get(operation):
                stack[-count:] = (tuple_of(stack[-count:]),)
            elif operation == _LONG_GET:
                stack.append(memo[int.from_bytes(content[position : position + 4], "little")])
                position += 4
            elif operation == _PUT:
                memo[content[position]] = stack[-1]
                position += 1
            elif operation == _MARK:
                self.marks.append(len(stack))
            elif operation == _TUPLE:
                stack.append(tuple_of(self.marked()))
            else:
                self.position = position
                _ACTIONS.get(operation, _refuse)(self)
                position = self.position
            if position >= self.start + LARGEST:
                raise ExcessError("it says more beside its weights than a checkpoint does")
        return position + 1

    def marked(self) -> list[Value]:
        """What has been put on the stack since the last mark, taken off it."""
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def make(self, kind: type[Growing] = Growing) -> Growing:
        """A value into which more may be put."""
        if len(self.made) >= _MOST_MADE:
            raise ExcessError(f"it holds more than {_MOST_MADE} lists, mappings and objects")
        self.tensors += kind is TensorValue
        if self.tensors > _MOST_TENSORS:
            raise ExcessError(f"it holds more than {_MOST_TENSORS} tensors")
        self.made.append(kind())
        return self.made[-1]

    def count(self, value: Value) -> None:
        """Everything in the value is gone through once."""
        waiting = [value]
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, Growing):
                self.work -= inner.size
                waiting += inner.parts
            else:
                self.work -= inner >> DEPTH_BITS
            if self.work < 0:
                raise ExcessError("opening it would take far more work than its size justifies")


def _short(machine: _Machine) -> None:
    machine.stack.append(0)
    machine.position += 1 + machine.content[machine.position]


def _global(machine: _Machine) -> None:
    """Two lines: a module, and a name in it. What the other classes make may grow."""
    start = machine.position
    ends = machine.content.find(b"\n", machine.content.find(b"\n", start) + 1)
    if ends < 0:
        raise pickle.UnpicklingError("its description is out of order")
    machine.position = ends + 1
    value = value_of(machine.content[start:ends])
    machine.stack.append(machine.make() if value is None else value)


def _empty(machine: _Machine) -> None:
    machine.stack.append(machine.make())


def _empty_tuple(machine: _Machine) -> None:
    machine.stack.append(tuple_of(()))


def _protocol(machine: _Machine) -> None:
    machine.position += 1


def _append(machine: _Machine) -> None:
    item = machine.stack.pop()
    take(machine.stack[-1], (item,))


def _appends(machine: _Machine) -> None:
    items = machine.marked()
    take(machine.stack[-1], items)


def _set_item(machine: _Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.count(key)
    take(machine.stack[-1], (key, value))


def _set_items(machine: _Machine) -> None:
    items = machine.marked()
    for key in items[::2]:
        machine.count(key)
    take(machine.stack[-1], items)


def _call(machine: _Machine) -> None:
    """A function or class with its arguments gives a value that holds them."""
    arguments, function = machine.stack.pop(), machine.stack.pop()
    machine.count(arguments)
    if function is ONLY_NAMED or (function is ENCODE and not isinstance(arguments, Encodable)):
        raise ExcessError("it calls what no checkpoint needs")
    if function is not MAKES_A_TENSOR:
        if type(function) is not int and _has_tensor(arguments):
            raise ExcessError("it goes through a tensor, which may be of any size")
        if function == 0:
            machine.stack.append(tuple_of((arguments,)))
            return
    made = machine.make(TensorValue if function is MAKES_A_TENSOR else Growing)
    take(made, (arguments,))
    machine.stack.append(made)


def _has_tensor(arguments: Value) -> bool:
    return isinstance(arguments, Growing) and any(isinstance(part, TensorValue) for part in arguments.parts)


def _build(machine: _Machine) -> None:
    """What such a value is given to remember; none is looked up by that."""
    state = machine.stack.pop()
    machine.count(state)
    if isinstance(machine.stack[-1], Growing):
        take(machine.stack[-1], (state,))


def _fetch(machine: _Machine) -> None:
    """A tensor's numbers, looked up by where they are."""
    machine.count(machine.stack.pop())
    machine.stack.append(0)


def _refuse(_: _Machine) -> NoReturn:
    raise ExcessError("it is not as torch writes it")


_ACTIONS: dict[int, Callable[[_Machine], None]] = {
    _code(pickle.SHORT_BINSTRING): _short,
    _code(pickle.LONG1): _short,
    _code(pickle.GLOBAL): _global,
    _code(pickle.PROTO): _protocol,
    _code(pickle.EMPTY_DICT): _empty,
    _code(pickle.EMPTY_LIST): _empty,
    _code(pickle.EMPTY_SET): _empty,
    _code(pickle.EMPTY_TUPLE): _empty_tuple,
    _code(pickle.APPEND): _append,
    _code(pickle.APPENDS): _appends,
    _code(pickle.SETITEM): _set_item,
    _code(pickle.SETITEMS): _set_items,
    _code(pickle.REDUCE): _call,
    _code(pickle.NEWOBJ): _call,
    _code(pickle.BUILD): _build,
    _code(pickle.BINPERSID): _fetch,
}
