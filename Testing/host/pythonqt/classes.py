"""The classes and objects that a module sees: one flat Python class for each class of Qt or stand-in."""

from __future__ import annotations

from functools import cache
from typing import Any

import shiboken6
from PySide6.QtCore import QObject

from ..registry import is_registered
from . import conversion
from .conversion import bind, keep_if_owned_by_cxx
from .errors import NotModelled
from .members import ComputedProperty, Member, Method, SignalMember, Value, find_member, show, stand_in_enum_value
from .overloads import choose, overloads_of
from .printing import printed
from .properties import Property
from .subclassing import shadow_class

_FACTORY = "Testing."
_members: dict[tuple[type, str], Member] = {}


class PythonQtClassWrapper(type):
    """The type of each class that a module sees."""

    __module__ = "PythonQt"

    native_class: type
    cxx_class_name: str
    from_python: bool

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> PythonQtClassWrapper:
        cls = super().__new__(mcs, name, bases, namespace)
        cls.from_python = "native_class" not in namespace
        if cls.from_python:
            cls.__del__ = keep_if_owned_by_cxx  # type: ignore[attr-defined]
            for base in cls.__mro__:
                if isinstance(base, PythonQtClassWrapper) and not base.from_python and base.__bases__ != (object,):
                    _fill(base)
                    cls.native_class = shadow_class(cls, base)
        return cls

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        member = member_of(cls.native_class, name)
        if isinstance(member, Method):
            return member.of(None, cls.__name__)
        if isinstance(member, Value):
            return member.value
        if isinstance(member, (Property, ComputedProperty, SignalMember)):
            return _Unbound(name, member, cls.__name__)
        raise missing(cls.native_class, f"type object '{cls.__name__}' has no attribute '{name}'", name)

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"


class _Unbound:
    """A property or a signal that a subclass reaches through ``super()``."""

    def __init__(self, name: str, member: Member, owner: str) -> None:
        self.name, self.member, self.owner = name, member, owner

    def __get__(self, wrapper: Any, owner: Any = None) -> Any:
        return self if wrapper is None else show(self.member, wrapper, self.owner)

    def __repr__(self) -> str:
        return f"<qt property {self.name} of {self.owner} type>"


class _MethodDescriptor:
    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, wrapper: Any, owner: Any = None) -> Any:
        base = next(each for each in owner.__mro__ if self.name in each.__dict__ and not each.from_python)
        member = member_of(base.native_class, self.name)
        if isinstance(member, (Property, ComputedProperty, SignalMember)) and wrapper is None:
            return _Unbound(self.name, member, base.__name__)
        return show(member, wrapper, base.__name__)


def _fill(cls: PythonQtClassWrapper) -> None:
    """Gives the class its members as descriptors, which ``super()`` of a subclass can find."""
    for name in dir(cls.native_class):
        if not name.startswith("_") and name not in cls.__dict__ and member_of(cls.native_class, name) is not None:
            type.__setattr__(cls, name, _MethodDescriptor(name))


class PythonQtInstanceWrapper(metaclass=PythonQtClassWrapper):
    """An object that a module sees; ``_native`` is the PySide6 object."""

    __module__ = "PythonQt"

    native_class = shiboken6.Object
    cxx_class_name = "void"

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        cls = type(self)
        name = cls.cxx_class_name
        if keywords:
            raise ValueError(
                f"Called {name}() -> {name} with keyword arguments, but called slot does not support kwargs."
            )
        native = construct(cls, name, arguments)
        if hasattr(cls.native_class, "staticMetaObject"):
            bind(native, self)
        else:
            object.__setattr__(self, "_native", native)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_native":
            raise AttributeError(name)
        cls = type(self)
        member = member_of(cls.native_class, name)
        if member is not None:
            return show(member, self, cls.cxx_class_name)
        native = self.__dict__.get("_native")
        if _has_dynamic_property(native, name):
            return conversion.wrap(native.property(name))
        raise missing(cls.native_class, f"{cls.cxx_class_name} has no attribute named '{name}'", name)

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        member = None if name == "_native" else member_of(cls.native_class, name)
        if isinstance(member, (Property, ComputedProperty)):
            member.write(self, value)
        elif cls.from_python:
            object.__setattr__(self, name, value)
        elif member is None and _is_stand_in(cls.native_class) and not name.startswith("_"):
            raise missing(cls.native_class, _no_new_attributes(name, cls), name)
        else:
            raise AttributeError(_no_new_attributes(name, cls))

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            object.__delattr__(self, name)
        elif not isinstance(member_of(type(self).native_class, name), Property):
            raise AttributeError(name)

    def __dir__(self) -> list[str]:
        kind = type(self).native_class
        return sorted({*self.__dict__, *(name for name in dir(kind) if member_of(kind, name) is not None)})

    def __repr__(self) -> str:
        return printed(self)

    __str__ = __repr__

    def __bool__(self) -> bool:
        native = self.__dict__.get("_native")
        return native is not None and shiboken6.isValid(native)

    def __eq__(self, other: object) -> bool:
        if other is None:
            return not self
        mine, theirs = self.__dict__.get("_native"), getattr(other, "__dict__", {}).get("_native")
        if theirs is None or mine is None:
            return False
        return mine is theirs or (not hasattr(type(mine), "staticMetaObject") and bool(mine == theirs))

    def __hash__(self) -> int:
        return hash(id(self.__dict__.get("_native")))


