"""A module's Python subclass of a Qt class: a hidden PySide6 subclass calls what the module overrides."""

from __future__ import annotations

import types
from typing import Any

from .arguments import MismatchError, accept
from .conversion import present_wrapper, unwrap, wrap
from .errors import LEDGER, NotModelled
from .overloads import overloads_of


def shadow_class(cls: Any, base: Any) -> type:
    """The PySide6 class behind ``cls``, a module's own subclass of the wrapper class ``base``."""
    native: type = base.native_class
    overridden = {}
    for each in cls.__mro__[: cls.__mro__.index(base)]:
        for name, value in vars(each).items():
            if type(value).__name__ == "Signal" and value.__class__.__module__.startswith("PySide6"):
                raise NotModelled(f"qt.Signal in the Python class {each.__name__}: PythonQt crashes")
            if not isinstance(value, types.FunctionType) or name.startswith("_") or name in overridden:
                continue
            original = getattr(native, name, None)
            if callable(original):
                overridden[name] = _override(name, original)
    return type(native.__name__, (native,), {**overridden, "__module__": "shadow"})


def _override(name: str, original: Any) -> Any:
    overloads = overloads_of(original)
    returns = overloads[0].returns if overloads else Any

    def method(self: Any, *arguments: Any) -> Any:
        wrapper = present_wrapper(self)
        if wrapper is None:
            return original(self, *arguments)
        try:
            result = getattr(wrapper, name)(*(wrap(each) for each in arguments))
            return unwrap(result) if returns is None else accept(returns, result, strict=False)
        except MismatchError:
            LEDGER.exceptions.append(f"{type(wrapper).__name__}.{name}() returned {result!r}")
        except BaseException:  # noqa: BLE001  PythonQt prints whatever an override raises
            LEDGER.record_exception()
        return original(self, *arguments)

    method.__name__ = name
    return method
