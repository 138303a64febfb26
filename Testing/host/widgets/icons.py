"""The few icons of Slicer's widgets, drawn here with lines: an eye, a flag, a palette, a state, a cube …"""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

_INK = QColor(60, 60, 60)
_GREEN, _RED, _BLUE, _AMBER = QColor(70, 150, 60), QColor(200, 40, 40), QColor(45, 110, 180), QColor(235, 170, 30)


def _pen(colour: QColor = _INK, width: float = 2.0) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def _eye(painter: QPainter, lid: bool = False) -> None:
    painter.setPen(_pen())
    if lid:
        painter.drawArc(QRectF(3, 4, 26, 18), 200 * 16, 140 * 16)
        for x, y in ((6, 24), (16, 27), (26, 24)):
            painter.drawLine(QPointF(16 + (x - 16) * 0.75, y - 4), QPointF(x, y))
        return
    painter.drawArc(QRectF(2, 8, 28, 24), 35 * 16, 110 * 16)
    painter.drawArc(QRectF(2, 0, 28, 24), 215 * 16, 110 * 16)
    painter.setBrush(_INK)
    painter.drawEllipse(QPointF(16, 15.5), 5, 5)


def _flag(painter: QPainter) -> None:
    painter.setPen(_pen())
    painter.drawLine(QPointF(7, 4), QPointF(7, 29))
    painter.setBrush(_INK)
    painter.drawPolygon(QPolygonF([QPointF(8, 5), QPointF(27, 7), QPointF(22, 12), QPointF(27, 17), QPointF(8, 17)]))


def _state(painter: QPainter, fill: QColor | None = None, ticked: bool = False) -> None:
    painter.setPen(_pen(_INK if fill is None else fill.darker(130), 2.5))
    if fill is not None:
        painter.setBrush(fill)
    painter.drawEllipse(QPointF(16, 16), 11, 11)
    if ticked:
        painter.setPen(_pen(QColor("white"), 3.5))
        painter.drawPolyline([QPointF(10, 16), QPointF(14.5, 20.5), QPointF(22, 11.5)])


def _palette(painter: QPainter) -> None:
    painter.setPen(_pen(QColor("black"), 1.0))
    colours = (_RED, _GREEN, _BLUE, _AMBER, QColor(150, 60, 160), QColor(60, 170, 170), _INK, _RED, _GREEN)
    for number, colour in enumerate(colours):
        painter.setBrush(colour)
        painter.drawRect(QRectF(4 + 8 * (number % 3), 4 + 8 * (number // 3), 8, 8))


def _cube(painter: QPainter) -> None:
    painter.setPen(_pen(QColor(40, 70, 40), 1.5))
    faces = (
        (QColor(150, 200, 140), ((16, 3), (28, 9), (16, 15), (4, 9))),
        (QColor(100, 160, 95), ((4, 9), (16, 15), (16, 29), (4, 23))),
        (QColor(70, 125, 70), ((28, 9), (16, 15), (16, 29), (28, 23))),
    )
    for colour, corners in faces:
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))


def _plus(painter: QPainter) -> None:
    painter.setPen(_pen(_GREEN, 7))
    painter.drawLine(QPointF(16, 6), QPointF(16, 26))
    painter.drawLine(QPointF(6, 16), QPointF(26, 16))


def _minus(painter: QPainter) -> None:
    painter.setPen(_pen(_RED, 7))
    painter.drawLine(QPointF(6, 16), QPointF(26, 16))


def _arrow(painter: QPainter) -> None:
    painter.setPen(_pen(_GREEN, 2))
    painter.setBrush(_GREEN)
    painter.drawEllipse(QPointF(16, 16), 13, 13)
    painter.setPen(_pen(QColor("white"), 3.5))
    painter.drawPolyline([QPointF(15, 9), QPointF(23, 16), QPointF(15, 23)])
    painter.drawLine(QPointF(8, 16), QPointF(22, 16))


def _clear(painter: QPainter) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(150, 150, 150))
    painter.drawEllipse(QPointF(16, 16), 10, 10)
    painter.setPen(_pen(QColor("white"), 3))
    painter.drawLine(QPointF(12, 12), QPointF(20, 20))
    painter.drawLine(QPointF(20, 12), QPointF(12, 20))


def _search(painter: QPainter) -> None:
    painter.setPen(_pen(QColor(110, 110, 110), 3))
    painter.drawEllipse(QPointF(13, 13), 8, 8)
    painter.drawLine(QPointF(19, 19), QPointF(27, 27))


_DRAWN: dict[str, Callable[[QPainter], None]] = {
    "eye": _eye,
    "eye-closed": lambda painter: _eye(painter, lid=True),
    "flag": _flag,
    "status-0": _state,
    "status-1": lambda painter: _state(painter, _AMBER),
    "status-2": lambda painter: _state(painter, _GREEN, ticked=True),
    "status-3": lambda painter: _state(painter, _RED),
    "palette": _palette,
    "cube": _cube,
    "plus": _plus,
    "minus": _minus,
    "arrow": _arrow,
    "clear": _clear,
    "search": _search,
}


@functools.cache
def icon(name: str) -> QIcon:
    """The icon of that name; KeyError where there is none."""
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _DRAWN[name](painter)
    painter.end()
    return QIcon(pixmap)


def swatch(red: float, green: float, blue: float, side: int = 16) -> QIcon:
    """A square of one colour, each part 0 to 1."""
    pixmap = QPixmap(side, side)
    pixmap.fill(QColor.fromRgbF(red, green, blue))
    return QIcon(pixmap)


@functools.cache
def lettered(text: str) -> QIcon:
    """A square with one or two letters, for what has no drawing here; an arrow for none."""
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(_pen(_INK, 1.5))
    if text:
        painter.setBrush(QColor(225, 232, 225))
        painter.drawRoundedRect(QRectF(3, 3, 26, 26), 4, 4)
        font = painter.font()
        font.setPixelSize(16)
        painter.setFont(font)
        painter.drawText(QRectF(3, 3, 26, 26), Qt.AlignmentFlag.AlignCenter, text)
    else:
        painter.setBrush(QColor("white"))
        corners = ((9, 3), (9, 26), (14, 21), (18, 29), (22, 27), (18, 19), (25, 19))
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
    painter.end()
    return QIcon(pixmap)
