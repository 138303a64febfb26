"""What PythonQt adds to every QObject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shiboken6
from PySide6.QtCore import QByteArray, QCoreApplication, QObject

from .arguments import shown
from .conversion import unwrap, wrap
from .errors import NotModelled
from .members import extra
from .methods import live_native
from .signals import connect, disconnect

_WITH_INNER_PARTS = frozenset({
    "qMRMLNodeComboBox", "qMRMLSegmentEditorWidget", "qMRMLSegmentsTableView", "qMRMLSegmentationShow3DButton",
    "qMRMLSegmentSelectorWidget", "qMRMLSubjectHierarchyTreeView", "qMRMLSliceWidget", "qMRMLThreeDWidget",
    "qMRMLSliceControllerWidget", "qMRMLThreeDViewControllerWidget", "qMRMLMarkupsROIWidget", "qMRMLSliderWidget",
    "ctkPathLineEdit", "ctkSliderWidget", "ctkRangeWidget", "qSlicerAppMainWindow", "ctkDICOMBrowser",
})  # fmt: skip
"""Classes of the application whose inner parts modules reach for: a part that is not found may be there."""
_CONNECT_FORMS = (
    "connect(QByteArray signal, PyObject callable) -> bool\n"
    "connect(QByteArray signal, QObject receiver, QByteArray slot, Qt::ConnectionType type) -> bool\n"
    "connect(QByteArray signal, QObject receiver, QByteArray slot) -> bool\n"
    "connect(QObject sender, QByteArray signal, QByteArray slot, Qt::ConnectionType type) -> bool\n"
    "connect(QObject sender, QByteArray signal, QByteArray slot) -> bool\n"
    "static connect(QObject sender, QByteArray signal, PyObject callable) -> bool\n"
    "static connect(QObject sender, QByteArray signal, QObject receiver, QByteArray slot, Qt::ConnectionType type)"
    " -> bool\n"
    "static connect(QObject sender, QByteArray signal, QObject receiver, QByteArray slot) -> bool\n"
)
_FIND_FORMS = (
    "findChildren(PyObject type, QString name) -> QList<QObject*>\n"
    "findChildren(PyObject type) -> QList<QObject*>\n"
    "findChildren(PyObject type, QRegularExpression regExp) -> QList<QObject*>\n"
)


def _no_overload(arguments: tuple[Any, ...], forms: str) -> ValueError:
    return ValueError(
        f"Could not find matching overload for given arguments:\n{shown(arguments)}\n"
        f" The following slots are available:\n{forms}"
    )


def _sender_and_rest(wrapper: Any, arguments: tuple[Any, ...]) -> tuple[Any, str, tuple[Any, ...]]:
    if arguments and isinstance(unwrap(arguments[0]), QObject):
        wrapper, arguments = arguments[0], arguments[1:]
    if not arguments or not isinstance(arguments[0], str):
        raise _no_overload(arguments, _CONNECT_FORMS)
    return wrapper, arguments[0], arguments[1:]


def _slot(receiver: Any, signature: str) -> Any:
    return getattr(receiver, signature.partition("(")[0])


@extra("QObject", "connect")
def connect_object(wrapper: Any, *arguments: Any) -> bool:
    sender, signal, rest = _sender_and_rest(wrapper, arguments)
    if len(rest) == 1:
        return connect(sender, signal, rest[0])
    if len(rest) in (2, 3) and isinstance(rest[1], str):
        return connect(sender, signal, _slot(rest[0], rest[1]))
    raise _no_overload(arguments, _CONNECT_FORMS)


@extra("QObject", "disconnect")
def disconnect_object(wrapper: Any, *arguments: Any) -> bool:
    sender, signal, rest = _sender_and_rest(wrapper, arguments)
    if len(rest) == 2 and isinstance(rest[1], str):
        return disconnect(sender, signal, _slot(rest[0], rest[1]))
    return disconnect(sender, signal, *rest)


@extra("QObject", "className")
def class_name(wrapper: Any) -> str:
    # QObject.metaObject() is not asked: PySide6 ties what it returns to the object, and breaks it for all others.
    live_native(wrapper, "call 'className' on")
    return str(type(wrapper).cxx_class_name)


@extra("QObject", "inherits")
def inherits(wrapper: Any, name: str) -> bool:
    return bool(live_native(wrapper, "call 'inherits' on").inherits(name))


@extra("QObject", "delete")
def delete(wrapper: Any) -> None:
    shiboken6.delete(live_native(wrapper, "delete"))


@extra("QObject", "children")
def children(wrapper: Any) -> Any:
    return wrap(live_native(wrapper, "call 'children' on").children())


def _descendants(parent: QObject) -> Iterator[QObject]:
    for child in parent.children():
        yield child
        yield from _descendants(child)


def _matching(wrapper: Any, kind: Any, name: Any) -> Iterator[QObject]:
    class_name = kind if isinstance(kind, str) else kind.cxx_class_name
    pattern = unwrap(name)
    for child in _descendants(live_native(wrapper, "search")):
        if not child.inherits(class_name):
            continue
        if isinstance(pattern, str):
            if not pattern or child.objectName() == pattern:
                yield child
        elif pattern.match(child.objectName()).hasMatch():
            yield child


@extra("QObject", "findChild")
def find_child(wrapper: Any, *arguments: Any) -> Any:
    if not 1 <= len(arguments) <= 2:
        raise _no_overload(arguments, _FIND_FORMS.replace("findChildren", "findChild"))
    found = wrap(next(_matching(wrapper, arguments[0], arguments[1] if len(arguments) > 1 else ""), None))
    if found is None and class_name(wrapper) in _WITH_INNER_PARTS:
        raise NotModelled(f"a part of {class_name(wrapper)}: findChild{arguments!r}")
    return found


@extra("QObject", "findChildren")
def find_children(wrapper: Any, *arguments: Any) -> Any:
    if not 1 <= len(arguments) <= 2:
        raise _no_overload(arguments, _FIND_FORMS)
    return wrap(list(_matching(wrapper, arguments[0], arguments[1] if len(arguments) > 1 else "")))


@extra("QObject", "setProperty")
def set_property(wrapper: Any, name: str, value: Any) -> bool:
    native = live_native(wrapper, "set a property of")
    stored = QByteArray(value) if isinstance(value, bytes) else unwrap(value)
    return bool(native.setProperty(name, stored))


@extra("QObject", "property")
def get_property(wrapper: Any, name: str) -> Any:
    return wrap(live_native(wrapper, "read a property of").property(name))


@extra("QObject", "tr")
def translate(_wrapper: Any, text: str, *_: Any) -> str:
    return QCoreApplication.translate("QObject", text)


@extra("QObject", "sender")
def sender(wrapper: Any) -> Any:
    return wrap(live_native(wrapper, "call 'sender' on").sender())


class _MetaObject:
    """PythonQt cannot tell its class: ``className()`` is that of the meta object itself."""

    def __init__(self, native: Any) -> None:
        self._native_meta = native

    def className(self) -> str:
        return "QMetaObject"

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: wrap(getattr(self._native_meta, name)(*arguments))


@extra("QObject", "metaObject")
def meta_object(wrapper: Any) -> _MetaObject:
    return _MetaObject(type(live_native(wrapper, "call 'metaObject' on")).staticMetaObject)
