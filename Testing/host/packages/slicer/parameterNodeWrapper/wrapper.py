"""The class decorator: typed attributes that live in a parameter node."""

import typing

import slicer
import vtk

from . import values
from .connections import connection, named_widgets
from .packs import data_type, initial


def parameterNodeWrapper(classtype=None):
    return _process if classtype is None else _process(classtype)


def isParameterNodeWrapper(thing):
    return getattr(thing, "_is_parameter_node_wrapper", False)


def _process(classtype):
    kinds = typing.get_type_hints(classtype, include_extras=True)
    defaults = {name: initial(classtype, name, kind) for name, kind in kinds.items()}
    for name, kind in kinds.items():
        setattr(classtype, name, _attribute(name, kind, defaults[name]))
    members = {
        "allParameters": kinds,
        "_defaults": defaults,
        "_is_parameter_node_wrapper": True,
        "__init__": _initialize,
        "default": lambda self, name: self._defaults[name],
        "isCached": lambda self, name: not hasattr(kinds[name], "allParameters"),
        "dataType": staticmethod(lambda name: data_type(classtype, name)),
        "getValue": _get_value,
        "setValue": _set_value,
        "connectGui": lambda self, gui: self.connectParametersToGui(named_widgets(gui)),
        "connectParametersToGui": _connect,
        "disconnectGui": _disconnect,
        "StartModify": lambda self: self.parameterNode.StartModify(),
        "EndModify": lambda self, before: self.parameterNode.EndModify(before),
        "AddObserver": lambda self, event, called, priority=0.0: self.parameterNode.AddObserver(
            event, called, priority
        ),
        "RemoveObserver": lambda self, tag: self.parameterNode.RemoveObserver(tag),
        "Modified": lambda self: self.parameterNode.Modified(),
    }
    for name, member in members.items():
        setattr(classtype, name, member)
    return classtype


def _attribute(name, kind, default):
    def read(self):
        full = self._prefix + name
        if not values.has(self.parameterNode, full, kind):
            values.write(self.parameterNode, full, kind, default.value)
        return values.read(self.parameterNode, full, kind)

    def write(self, value):
        values.write(self.parameterNode, self._prefix + name, kind, value)

    return property(read, write)


def _initialize(self, parameterNode, prefix=None):
    self.parameterNode = parameterNode
    self._prefix = prefix or ""
    self._connections = {}
    self._updating = False
    for name in self.allParameters:
        getattr(self, name)


def _get_value(self, name):
    top, _, rest = name.partition(".")
    value = getattr(self, top)
    return value.getValue(rest) if rest else value


def _set_value(self, name, value):
    top, _, rest = name.partition(".")
    if rest:
        getattr(self, top).setValue(rest, value)
    else:
        setattr(self, top, value)


def _connect(self, mapping):
    """The tag by which ``disconnectGui`` takes the connections off again."""
    made = {name: connection(widget, data_type(type(self), name)) for name, widget in mapping.items()}
    for name, each in made.items():
        each.write(self.getValue(name))
        each.connect(_from_widget(self, name, each))
    observer = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: _update_widgets(self))
    tag = max(self._connections, default=-1) + 1
    self._connections[tag] = (made, observer)
    return tag


def _from_widget(self, name, each):
    def changed():
        if not self._updating:
            with slicer.util.NodeModify(self):
                self.setValue(name, each.read())

    return changed


def _update_widgets(self):
    if self._updating:
        return
    self._updating = True
    try:
        for made, _ in self._connections.values():
            for name, each in made.items():
                each.write(self.getValue(name))
    finally:
        self._updating = False


def _disconnect(self, tag):
    made, observer = self._connections.pop(tag, ({}, None))
    for each in made.values():
        each.disconnect()
    if observer is not None:
        self.RemoveObserver(observer)
