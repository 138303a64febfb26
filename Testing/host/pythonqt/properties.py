"""Qt's properties as attributes: what a module reads, and what PythonQt takes when one is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QByteArray, QMetaProperty
from PySide6.QtGui import Qt

from .arguments import MismatchError, accept
from .conversion import unwrap, wrap
from .methods import live_native

_BASIC = {"QString": str, "int": int, "uint": int, "bool": bool, "double": float, "float": float, "qlonglong": int}


@dataclass(frozen=True)
class Property:
    """A Q_PROPERTY of Qt or of a stand-in."""

    name: str
    meta: QMetaProperty

    def read(self, wrapper: Any) -> Any:
        native = live_native(wrapper, f"read property '{self.name}' from")
        value = read_native(native, self.name)
        if isinstance(value, QByteArray) and self.type_name != "QByteArray":
            return bytes(value.data()).decode()
        return wrap(value)

    @property
    def type_name(self) -> str:
        name = self.meta.typeName() or ""
        if name.startswith("QFlags<") or self.meta.isEnumType():
            return name.removeprefix("QFlags<").removesuffix(">")
        return name

    def write(self, wrapper: Any, value: Any) -> None:
        """Raises AttributeError with PythonQt's words where the value does not fit."""
        native = live_native(wrapper, f"write property '{self.name}' of")
        if not self.meta.isWritable():
            raise AttributeError(f"Property '{self.name}' of {wrapper.className()} object is not writable")
        try:
            converted = self._convert(value)
        except MismatchError:
            given = f"an object of type {type(value).__name__} ({value!r})"
            raise AttributeError(f"Property '{self.name}' of type '{self.type_name}' does not accept {given}") from None
        native.setProperty(self.name, converted)

    def _convert(self, value: Any) -> Any:
        name = self.type_name
        if self.meta.isEnumType():
            return accept(int, value, strict=False)
        if self.name == "toolTip":
            return wrapped_tool_tip(accept(str, value, strict=False))
        if name in _BASIC:
            return accept(_BASIC[name], value, strict=False)
        if name == "QStringList":
            if isinstance(value, str):
                raise MismatchError
            return accept(list[str], value, strict=False)
        if name in ("QVariant", "PyObject", "PyObjectWrapper"):
            return unwrap(value)
        native = unwrap(value)
        if name.endswith("*"):
            if native is None or native.inherits(name[:-1]):
                return native
            raise MismatchError
        if type(native).__name__ == name or self._is_list(name, native):
            return native
        raise MismatchError

    @staticmethod
    def _is_list(name: str, native: Any) -> bool:
        return name in ("QVariantList", "QVariantMap") and isinstance(native, (list, dict))


def wrapped_tool_tip(text: str) -> str:
    """The application makes rich text of a plain tool tip, so that it wraps."""
    return f"<p>{text}</p>" if text and not Qt.mightBeRichText(text) else text


def read_native(native: Any, name: str) -> Any:
    """The value by the C++ getter where there is one of the same name: PySide6 knows its type better."""
    for getter in (name, f"is{name[0].upper()}{name[1:]}"):
        function = getattr(type(native), getter, None)
        if (
            function is not None
            and not isinstance(function, property)
            and type(function).__name__ == "method_descriptor"
        ):
            try:
                return function(native)
            except TypeError:
                continue
    return native.property(name)
