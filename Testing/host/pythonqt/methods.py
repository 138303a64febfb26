"""Methods as PythonQt shows them: objects that print as ``<qt slot …>`` and raise ValueError for wrong arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import shiboken6

from .conversion import unwrap, wrap
from .errors import NotModelled
from .overloads import Overload, binding, choose, overloads_of


class SlotMeta(type):
    def __repr__(cls) -> str:
        return f"<class '{cls.__name__}'>"


class builtin_qt_slot(metaclass=SlotMeta):  # the name is PythonQt's
    """A method of an object, or of a class where ``wrapper`` is None."""

    __module__ = "builtins"

    __slots__ = ("_call", "_name", "_owner", "_wrapper")

    def __init__(self, name: str, owner: str, wrapper: Any, call: Callable[..., Any]) -> None:
        self._name, self._owner, self._wrapper, self._call = name, owner, wrapper, call

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if keywords:
            raise ValueError(
                f"Called {self._owner}.{self._name} with keyword arguments, but called slot does not support kwargs."
            )
        if self._wrapper is None:
            return self._call(*arguments)
        return self._call(self._wrapper, *arguments)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, builtin_qt_slot)
            and self._name == other._name
            and self._wrapper is other._wrapper
            and self._owner == other._owner
        )

    def __hash__(self) -> int:
        return hash((self._name, self._owner, id(self._wrapper)))

    def __repr__(self) -> str:
        if self._wrapper is None:
            return f"<unbound qt slot {self._name} of {self._owner} type>"
        return f"<qt slot {self._name} of {self._owner} instance at {id(self._wrapper):#x}>"

    @property
    def __name__(self) -> str:
        return self._name

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return f"X.{self._name}()"


def live_native(wrapper: Any, what: str) -> Any:
    """The PySide6 object of a wrapper.

    Raises:
        ValueError: with PythonQt's words, if the C++ object is gone.
    """
    native = wrapper.__dict__.get("_native")
    if native is None:
        raise ValueError(f"{type(wrapper).__name__}: __init__ of the base class was not called")
    if not shiboken6.isValid(native):
        raise ValueError(f"Trying to {what} a destroyed {type(wrapper).cxx_class_name} object")
    return native


def method_of(kind: type, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A callable of (wrapper, *arguments) for the method ``name`` of the PySide6 class ``kind``."""
    how = binding(function)
    if how == "static":

        def call_static(*arguments: Any) -> Any:
            return _call(name, function, (), arguments)

        call_static.static = True  # type: ignore[attr-defined]
        return call_static

    def call(wrapper: Any, *arguments: Any) -> Any:
        native = live_native(wrapper, f"call '{name}' on")
        if not isinstance(native, kind):
            raise ValueError(f"unbound {name}() needs a {kind.__name__} object")
        if how == "mixed":
            return _call(name, getattr(native, name), (), arguments, overloads_of(function))
        return _call(name, function, (native,), arguments)

    return call


def _call(
    name: str,
    function: Callable[..., Any],
    bound: tuple[Any, ...],
    arguments: tuple[Any, ...],
    overloads: tuple[Overload, ...] | None = None,
) -> Any:
    overloads = overloads_of(function) if overloads is None else overloads
    if overloads:
        _, converted = choose(name, overloads, arguments)
    else:
        converted = [unwrap(each) for each in arguments]
    try:
        return wrap(function(*bound, *converted))
    except NotImplementedError as error:
        raise NotModelled(f"{name}{arguments!r}: {error}") from error
    except TypeError as error:
        if inspect.isfunction(function) or "called with wrong argument" not in str(error):
            raise
        raise ValueError(str(error)) from error
