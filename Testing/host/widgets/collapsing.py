"""What ctkCollapsibleButton and ctkCollapsibleGroupBox share: children that hide while the box is collapsed.

As in CTK the children are left alone until the widget has been shown once, and a child that the module hides
itself stays hidden when the box opens again.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QWidget

_EXPLICIT = Qt.WidgetAttribute.WA_WState_ExplicitShowHide
_HIDDEN = Qt.WidgetAttribute.WA_WState_Hidden
_CREATED = Qt.WidgetAttribute.WA_WState_Created
_MARK = "visibilityToParent"


class HidesChildren:
    """Mixin before a QWidget class; the class says with `_is_collapsed()` whether its children are to be seen."""

    _forcing = False
    _was_created = False

    def _is_collapsed(self) -> bool:
        raise NotImplementedError

    def _show_or_hide_child(self: Any, child: QWidget) -> None:
        if not self.testAttribute(_CREATED):
            return
        self._forcing = True
        wanted = child.property(_MARK) is not False
        visible = wanted and not self._is_collapsed()
        if child.testAttribute(_CREATED) or not visible:
            child.setVisible(visible)
        if wanted:
            child.setAttribute(_EXPLICIT, False)
        self._forcing = False

    def _show_or_hide_children(self: Any) -> None:
        for child in self.children():
            if isinstance(child, QWidget):
                self._show_or_hide_child(child)

    def childEvent(self: Any, event: Any) -> None:
        # Not yet at ChildAdded: a child that is only being made has no wrapper, and to ask for one would crash.
        child = event.child() if event.type() == QEvent.Type.ChildPolished else None
        if isinstance(child, QWidget):
            if child.testAttribute(_EXPLICIT) and child.testAttribute(_HIDDEN):
                child.setProperty(_MARK, False)
            child.installEventFilter(self)
            self._show_or_hide_child(child)
        super().childEvent(event)  # type: ignore[misc]

    def setVisible(self: Any, visible: bool) -> None:
        self._forcing = True
        super().setVisible(visible)  # type: ignore[misc]
        self._forcing = False
        if not self._was_created and self.testAttribute(_CREATED):
            self._was_created = True
            self._show_or_hide_children()

    def eventFilter(self: Any, child: Any, event: QEvent) -> bool:
        if not self._forcing and isinstance(child, QWidget):
            if event.type() == QEvent.Type.ShowToParent:
                child.setProperty(_MARK, True)
                self._show_or_hide_child(child)
            elif event.type() == QEvent.Type.HideToParent:
                child.setProperty(_MARK, False)
                self._show_or_hide_child(child)
        return False
