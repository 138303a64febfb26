"""Loads a .ui file: Qt's own loader for the tree, the stand-ins for what is not Qt's, strict about both."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QFile, QIODevice, QObject
from PySide6.QtUiTools import QUiLoader as NativeLoader
from PySide6.QtWidgets import QMenu, QWidget

from ..pythonqt import NotModelled, wrap
from ..pythonqt.conversion import keep_while_alive
from ..pythonqt.properties import wrapped_tool_tip
from ..registry import stand_in_named, table

_FOREIGN = ("ctk", "qMRML", "qSlicer")
_IGNORED = frozenset({"objectName", "geometry"})


class _Tree(NativeLoader):
    def __init__(self) -> None:
        super().__init__()
        self._not_modelled: list[str] = []

    def createWidget(self, class_name: str, parent: QWidget | None = None, name: str = "") -> QWidget | None:
        kind = stand_in_named(class_name)
        if kind is not None:
            widget: QWidget = kind(parent)
            keep_while_alive(widget)
            if class_name == "ctkMenuButton":
                # CTK's Designer plugin gives it a menu with some actions that mean nothing.
                menu = QMenu(widget)
                menu.addAction("first")
                menu.addAction("second")
                widget.setMenu(menu)
            widget.setObjectName(name)
            return widget
        if class_name.startswith(_FOREIGN):
            self._not_modelled.append(class_name)
            return None
        if class_name not in self.availableWidgets() and class_name != "Line":
            return None
        return super().createWidget(class_name, parent, name)


class QUiLoader(QObject):
    """``qt.QUiLoader`` as the application has it, with Slicer's and CTK's Designer plugins."""

    def load(self, device: QIODevice, parent: QWidget | None = None) -> QWidget | None:
        if not device.isOpen():
            device.open(QFile.OpenModeFlag.ReadOnly)
        root = ET.fromstring(bytes(device.readAll().data()))
        settings = _take_foreign_properties(root)
        connections = _take_connections(root)
        loader = _Tree()
        buffer = QBuffer()
        buffer.setData(QByteArray(ET.tostring(root)))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        try:
            widget = loader.load(buffer, parent)
        except RuntimeError:
            widget = None  # PySide6 raises where C++ returns null
        if loader._not_modelled:
            raise NotModelled(f"class in a .ui file: {', '.join(sorted(set(loader._not_modelled)))}")
        if widget is not None:
            for each in [widget, *widget.findChildren(QWidget)]:
                each.setToolTip(wrapped_tool_tip(each.toolTip()))
            _apply(widget, settings, root.findtext("class", ""))
            _connect(widget, connections)
        return widget

    def availableWidgets(self) -> list[str]:
        known = [name.rpartition(".")[2] for name in table("STAND_INS")]
        return sorted({*NativeLoader().availableWidgets(), *(name for name in known if name.startswith(_FOREIGN))})


def _take_foreign_properties(root: ET.Element) -> list[tuple[str, str, Any]]:
    """Properties of stand-ins: Qt's loader would not complain where there is none. Widget, property, value."""
    taken = []
    for widget in root.iter("widget"):
        if not widget.get("class", "").startswith(_FOREIGN):
            continue
        for entry in widget.findall("property"):
            name = entry.get("name", "")
            if name in _IGNORED or entry.get("stdset") == "0" or not _simple(entry):
                continue
            taken.append((widget.get("name", ""), name, entry))
            widget.remove(entry)
    return taken


def _simple(entry: ET.Element) -> bool:
    return entry[0].tag in {"string", "bool", "number", "double", "stringlist", "enum", "set", "cstring"}


def _apply(root: QWidget, settings: list[tuple[str, str, Any]], context: str) -> None:
    for owner, name, entry in settings:
        native = root if root.objectName() == owner else root.findChild(QObject, owner)
        wrapper = wrap(native)
        value = _value(wrapper, entry[0], context)
        try:
            setattr(wrapper, name, value)
        except NotModelled:
            raise
        except AttributeError as error:
            raise NotModelled(f"property in a .ui file: {native.metaObject().className()}.{name} ({error})") from error


def _value(wrapper: Any, entry: ET.Element, context: str) -> Any:
    text = entry.text or ""
    if entry.tag == "bool":
        return text == "true"
    if entry.tag == "number":
        return int(float(text))
    if entry.tag == "double":
        return float(text)
    if entry.tag == "stringlist":
        return [each.text or "" for each in entry]
    if entry.tag in ("enum", "set"):
        return sum({_enumerated(wrapper, part) for part in text.split("|") if part})
    if entry.tag == "string" and entry.get("notr") != "true" and text:
        return QCoreApplication.translate(context, text)
    return text


def _enumerated(wrapper: Any, text: str) -> int:
    """``Qt::Horizontal`` or ``ctkPathLineEdit::Dirs``: the class that is named, else the widget's own."""
    scope, _, name = text.rpartition("::")
    owner: Any = type(wrapper)
    for part in scope.split("::"):
        stand_in = stand_in_named(part)
        if stand_in is not None:
            from ..pythonqt import class_for

            owner = class_for(stand_in)
        elif part.startswith("Q"):
            import qt

            owner = getattr(qt, part)
    return int(getattr(owner, name))


def _take_connections(root: ET.Element) -> list[tuple[str, str, str, str]]:
    section = root.find("connections")
    if section is None:
        return []
    root.remove(section)
    return [
        tuple(entry.findtext(tag, "") for tag in ("sender", "signal", "receiver", "slot"))  # type: ignore[misc]
        for entry in section
    ]


def _connect(root: QWidget, connections: list[tuple[str, str, str, str]]) -> None:
    def named(name: str) -> Any:
        return wrap(root if root.objectName() == name else root.findChild(QObject, name))

    for sender, signal, receiver, slot in connections:
        if named(sender) is None or named(receiver) is None:
            continue  # Qt's loader passes over it without a word
        slot_name = slot.partition("(")[0]
        if not named(sender).connect(signal, getattr(named(receiver), slot_name)):
            raise NotModelled(f"signal in a .ui file: {named(sender).className()}.{signal}")
