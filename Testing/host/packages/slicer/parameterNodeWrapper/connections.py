"""Which widget shows which type of parameter, and how."""

import enum
import pathlib
from dataclasses import dataclass
from typing import Any

import qt

from .annotations import (
    Choice,
    Decimals,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
    first,
    splitAnnotations,
)
from .packs import FloatRange
from .values import node_classes

SlicerParameterNamePropertyName = "SlicerParameterName"
_NUMBERS = (
    "QDoubleSpinBox",
    "ctkSliderWidget",
    "qMRMLSliderWidget",
    "ctkDoubleSlider",
    "ctkDoubleSpinBox",
    "qMRMLSpinBox",
)


@dataclass
class Connection:
    """A widget's value as a parameter's."""

    widget: Any
    signal: str
    read: Any
    write: Any
    callback: Any = None

    def connect(self, callback):
        self.callback = callback
        if self.signal:
            getattr(self.widget, self.signal).connect(self._changed)

    def disconnect(self):
        if self.signal:
            getattr(self.widget, self.signal).disconnect(self._changed)
        self.callback = None

    def _changed(self):
        if self.callback is not None:
            self.callback()


def connection(widget, kind):
    """Raises RuntimeError where the wrapper has no way to show the type in the widget."""
    plain, annotations = splitAnnotations(kind)
    name = type(widget).__name__
    is_class = isinstance(plain, type)
    if plain is bool and name in ("QCheckBox", "ctkCheckBox"):
        return _property(widget, "stateChanged", "checked")
    if plain is bool and name in ("QPushButton", "ctkCheckablePushButton"):
        widget.checkable = True
        return _property(widget, "toggled", "checked")
    if plain is int and name in ("QSpinBox", "QSlider"):
        _limit(widget, annotations, -(2**31), 2**31 - 1)
        return _property(widget, "valueChanged", "value")
    if plain in (int, float) and name in _NUMBERS:
        if plain is int and name != "ctkDoubleSlider":
            widget.decimals = 0
        _limit(widget, annotations, float("-inf"), float("inf"))
        return Connection(
            widget, "valueChanged", lambda: plain(widget.value), lambda value: _set(widget, "value", value)
        )
    if name in ("QComboBox", "ctkComboBox"):
        return _combo_box(widget, plain, annotations)
    if plain is str and name in ("QLineEdit", "QLabel"):
        return _property(widget, "textChanged" if name == "QLineEdit" else "", "text")
    if plain is str and name in ("QTextEdit", "QPlainTextEdit"):
        return _property(widget, "textChanged", "plainText")
    if is_class and issubclass(plain, pathlib.PurePath) and name in ("ctkPathLineEdit", "ctkDirectoryButton"):
        attribute = "currentPath" if name == "ctkPathLineEdit" else "directory"
        write = lambda value: _set(widget, attribute, str(value))
        return Connection(widget, f"{attribute}Changed", lambda: plain(getattr(widget, attribute)), write)
    if node_classes(plain) and name == "qMRMLNodeComboBox":
        widget.nodeTypes = node_classes(plain)
        return Connection(widget, "currentNodeChanged", widget.currentNode, widget.setCurrentNode)
    if plain is FloatRange and name in ("ctkRangeWidget", "ctkDoubleRangeSlider", "qMRMLRangeWidget"):
        return _range(widget, annotations)
    if name == "qSlicerSimpleMarkupsWidget" and node_classes(plain):
        return Connection(widget, "markupsNodeChanged", widget.currentNode, widget.setCurrentNode)
    if not name.startswith("Q"):
        from Testing.host.pythonqt import NotModelled

        raise NotModelled(f"{name} for a parameter of type {kind} in slicer.parameterNodeWrapper")
    raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to widget type '{type(widget)}'.")


def _set(widget, attribute, value):
    if getattr(widget, attribute) != value:
        setattr(widget, attribute, value)


def _property(widget, signal, attribute):
    return Connection(widget, signal, lambda: getattr(widget, attribute), lambda value: _set(widget, attribute, value))


def _limit(widget, annotations, lowest, highest):
    within = first(annotations, WithinRange)
    low, high = first(annotations, Minimum), first(annotations, Maximum)
    widget.minimum = within.minimum if within else low.minimum if low else lowest
    widget.maximum = within.maximum if within else high.maximum if high else highest
    decimals, step = first(annotations, Decimals), first(annotations, SingleStep)
    if decimals is not None:
        widget.decimals = decimals.value
    if step is not None:
        widget.singleStep = step.value


def _combo_box(widget, plain, annotations):
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        label = getattr(plain, "label", lambda member: member.name)
        choices = [(label(member), member) for member in plain]
    else:
        choice = first(annotations, Choice)
        if choice is None:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        choices = [(str(each), each) for each in choice.choices]
    widget.clear()
    for text, _ in choices:
        widget.addItem(text)
    values = [value for _, value in choices]
    return Connection(
        widget,
        "currentIndexChanged",
        lambda: values[widget.currentIndex],
        lambda value: _set(widget, "currentIndex", values.index(value)),
    )


def _range(widget, annotations):
    bounds = first(annotations, RangeBounds)
    if bounds is None:
        raise RuntimeError("Cannot have a connection to a range widget where the float is unbounded.")
    widget.setRange(bounds.minimum, bounds.maximum)
    return Connection(
        widget,
        "valuesChanged",
        lambda: FloatRange(widget.minimumValue, widget.maximumValue),
        lambda value: widget.setValues(value.minimum, value.maximum),
    )


def named_widgets(gui):
    """Parameter name to widget, by the widgets' dynamic property."""
    widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "findChildren") else vars(gui).values()
    found = {each.property(SlicerParameterNamePropertyName): each for each in widgets if hasattr(each, "property")}
    return {name: widget for name, widget in found.items() if name}


def findChildWidgetForParameter(widget, parameter):
    return named_widgets(widget).get(parameter)
