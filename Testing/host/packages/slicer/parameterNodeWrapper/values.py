"""How values of each type lie in the texts and references of a parameter node."""

import enum
import pathlib
import types
import typing

import slicer

from .annotations import splitAnnotations
from .containers import ObservedDict, ObservedList

_TEXTS = {
    int: (str, int, 0),
    float: (str, float, 0.0),
    str: (str, str, ""),
    bool: (lambda value: "True" if value else "False", lambda text: text == "True", False),
}
_UNIONS = (typing.Union, types.UnionType)


def is_node(kind):
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def node_classes(kind):
    """The MRML classes of a node type or a union of such, else none."""
    members = typing.get_args(kind) if typing.get_origin(kind) in _UNIONS else (kind,)
    classes = [each for each in members if each is not type(None)]
    return [each.__name__ for each in classes] if classes and all(is_node(each) for each in classes) else []


def check(kind, value):
    """Raises TypeError or ValueError where the annotated type refuses the value."""
    plain, annotations = splitAnnotations(kind)
    numeric = plain in (int, float) and isinstance(value, (int, float)) and not isinstance(value, bool)
    simple = plain in _TEXTS or (isinstance(plain, type) and issubclass(plain, (enum.Enum, pathlib.PurePath)))
    if simple and not numeric and not isinstance(value, plain):
        raise TypeError(f"Value of {type(value)} must be of {plain}")
    if is_node(plain) and value is not None and not isinstance(value, plain):
        raise TypeError(f"Value of {type(value)} must be a {plain.__name__}")
    for annotation in annotations:
        if hasattr(annotation, "validate"):
            annotation.validate(value)


def default_of(kind):
    plain = splitAnnotations(kind)[0]
    if plain in _TEXTS:
        return _TEXTS[plain][2]
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return next(iter(plain))
    if is_node(plain):
        return None
    origin, members = typing.get_origin(plain) or plain, typing.get_args(plain)
    if origin in _UNIONS:
        return None if type(None) in members else default_of(members[0])
    if origin is tuple:
        return tuple(default_of(each) for each in members)
    return origin()


def has(node, name, kind):
    plain = splitAnnotations(kind)[0]
    origin, members = typing.get_origin(plain) or plain, typing.get_args(plain)
    if origin in (list, dict):
        return node.HasParameter(f"{name}.len")
    if origin is tuple:
        return has(node, f"{name}.0", members[0])
    if origin in _UNIONS and not node_classes(plain):
        return any(has(node, f"{name}.{index}", each) for index, each in enumerate(members))
    if hasattr(plain, "allParameters"):
        return any(has(node, f"{name}.{each}", member) for each, member in plain.allParameters.items())
    return node.HasParameter(name)


def write(node, name, kind, value):
    check(kind, value)
    plain = splitAnnotations(kind)[0]
    origin, members = typing.get_origin(plain) or plain, typing.get_args(plain)
    with slicer.util.NodeModify(node):
        if node_classes(plain):
            node.SetNodeReferenceID(name, value.GetID() if value is not None else None)
            node.SetParameter(name, "")
        elif plain in _TEXTS:
            node.SetParameter(name, _TEXTS[plain][0](plain(value)))
        elif plain is type(None):
            node.SetParameter(name, "True")
        elif origin is list:
            _write_list(node, name, members[0] if members else str, list(value))
        elif origin is dict:
            _write_list(node, name, tuple[members], list(value.items()))
        elif origin is tuple:
            for index, (each, member) in enumerate(zip(value, members, strict=True)):
                write(node, f"{name}.{index}", member, each)
        elif origin in _UNIONS:
            _write_union(node, name, members, value)
        elif hasattr(plain, "allParameters"):
            for each, member in plain.allParameters.items():
                write(node, f"{name}.{each}", member, getattr(value, each))
        elif isinstance(plain, type) and issubclass(plain, enum.Enum):
            node.SetParameter(name, value.name)
        elif isinstance(plain, type) and issubclass(plain, pathlib.PurePath):
            node.SetParameter(name, str(value))
        else:
            _refuse(plain)


def read(node, name, kind):
    plain = splitAnnotations(kind)[0]
    origin, members = typing.get_origin(plain) or plain, typing.get_args(plain)
    if node_classes(plain):
        return node.GetNodeReference(name)
    if plain in _TEXTS:
        return _TEXTS[plain][1](node.GetParameter(name))
    if plain is type(None):
        return None
    if origin is list:
        return ObservedList(_read_list(node, name, members[0]), lambda changed: write(node, name, kind, changed))
    if origin is dict:
        items = dict(_read_list(node, name, tuple[members]))
        return ObservedDict(items, lambda changed: write(node, name, kind, changed))
    if origin is tuple:
        return tuple(read(node, f"{name}.{index}", member) for index, member in enumerate(members))
    if origin in _UNIONS:
        index = next(index for index, each in enumerate(members) if has(node, f"{name}.{index}", each))
        return read(node, f"{name}.{index}", members[index])
    if hasattr(plain, "allParameters"):
        values = {each: read(node, f"{name}.{each}", member) for each, member in plain.allParameters.items()}
        return plain.observed(values, lambda changed: write(node, name, kind, changed))
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return plain[node.GetParameter(name)]
    if isinstance(plain, type) and issubclass(plain, pathlib.PurePath):
        return plain(node.GetParameter(name))
    return _refuse(plain)


def _refuse(kind):
    from Testing.host.pythonqt import NotModelled

    raise NotModelled(f"a parameter of type {kind} in slicer.parameterNodeWrapper")


def _write_list(node, name, kind, values):
    length = f"{name}.len"
    before = int(node.GetParameter(length) or 0)
    for value in values:
        check(kind, value)
    for index, value in enumerate(values):
        write(node, f"{name}.{index}", kind, value)
    for index in range(len(values), before):
        node.UnsetParameter(f"{name}.{index}")
    node.SetParameter(length, str(len(values)))


def _read_list(node, name, kind):
    return [read(node, f"{name}.{index}", kind) for index in range(int(node.GetParameter(f"{name}.len") or 0))]


def _write_union(node, name, members, value):
    fitting = None
    for index, member in enumerate(members):
        plain = splitAnnotations(member)[0]
        if isinstance(value, typing.get_origin(plain) or plain):
            fitting = index
            break
    if fitting is None:
        raise TypeError(f"Unable to write value '{value}' of type '{type(value)}'")
    for index in range(len(members)):
        node.UnsetParameter(f"{name}.{index}")
    write(node, f"{name}.{fitting}", members[fitting], value)
