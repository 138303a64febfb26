"""Parameter packs: several parameters in one value."""

import typing

from .annotations import Default, first, splitAnnotations, unannotatedType
from .values import check, default_of


def parameterPack(classtype=None):
    """Class decorator; a ``dataclass`` keeps its own constructor."""
    return _process if classtype is None else _process(classtype)


def _process(classtype):
    kinds = typing.get_type_hints(classtype, include_extras=True)
    defaults = {name: initial(classtype, name, kind) for name, kind in kinds.items()}
    own_init = classtype.__dict__.get("__init__")
    classtype.allParameters = kinds
    classtype.getValue = _get_value
    classtype.setValue = _set_value
    classtype.dataType = staticmethod(lambda name: data_type(classtype, name))
    classtype.observed = classmethod(_observed)
    classtype.__setattr__ = _checked_setattr
    if own_init is None:
        classtype.__init__ = _initializer(defaults)
        classtype.__eq__ = lambda self, other: type(self) is type(other) and _values(self) == _values(other)
        classtype.__hash__ = None
        classtype.__repr__ = lambda self: f"{classtype.__name__}({_values(self)})"
    return classtype


def initial(classtype, name, kind):
    """By ``=``, by a ``Default`` annotation, or the type's own."""
    if name in classtype.__dict__ and not isinstance(classtype.__dict__[name], property):
        return Default(classtype.__dict__[name])
    found = first(splitAnnotations(kind)[1], Default)
    return found if found is not None else Default(generator=lambda: default_of(kind))


def _initializer(defaults):
    def __init__(self, *args, **kwargs):
        given = dict(zip(defaults, args, strict=False)) | kwargs
        unknown = set(given) - set(defaults)
        if unknown:
            raise ValueError(f"Unknown parameters: {sorted(unknown)}")
        for name, default in defaults.items():
            setattr(self, name, given.get(name, default.value))

    return __init__


def _values(pack):
    return {name: getattr(pack, name) for name in pack.allParameters}


def _checked_setattr(self, name, value):
    kind = type(self).allParameters.get(name)
    if kind is not None:
        check(kind, value)
    object.__setattr__(self, name, value)
    changed = self.__dict__.get("_changed")
    if changed is not None and name != "_changed":
        changed(self)


def _observed(cls, values, changed):
    pack = cls.__new__(cls)
    for name, value in values.items():
        object.__setattr__(pack, name, value)
    object.__setattr__(pack, "_changed", changed)
    return pack


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


def data_type(classtype, name):
    top, _, rest = name.partition(".")
    if top not in classtype.allParameters:
        raise ValueError(f"Cannot find a param with the given name: {top}")
    kind = classtype.allParameters[top]
    return data_type(unannotatedType(kind), rest) if rest else kind


def isParameterPack(kind):
    plain = unannotatedType(kind)
    return hasattr(plain, "allParameters") and hasattr(plain, "observed")


def nestedParameterNames(kind):
    names = []
    for name, member in unannotatedType(kind).allParameters.items():
        names += [f"{name}.{each}" for each in nestedParameterNames(member)] if isParameterPack(member) else [name]
    return names


@parameterPack
class FloatRange:
    minimum: float
    maximum: float

    def __init__(self, minimum=0.0, maximum=0.0):
        self.setRange(minimum, maximum)

    def setRange(self, minimum, maximum):
        if not minimum <= maximum:
            raise ValueError(f"FloatRange must have minimum <= maximum: {minimum} <= {maximum}")
        self.minimum, self.maximum = minimum, maximum
