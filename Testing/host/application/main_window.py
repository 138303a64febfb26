"""The main window: module panel, status bar, and the places that modules look for."""

from __future__ import annotations

from typing import Any

import shiboken6
from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from ..registry import stand_in

PANEL_WIDTH = 500
_TOOL_BARS = ("MainToolBar", "ModuleToolBar", "ViewToolBar", "MouseModeToolBar", "CaptureToolBar", "ViewersToolBar")
_MENUS = ("FileMenu", "EditMenu", "ViewMenu", "HelpMenu")


class qSlicerModuleSelectorToolBar(QWidget):
    """Chooses the module whose panel is shown; here without looks."""

    moduleSelected = Signal(str)

    def __init__(self, window: Any) -> None:
        super().__init__(window)
        self.setObjectName("ModuleSelectorToolBar")
        self._window = window

    def selectModule(self, name: str) -> None:
        self._window._select(name)
        self.moduleSelected.emit(name)

    def _selected(self) -> str:
        return self._window._selected

    selectedModule = Property(str, _selected)


class qSlicerModulePanel(QWidget):
    """Holds the panel of the selected module. The section with help above it is not drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._help_visible = True

    def _set_help_visible(self, visible: bool) -> None:
        self._help_visible = visible

    helpAndAcknowledgmentVisible = Property(bool, lambda self: self._help_visible, _set_help_visible)


class qSlicerAppMainWindow(QMainWindow):
    """Not shown unless a test wants it; the dock holds the panel of the selected module."""

    def __init__(self, manager: Any, title: str) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle(title)
        self.setCentralWidget(QWidget())
        self._manager, self._selected = manager, ""
        self._shown: Any = None
        self._selector = qSlicerModuleSelectorToolBar(self)
        dock = QDockWidget("", self)
        dock.setObjectName("PanelDockWidget")
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._holder = qSlicerModulePanel()
        self._holder.setObjectName("ModulePanel")
        QVBoxLayout(self._holder).setContentsMargins(0, 0, 0, 0)
        self._scroll.setWidget(self._holder)
        logo = QLabel(self)
        logo.setObjectName("LogoLabel")
        probe = stand_in("ctk.ctkCollapsibleButton")(self)
        probe.setObjectName("DataProbeCollapsibleWidget")
        dock.setWidget(self._scroll)
        dock.setMinimumWidth(PANEL_WIDTH)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        self.resize(1280, 900)
        self.statusBar()
        for name in _TOOL_BARS:
            self.addToolBar(name.removesuffix("ToolBar")).setObjectName(name)
        for name in _MENUS:
            menu = self.menuBar().addMenu(name.removesuffix("Menu"))
            menu.setObjectName(name)

    def moduleSelector(self) -> QWidget:
        return self._selector

    def _select(self, name: str) -> None:
        """First the panel that is left is told, then the new one is made, shown and told."""
        self._selected = name
        module = self._manager.module(name)
        widget = module.widgetRepresentation() if module is not None else None
        if widget is self._shown:
            return
        if self._shown is not None:
            self._leave()
        if widget is not None:
            self._holder.layout().addWidget(widget)
            widget.show()
            self._shown = widget
            widget.enter()

    def _leave(self) -> None:
        widget, self._shown = self._shown, None
        widget.exit()
        self._holder.layout().removeWidget(widget)
        widget.hide()
        widget.setParent(None)

    def _close(self) -> None:
        """The application ends: the panel is left, and the window goes with all that it holds."""
        if self._shown is not None:
            self._leave()
        self.hide()
        shiboken6.delete(self)
