"""What can be said of a parameter in its annotation, and the checks that follow from it."""

import typing
from dataclasses import dataclass


class Validator:
    def validate(self, value):
        raise NotImplementedError


class IsNone(Validator):
    def validate(self, value):
        if value is not None:
            raise ValueError("Value must be None")


class NotNone(Validator):
    def validate(self, value):
        if value is None:
            raise ValueError("Value must not be None")


@dataclass
class IsInstance(Validator):
    classtype: typing.Any

    def validate(self, value):
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value of {type(value)} must be an instance of {self.classtype}")


@dataclass
class WithinRange(Validator):
    minimum: float
    maximum: float

    def validate(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass
class Minimum(Validator):
    minimum: float

    def validate(self, value):
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass
class Maximum(Validator):
    maximum: float

    def validate(self, value):
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass
class Choice(Validator):
    choices: typing.Any

    def validate(self, value):
        if value not in self.choices:
            raise ValueError(f"Value must be one of {self.choices}, is {value}")


@dataclass
class Exclude(Validator):
    excludedValues: typing.Any

    def validate(self, value):
        if value in self.excludedValues:
            raise ValueError(f"Value must not be one of {self.excludedValues}, is {value}")


@dataclass
class RangeBounds(Validator):
    minimum: float
    maximum: float

    def validate(self, value):
        for end in (value.minimum, value.maximum) if hasattr(value, "minimum") else (value,):
            WithinRange(self.minimum, self.maximum).validate(end)


@dataclass
class Decimals:
    value: int


@dataclass
class SingleStep:
    value: float


class Default:
    def __init__(self, value=None, *, generator=None):
        self._value, self._generator = value, generator

    @property
    def value(self):
        return self._generator() if self._generator is not None else self._value


def splitAnnotations(kind):
    """``Annotated[float, A, B]`` in its type and its annotations."""
    if typing.get_origin(kind) is typing.Annotated:
        return kind.__origin__, list(kind.__metadata__)
    return kind, []


def unannotatedType(kind):
    return splitAnnotations(kind)[0]


def first(annotations, wanted):
    return next((each for each in annotations if isinstance(each, wanted)), None)
