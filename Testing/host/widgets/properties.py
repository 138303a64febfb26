"""Qt properties that only hold a value, for the stand-ins."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Property

_numbers = itertools.count()


def held(kind: Any, default: Any, after: Callable[[Any], None] | None = None) -> Any:
    """A property of the given type that starts as `default`; `after(widget)` follows each change of its value."""
    key = f"_held_{next(_numbers)}"

    def value(widget: Any) -> Any:
        return widget.__dict__.get(key, default)

    def set_value(widget: Any, new: Any) -> None:
        if new == value(widget):
            return
        widget.__dict__[key] = new
        if after is not None:
            after(widget)

    return Property(kind, value, set_value)


def passed_on(kind: Any, inner: str, getter: str, setter: str = "") -> Any:
    """A property that is one of a part of the widget: `widget.<inner>.<getter>()` and `.<setter>(value)`."""

    def value(widget: Any) -> Any:
        return getattr(getattr(widget, inner), getter)()

    def set_value(widget: Any, new: Any) -> None:
        getattr(getattr(widget, inner), setter)(new)

    return Property(kind, value, set_value) if setter else Property(kind, value)


def property_of(kind: Any, inner: str, name: str) -> Any:
    """A property that is the property `name` of the part `widget.<inner>`, itself a stand-in."""

    def value(widget: Any) -> Any:
        return getattr(getattr(widget, inner), name)

    def set_value(widget: Any, new: Any) -> None:
        setattr(getattr(widget, inner), name, new)

    return Property(kind, value, set_value)


def property_of_filter(kind: Any, name: str) -> Any:
    """A property that is a rule of `widget._nodes.filter`; a change sorts the nodes out anew."""

    def value(widget: Any) -> Any:
        return getattr(widget._nodes.filter, name)

    def set_value(widget: Any, new: Any) -> None:
        wanted = [text for text in new if text] if isinstance(new, (list, tuple)) else new
        if wanted != value(widget):
            setattr(widget._nodes.filter, name, wanted)
            widget._nodes.sort_out()
            widget._renew_actions()

    return Property(kind, value, set_value)


def property_of_both(kind: Any, inners: tuple[str, str], name: str) -> Any:
    """A property that two parts of the widget share, read from the first."""

    def value(widget: Any) -> Any:
        return getattr(getattr(widget, inners[0]), name)

    def set_value(widget: Any, new: Any) -> None:
        for inner in inners:
            setattr(getattr(widget, inner), name, new)

    return Property(kind, value, set_value)
