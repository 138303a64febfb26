"""Draw the extension's icon: an axial slice of a body with the liver and the spleen as two coloured segments.

Run it in the folder of the repository; it needs matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch
from matplotlib.path import Path as Outline

TARGETS = (Path("MedAISeg.png"), Path("MedAISeg/Resources/Icons/MedAISeg.png"))
PIXELS = 128
NIGHT, SKIN, TISSUE, BONE = "#111b2e", "#9fb0c8", "#33435f", "#f2f5fa"
CORAL, TEAL = "#ff6f59", "#2bd9b9"

Points = list[tuple[float, float]]

BODY: Points = [(-0.86, 0.02), (-0.7, 0.5), (-0.25, 0.66), (0.25, 0.66), (0.7, 0.5), (0.86, 0.02), (0.66, -0.52),
                (0.2, -0.66), (-0.2, -0.66), (-0.66, -0.52)]  # fmt: skip
LIVER: Points = [(-0.66, -0.08), (-0.56, 0.36), (-0.2, 0.5), (0.2, 0.42), (0.26, 0.27), (-0.04, 0.14), (-0.2, -0.12),
                 (-0.36, -0.38), (-0.56, -0.36)]  # fmt: skip
SPLEEN: Points = [(0.6, 0.22), (0.74, -0.04), (0.64, -0.38), (0.42, -0.52), (0.28, -0.38), (0.44, -0.2), (0.46, 0.06)]
VERTEBRA: Points = [(-0.14, -0.16), (0.14, -0.16), (0.17, -0.32), (0.05, -0.42), (0.0, -0.56), (-0.05, -0.42),
                    (-0.17, -0.32)]  # fmt: skip


def smooth(corners: Points) -> Outline:
    """A closed curve through the midpoints of a polygon's edges, its corners as control points."""
    points = np.array(corners)
    middles = (points + np.roll(points, -1, axis=0)) / 2
    vertices = [middles[-1]]
    for corner, middle in zip(points, middles, strict=True):
        vertices += [corner, middle]
    codes = [Outline.MOVETO] + [Outline.CURVE3] * (len(vertices) - 1)
    return Outline([*vertices, vertices[0]], [*codes, Outline.CLOSEPOLY])


def draw() -> Figure:
    figure = Figure(figsize=(1, 1), dpi=PIXELS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    axes.set_axis_off()
    shapes: tuple[Patch, ...] = (
        FancyBboxPatch((-0.78, -0.78), 1.56, 1.56, boxstyle="round,pad=0.2,rounding_size=0.42", fc=NIGHT, ec="none"),
        PathPatch(smooth(BODY), fc=TISSUE, ec=SKIN, lw=4.5),
        PathPatch(smooth(LIVER), fc=CORAL, ec="none"),
        PathPatch(smooth(SPLEEN), fc=TEAL, ec="none"),
        PathPatch(smooth(VERTEBRA), fc=BONE, ec="none"),
        Circle((0.1, -0.04), 0.075, fc=SKIN, ec="none"),
    )
    for shape in shapes:
        axes.add_patch(shape)
    return figure


def main() -> None:
    figure = draw()
    FigureCanvasAgg(figure)
    for target in TARGETS:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, transparent=True, metadata={"Software": None})


if __name__ == "__main__":
    main()
