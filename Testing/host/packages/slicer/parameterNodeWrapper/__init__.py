"""A small parameter node wrapper, for other people's modules: typed attributes over a parameter node, bound to widgets.

The plain parameters are written as the genuine wrapper writes them. What it cannot do fails as not modelled.
"""

from .annotations import (
    Choice,
    Decimals,
    Default,
    Exclude,
    IsInstance,
    IsNone,
    Maximum,
    Minimum,
    NotNone,
    RangeBounds,
    SingleStep,
    Validator,
    WithinRange,
    splitAnnotations,
    unannotatedType,
)
from .connections import SlicerParameterNamePropertyName, findChildWidgetForParameter
from .packs import FloatRange, isParameterPack, nestedParameterNames, parameterPack
from .wrapper import isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "FloatRange",
    "IsInstance",
    "IsNone",
    "Maximum",
    "Minimum",
    "NotNone",
    "RangeBounds",
    "SingleStep",
    "SlicerParameterNamePropertyName",
    "Validator",
    "WithinRange",
    "findChildWidgetForParameter",
    "isParameterNodeWrapper",
    "isParameterPack",
    "nestedParameterNames",
    "parameterNodeWrapper",
    "parameterPack",
    "splitAnnotations",
    "unannotatedType",
]


def __getattr__(name):
    from Testing.host.pythonqt import NotModelled

    if name.startswith("_"):
        raise AttributeError(name)
    raise NotModelled(f"slicer.parameterNodeWrapper.{name}")
