"""The filters that the tree and the combo box of the subject hierarchy share."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property


def filter_property(kind: Any, name: str) -> Any:
    """A property that is a rule of `widget._items.filter`."""

    def value(widget: Any) -> Any:
        return getattr(widget._items.filter, name)

    def set_value(widget: Any, new: Any) -> None:
        wanted = [text for text in new if text] if isinstance(new, (list, tuple)) else new
        if wanted != value(widget):
            setattr(widget._items.filter, name, wanted)
            widget._items.renew()

    return Property(kind, value, set_value)


def attribute_names(of_nodes: bool, wanted: bool) -> Any:
    """The names of the attribute filters of one kind, as a property."""

    def listed(widget: Any) -> list[Any]:
        rules = widget._items.filter
        return rules.node_attributes if of_nodes else rules.item_attributes

    def value(widget: Any) -> list[str]:
        return [each[0] for each in listed(widget) if each[2] == wanted]

    def set_value(widget: Any, names: list[str]) -> None:
        kept = [each for each in listed(widget) if each[2] != wanted]
        listed(widget)[:] = kept + [(name, "", wanted, "") if of_nodes else (name, "", wanted) for name in names]
        widget._items.renew()

    return Property("QStringList", value, set_value)


class AttributeFilters:
    """Mixin: filters by attributes of items and of nodes."""

    def addItemAttributeFilter(self: Any, name: str, value: Any = "", include: bool = True) -> None:
        self._items.filter.item_attributes.append((name, str(value or ""), include))
        self._items.renew()

    def removeItemAttributeFilter(self: Any, name: str, value: Any = None, include: bool = True) -> None:
        kept = [
            each
            for each in self._items.filter.item_attributes
            if not (each[0] == name and each[2] == include and value in (None, each[1]))
        ]
        self._items.filter.item_attributes[:] = kept
        self._items.renew()

    def addNodeAttributeFilter(self: Any, name: str, value: Any = "", include: bool = True, kind: str = "") -> None:
        self._items.filter.node_attributes.append((name, str(value or ""), include, kind))
        self._items.renew()

    def removeNodeAttributeFilter(
        self: Any, name: str, value: Any = None, include: bool = True, kind: str | None = None
    ) -> None:
        kept = [
            each
            for each in self._items.filter.node_attributes
            if not (each[0] == name and each[2] == include and value in (None, each[1]) and kind in (None, each[3]))
        ]
        self._items.filter.node_attributes[:] = kept
        self._items.renew()
