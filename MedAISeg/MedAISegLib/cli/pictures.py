"""A picture of a segmentation on its image: three patient planes with the segments' outlines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ..core.segmentation import Segment, Segmentation
from ..core.volume import Volume
from .cuts import PLANES, Plane, View, cut, field_of_view, middle

_BACKGROUND, _INK, _FAINT = "#14161a", "#e8e8e8", "#8d949e"
_OUTLINED = [withStroke(linewidth=2.5, foreground="black")]


def write_overlay(segmentation: Segmentation, volume: Volume, path: Path) -> None:
    """Axial, coronal and sagittal cut through the middle of the segments, at one scale, as a PNG.

    The cuts run along the patient's axes whatever the grid's orientation; the image is sampled linearly.

    Args:
        segmentation: on the volume's grid.
        volume: the image below the outlines.
        path: of the picture.
    """
    found = [s for s in segmentation.segments if segmentation.mask(s).any()]
    low, high = field_of_view(segmentation)
    center = middle(segmentation)
    views = [cut(plane, center, low, high, segmentation, found, volume) for plane in PLANES]
    window = _window(views)
    widths = [view.extent_mm[1] - view.extent_mm[0] for view in views]
    height = max(abs(view.extent_mm[3] - view.extent_mm[2]) for view in views)
    scale_mm = next((mm for mm in (100, 50, 20, 10, 5) if mm <= min(widths) / 3), 1)
    width_in, gap_in, header_in, footer_in = 12.0, 0.15, 0.45, 0.85
    scale_in = (width_in - 4 * gap_in) / sum(widths)
    height_in = header_in + scale_in * height + footer_in
    figure = Figure(figsize=(width_in, height_in), dpi=120, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    lefts = [gap_in * (n + 1) + scale_in * sum(widths[:n]) for n in range(3)]
    boxes = [
        (left / width_in, footer_in / height_in, scale_in * width / width_in, scale_in * height / height_in)
        for left, width in zip(lefts, widths, strict=True)
    ]
    for n, (plane, view) in enumerate(zip(PLANES, views, strict=True)):
        _draw(figure.add_axes(boxes[n]), plane, view, found, window, center, scale_mm)
    _write_legend(figure, segmentation, found)
    figure.savefig(path, facecolor=_BACKGROUND)


def _window(views: Sequence[View]) -> tuple[float, float]:
    shown = np.concatenate([view.image[np.isfinite(view.image)] for view in views])
    low, high = np.percentile(shown, (1, 99.5)) if shown.size else (0.0, 1.0)
    return float(low), float(max(high, low + 1e-6))


def _draw(
    axes: Axes,
    plane: Plane,
    view: View,
    segments: Sequence[Segment],
    window: tuple[float, float],
    center: NDArray[np.float64],
    scale_mm: int,
) -> None:
    axes.set_facecolor("black")
    axes.imshow(
        np.ma.masked_invalid(view.image),
        cmap="gray",
        vmin=window[0],
        vmax=window[1],
        extent=view.extent_mm,
        origin="upper",
        interpolation="bilinear",
    )
    for segment, mask in zip(segments, view.masks, strict=True):
        if mask.max() > 0.5:
            color = _color(segment)
            placed: dict[str, Any] = {"extent": view.extent_mm, "origin": "upper"}
            axes.contourf(mask, levels=[0.5, 2.0], colors=[color], alpha=0.22, **placed)
            axes.contour(mask, levels=[0.5], colors=[color], linewidths=1.8, **placed)
    _write_letters(axes, plane)
    _draw_scale(axes, view, scale_mm)
    third = 3 - plane.across - plane.down
    position = abs(center[third])
    side = "LPS"[third] if center[third] >= 0 else "RAI"[third]
    axes.set_title(f"{plane.name}  {side} {position:.0f} mm", color=_INK, fontsize=11, pad=8)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _write_letters(axes: Axes, plane: Plane) -> None:
    places = (
        (0.02, 0.5, "left", "center"),
        (0.98, 0.5, "right", "center"),
        (0.5, 0.98, "center", "top"),
        (0.5, 0.02, "center", "bottom"),
    )
    for letter, (x, y, horizontal, vertical) in zip(plane.letters, places, strict=True):
        axes.text(
            x, y, letter, transform=axes.transAxes, ha=horizontal, va=vertical, color="#ffd166", fontsize=13,
            fontweight="bold", path_effects=_OUTLINED,
        )  # fmt: skip


def _draw_scale(axes: Axes, view: View, length_mm: int) -> None:
    left, right, bottom, top = view.extent_mm
    x, y = left + 0.05 * (right - left), bottom + 0.06 * (top - bottom)
    axes.plot([x, x + length_mm], [y, y], color=_INK, linewidth=2.5, solid_capstyle="butt", path_effects=_OUTLINED)
    style: dict[str, Any] = {"color": _INK, "fontsize": 8, "path_effects": _OUTLINED}
    axes.text(x, y + 0.015 * (top - bottom), f"{length_mm} mm", ha="left", va="bottom", **style)
    axes.set(xlim=(left, right), ylim=(bottom, top))


def _write_legend(figure: Figure, segmentation: Segmentation, segments: Sequence[Segment]) -> None:
    handles = [Line2D([], [], color=_color(s), linewidth=5) for s in segments[:12]]
    labels = [f"{s.name}  {segmentation.volume_ml(s):.2f} mL" for s in segments[:12]]
    figure.legend(
        handles, labels, loc="lower center", ncol=min(4, max(1, len(handles))), frameon=False, labelcolor=_INK,
        fontsize=11, bbox_to_anchor=(0.5, 0.35 / figure.get_figheight()), borderaxespad=0,
    )  # fmt: skip
    note = "Radiological convention: the patient's right is on the left of the picture. Not for diagnosis."
    figure.text(0.5, 0.12 / figure.get_figheight(), note, color=_FAINT, fontsize=8.5, ha="center")


def _color(segment: Segment) -> tuple[float, float, float]:
    red, green, blue = (part / 255 for part in segment.color_rgb)
    return red, green, blue
