"""Properties of the Segment Editor that show or hide its parts, or lay its effects out."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property

from Testing.host.widgets.properties import held


def shown(*names: str) -> Any:
    """Whether the parts of `editor._parts` are on the screen; as in Slicer none is while the editor is not shown."""

    def value(editor: Any) -> bool:
        return all(getattr(editor._parts, name).isVisible() for name in names)

    def set_value(editor: Any, visible: bool) -> None:
        for name in names:
            getattr(editor._parts, name).setVisible(visible)
            label = editor._parts.form.labelForField(getattr(editor._parts, name))
            if label is not None:
                label.setVisible(visible)

    return Property(bool, value, set_value)


def effect_property(kind: Any, default: Any) -> Any:
    """A held property after whose change the buttons of the effects are laid out anew."""
    return held(kind, default, lambda editor: editor._renew_effects())
