"""The overloads of a C++ function or of a stand-in's method, and the choice among them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from .arguments import MismatchError, accept, cxx_name, shown


@dataclass(frozen=True)
class Overload:
    parameters: tuple[inspect.Parameter, ...]
    returns: Any
    takes_more: bool = False

    @property
    def required(self) -> int:
        return sum(parameter.default is inspect.Parameter.empty for parameter in self.parameters)

    def fits_number(self, count: int) -> bool:
        return self.required <= count and (self.takes_more or count <= len(self.parameters))

    def convert(self, arguments: Sequence[Any], *, strict: bool) -> list[Any]:
        kinds = [parameter.annotation for parameter in self.parameters]
        kinds += [Any] * (len(arguments) - len(kinds))
        return [accept(kind, value, strict=strict) for kind, value in zip(kinds, arguments, strict=False)]

    def described(self, name: str) -> str:
        listed = ", ".join(f"{cxx_name(each.annotation)} {each.name}" for each in self.parameters)
        return f"{name}({listed}) -> {cxx_name(self.returns)}"


def choose(name: str, overloads: Sequence[Overload], arguments: tuple[Any, ...]) -> tuple[Overload, list[Any]]:
    """The overload that PythonQt calls, and the converted arguments.

    Raises:
        ValueError: with PythonQt's words, if none fits.
    """
    fitting = [each for each in overloads if each.fits_number(len(arguments))]
    for strict in (True, False):
        for overload in fitting:
            try:
                return overload, overload.convert(arguments, strict=strict)
            except MismatchError:
                continue
    raise ValueError(_refusal(name, overloads, fitting, arguments))


def _refusal(name: str, overloads: Sequence[Overload], fitting: Sequence[Overload], arguments: tuple[Any, ...]) -> str:
    if len(overloads) == 1:
        wrong = "wrong arguments" if fitting else "wrong number of arguments"
        return f"Called {overloads[0].described(name)} with {wrong}: {shown(arguments)}"
    listed = "".join(f"{each.described(name)}\n" for each in overloads)
    return (
        f"Could not find matching overload for given arguments:\n{shown(arguments)}\n"
        f" The following slots are available:\n{listed}"
    )


@cache
def overloads_of(function: Callable[..., Any]) -> tuple[Overload, ...]:
    """By PySide6's own signatures for C++, by annotations for a stand-in; empty where neither is known."""
    if inspect.isfunction(function) or inspect.ismethod(function):
        signatures: Any = inspect.signature(function)
    else:
        from shibokensupport.signature import get_signature

        signatures = get_signature(function)
    if signatures is None:
        return ()
    return tuple(_overload(each) for each in (signatures if isinstance(signatures, list) else [signatures]))


def binding(function: Callable[..., Any]) -> str:
    """ "static", "bound", or "mixed" where some overloads are static and others are not."""
    from shibokensupport.signature import get_signature

    if inspect.isfunction(function):
        return "bound"
    signatures = get_signature(function)
    if signatures is None:
        return "static" if inspect.isbuiltin(function) else "bound"
    bound = ["self" in each.parameters for each in (signatures if isinstance(signatures, list) else [signatures])]
    return "bound" if all(bound) else "mixed" if any(bound) else "static"


def _overload(signature: inspect.Signature) -> Overload:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [each for each in signature.parameters.values() if each.kind in positional]
    more = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in signature.parameters.values())
    if parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    return Overload(tuple(parameters), signature.return_annotation, more)
