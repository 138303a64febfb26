"""How PythonQt prints objects; addresses differ anyway."""

from __future__ import annotations

from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets


def printed(wrapper: Any) -> str:
    cls = type(wrapper)
    native = wrapper.__dict__.get("_native")
    if cls.from_python:
        if native is not None and not isinstance(native, QtWidgets.QWidget):
            return f"{cls.__name__} ({cls.cxx_class_name} at: {id(wrapper):#x})"
        return f"{cls.__name__} ({_native_text(cls.cxx_class_name, native)}, at: {id(wrapper):#x})"
    return _native_text(cls.cxx_class_name, native)


def _native_text(name: str, native: Any) -> str:
    address = f"{id(native):#x}"
    if native is None or not shiboken6.isValid(native):
        return f"{name} (C++ object at: 0x0)"
    if isinstance(native, QtWidgets.QWidget):
        called = f', name="{native.objectName()}"' if native.objectName() else ""
        return f"{name}({address}{called}) "
    if isinstance(native, QtCore.QObject):
        return f"{name} ({name} at: {address})"
    described = _described(native)
    return f"{name} (C++ object at: {address})" if described is None else described.replace("@", address)


def _described(value: Any) -> str | None:
    if isinstance(value, (QtCore.QSize, QtCore.QSizeF)):
        return f"{type(value).__name__} ({value.width()}, {value.height()}, at: @)"
    if isinstance(value, (QtCore.QPoint, QtCore.QPointF)):
        return f"{type(value).__name__} ({value.x()}, {value.y()}, at: @)"
    if isinstance(value, (QtCore.QRect, QtCore.QRectF)):
        return f"{type(value).__name__} ({value.x()}, {value.y()}, {value.width()}, {value.height()}, at: @)"
    if isinstance(value, QtGui.QVector3D):
        return f"QVector3D({value.x():g}, {value.y():g}, {value.z():g}) "
    if isinstance(value, QtCore.QByteArray):
        return f"QByteArray ({bytes(value.data()).decode('latin-1')}, at: @)"
    if isinstance(value, QtGui.QIcon) and value.isNull():
        return "QIcon(null) "
    return None
