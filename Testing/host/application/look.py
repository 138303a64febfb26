"""How the emulated application looks: Fusion with a font that is there everywhere, light or dark."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QProxyStyle, QStyle

_DARK = {
    QPalette.ColorRole.Window: "#353535",
    QPalette.ColorRole.WindowText: "#ffffff",
    QPalette.ColorRole.Base: "#2a2a2a",
    QPalette.ColorRole.AlternateBase: "#424242",
    QPalette.ColorRole.ToolTipBase: "#353535",
    QPalette.ColorRole.ToolTipText: "#ffffff",
    QPalette.ColorRole.Text: "#ffffff",
    QPalette.ColorRole.Button: "#353535",
    QPalette.ColorRole.ButtonText: "#ffffff",
    QPalette.ColorRole.BrightText: "#ff0000",
    QPalette.ColorRole.Link: "#2a82da",
    QPalette.ColorRole.Highlight: "#2a82da",
    QPalette.ColorRole.HighlightedText: "#ffffff",
    QPalette.ColorRole.PlaceholderText: "#909090",
}


def set_look(application: Any, *, dark: bool = False) -> None:
    if not isinstance(application.style(), SlicerStyle):
        application.setStyle(SlicerStyle("Fusion"))
    families = QFontDatabase.families()
    family = next((each for each in ("DejaVu Sans", "Noto Sans", "Liberation Sans") if each in families), "")
    application.setFont(QFont(family, 9) if family else QFont())
    application.setPalette(dark_palette() if dark else application.style().standardPalette())


def dark_palette() -> QPalette:
    palette = QPalette()
    for role, color in _DARK.items():
        palette.setColor(role, QColor(color))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7f7f7f"))
    return palette


def fonts_are_there() -> bool:
    return bool(QFontDatabase.families())


_METRICS = {
    QStyle.PixelMetric.PM_LayoutLeftMargin: 6,
    QStyle.PixelMetric.PM_LayoutTopMargin: 6,
    QStyle.PixelMetric.PM_LayoutRightMargin: 6,
    QStyle.PixelMetric.PM_LayoutBottomMargin: 6,
    QStyle.PixelMetric.PM_LayoutHorizontalSpacing: 3,
    QStyle.PixelMetric.PM_LayoutVerticalSpacing: 3,
}


class SlicerStyle(QProxyStyle):
    """Fusion with the layout metrics that the application was seen to have."""

    def pixelMetric(self, metric: QStyle.PixelMetric, option: Any = None, widget: Any = None) -> int:
        known = _METRICS.get(metric)
        return super().pixelMetric(metric, option, widget) if known is None else known
