"""Pictures of widgets as the user sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from ..pythonqt import unwrap
from .look import set_look
from .loop import process_events


def screenshot(widget: Any, path: Path | str) -> None:
    """Draws a widget, laid out anew, into a PNG file."""
    native: QWidget = unwrap(widget)
    native.ensurePolished()
    process_events()
    if not native.grab().save(str(path)):
        raise OSError(f"{path} was not written")


def panel_picture(host: Any, path: Path | str, *, width: int = 450, dark: bool = False) -> None:
    """Draws the panel of the selected module alone, as high as it wants to be."""
    set_look(host.application, dark=dark)
    panel = host.main_window._shown
    layout = host.main_window._holder.layout()
    layout.removeWidget(panel)
    panel.setParent(None)
    panel.setFixedWidth(width)
    panel.show()
    for _ in range(3):
        process_events()
    needed = panel.layout().totalHeightForWidth(width) if panel.layout().hasHeightForWidth() else 0
    panel.resize(width, max(needed, panel.sizeHint().height()))
    process_events()
    screenshot(panel, path)
    panel.setMinimumWidth(0)
    panel.setMaximumWidth(16777215)
    layout.addWidget(panel)
    panel.show()
    set_look(host.application)
