"""Draw the picture of the sample study in Slicer's Sample Data module: a slice with its two segments outlined.

Run it in the folder of the repository; it needs matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from MedAISegLib.app.sample_study import SPACING_KJI_MM, WHITE_MATTER, draw_sample

TARGET = Path("MedAISeg/Resources/SampleData/sample_study.png")
WIDTH, HEIGHT = 192, 128
COLOURS = ("#ff6f59", "#2bd9b9")


def main() -> None:
    """Cut the drawn study where its labels are largest, from front to back, and save the picture."""
    sample = draw_sample(0)
    i = int(np.argmax((sample.labels > 0).sum(axis=(0, 1))))
    image, labels = sample.voxels[:, :, i].T, sample.labels[:, :, i].T
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    aspect = SPACING_KJI_MM[1] / SPACING_KJI_MM[0]
    axes.imshow(
        image, cmap="gray", vmin=0.25 * WHITE_MATTER, vmax=1.1 * WHITE_MATTER, aspect=aspect, interpolation="bicubic"
    )
    for value, colour in enumerate(COLOURS, start=1):
        axes.contour(labels == value, levels=[0.5], colors=colour, linewidths=1.4)
    # Cut to the picture's shape, so that no border is left.
    middle, half = (len(image) - 1) / 2, image.shape[1] / 2 * HEIGHT / WIDTH / aspect
    axes.set_ylim(middle + half, middle - half)
    axes.set_facecolor("black")
    figure.savefig(TARGET, facecolor="black")


if __name__ == "__main__":
    main()