def _has_dynamic_property(native: Any, name: str) -> bool:
    if not isinstance(native, QObject) or not shiboken6.isValid(native):
        return False
    return name.encode() in [bytes(each.data()) for each in native.dynamicPropertyNames()]


def _no_new_attributes(name: str, cls: PythonQtClassWrapper) -> str:
    return f"'{name}' does not exist on {cls.cxx_class_name} and creating new attributes on C++ objects is not allowed"


def construct(cls: PythonQtClassWrapper, name: str, arguments: tuple[Any, ...]) -> Any:
    base = next(each for each in cls.__mro__ if isinstance(each, PythonQtClassWrapper) and not each.from_python)
    kind = base.native_class
    python_init = kind.__dict__.get("__init__") if _is_stand_in(kind) else None
    overloads = overloads_of(python_init if python_init is not None else kind)
    if overloads:
        _, converted = choose(name, overloads, arguments)
    else:
        converted = [conversion.unwrap(each) for each in arguments]
    try:
        return cls.native_class(*converted)
    except NotImplementedError:
        # PythonQt makes objects of abstract classes too; whoever only wants an enumeration of theirs does.
        return type(kind.__name__, (kind,), {"__module__": "shadow"})(*converted)
    except TypeError as error:
        if python_init is not None:
            raise
        raise ValueError(str(error)) from error


def member_of(kind: type, name: str) -> Member:
    key = (kind, name)
    if key not in _members:
        _members[key] = find_member(kind, name) or (stand_in_enum_value(kind, name) if _is_stand_in(kind) else None)
    return _members[key]


def _is_stand_in(kind: type) -> bool:
    return any(base.__module__.startswith(_FACTORY) for base in kind.__mro__)


def missing(kind: type, message: str, name: str) -> AttributeError:
    """Of Qt's own classes we know what they have; of a stand-in only what is written down."""
    absent = any(name in base.__dict__.get("ABSENT", ()) for base in kind.__mro__)
    if _is_stand_in(kind) and not absent and not name.startswith("_") and name not in _ASKED_OF_ALL:
        return NotModelled(f"{kind.__name__}.{name}")
    return AttributeError(message)


_ASKED_OF_ALL = frozenset({"text", "title", "iter", "keys"})
"""What ``slicer.util.findChildren`` and Python itself ask of any object with ``hasattr``."""


@cache
def class_for(kind: type) -> PythonQtClassWrapper:
    """The class that modules see for a PySide6 class, a stand-in, or a private subclass of either."""
    shown = next(base for base in kind.__mro__ if not base.__name__.startswith("_") and _is_public(base))
    if shown is not kind:
        return class_for(shown)
    library = "QtGui" if shown.__module__.endswith(("QtWidgets", "QtGui")) else shown.__module__.rpartition(".")[2]
    module = "PythonQt.private" if shown.__module__.startswith(_FACTORY) else f"PythonQt.{library}"
    namespace = {"native_class": shown, "cxx_class_name": shown.__name__, "__module__": module}
    for operator in _OPERATORS:
        if hasattr(shown, operator) and getattr(shown, operator) is not getattr(object, operator, None):
            namespace[operator] = _operator(operator)
    return PythonQtClassWrapper(shown.__name__, (PythonQtInstanceWrapper,), namespace)


def _is_public(kind: type) -> bool:
    return kind.__module__.startswith("PySide6") or is_registered(kind)


_OPERATORS = (
    "__add__", "__sub__", "__mul__", "__truediv__", "__neg__", "__or__", "__and__", "__len__", "__getitem__",
    "__contains__", "__iadd__", "__isub__", "__lt__", "__le__", "__gt__", "__ge__",
)  # fmt: skip


def _operator(name: str) -> Any:
    def apply(self: Any, *arguments: Any) -> Any:
        return conversion.wrap(getattr(self._native, name)(*(conversion.unwrap(each) for each in arguments)))

    return apply


conversion.set_class_lookup(class_for)
