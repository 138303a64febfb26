"""``python -m benchmarks.growth``: time and memory against the number of slices and of classes, as plots.

The network is a small one, so that what surrounds it is what is seen. Each point is the best of its runs in a process
of its own; only our side is run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import numpy as np
from MedAISegLib.core.records import from_json, to_json

from .environment import available_threads, describe, variables
from .record import Environment

_HERE = Path(__file__).parent
GROWTH_JSON, GROWTH_PLOT = _HERE / "growth.json", _HERE / "growth.png"
SLICES, CLASSES = (64, 128, 256, 512, 1024), (2, 8, 30, 60, 118)
USUAL_SLICES, USUAL_CLASSES = 256, 8
WIDTH, FULL_WIDTH = 192, 512
"""Columns and rows of a slice."""


@dataclass(frozen=True)
class Point:
    """One run.

    Attributes:
        width: columns and rows of each slice.
        around_s: the whole run without what was spent in the network.
        above_bytes: resident at most, above a process that has run a window, its input and the label volume.
        device_bytes: that tensors held at most on a GPU; 0 without one.
    """

    slices: int
    classes: int
    width: int
    whole_s: float
    around_s: float
    above_bytes: int
    device_bytes: int = 0


@dataclass(frozen=True)
class Most:
    """The most slices and classes, of full width: an hour's run, kept when the others are measured anew."""

    environment: Environment
    point: Point


@dataclass(frozen=True)
class Growth:
    """All points, and where they were measured."""

    environment: Environment
    points: tuple[Point, ...] = field(default_factory=tuple)
    most: Most | None = None

    def along_slices(self) -> list[Point]:
        """With the usual number of classes, fewest slices first."""
        return sorted((p for p in self.points if p.classes == USUAL_CLASSES), key=lambda point: point.slices)

    def along_classes(self) -> list[Point]:
        """With the usual number of slices, fewest classes first."""
        return sorted((p for p in self.points if p.slices == USUAL_SLICES), key=lambda point: point.classes)

    def most_of_both(self) -> list[Point]:
        """Neither with the usual slices nor with the usual classes."""
        return [p for p in self.points if p.slices != USUAL_SLICES and p.classes != USUAL_CLASSES]


@click.command()
@click.option("--largest", type=int, default=max(SLICES), help="Leave out more slices than these.")
@click.option("--repeats", type=click.IntRange(1), default=3, help="Runs of each point; the shortest counts.")
@click.option(
    "--most", is_flag=True, help=f"The most slices and classes on {FULL_WIDTH} x {FULL_WIDTH} as well: an hour."
)
@click.option("--record", is_flag=True, help="Write growth.json, growth.png, and RESULTS.md anew.")
def main(largest: int, repeats: int, most: bool, record: bool) -> None:
    """Measure the growth and print its exponents."""
    from .page import write_page

    threads = available_threads()
    growth = measure_growth(largest, repeats, threads)
    kept = read_growth(GROWTH_JSON)
    growth = replace(growth, most=measure_most(threads) if most else kept and kept.most)
    for point in (*growth.points, *([growth.most.point] if most and growth.most else [])):
        click.echo(
            f"{point.slices} slices of {point.width} x {point.width}, {point.classes} classes: {point.whole_s:.2f} s, "
            f"of which around the network {point.around_s:.2f} s; {point.above_bytes / 1e6:.0f} MB above"
        )
    if record:
        GROWTH_JSON.write_text(json.dumps(to_json(growth), indent=1) + "\n", encoding="utf-8")
        plot(growth, GROWTH_PLOT)
        write_page()


def measure_growth(largest: int, repeats: int, threads: int, device: str = "cpu") -> Growth:
    """All points up to so many slices."""
    wanted = dict.fromkeys((n, USUAL_CLASSES) for n in SLICES if n <= largest)
    wanted |= dict.fromkeys((USUAL_SLICES, n) for n in CLASSES if largest >= USUAL_SLICES)
    wanted |= {(max(SLICES), max(CLASSES)): None} if largest >= max(SLICES) else {}
    return Growth(describe(threads), tuple(measure(*sizes, WIDTH, repeats, threads, device) for sizes in wanted))


def measure_most(threads: int) -> Most:
    """Once."""
    return Most(describe(threads), measure(max(SLICES), max(CLASSES), FULL_WIDTH, 1, threads, "cpu"))


def read_growth(path: Path) -> Growth | None:
    """What the file holds; None where there is none."""
    return from_json(Growth, json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def measure(slices: int, classes: int, width: int, repeats: int, threads: int, device: str) -> Point:
    """One point, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="medaiseg-growth-") as folder:
        sizes = map(str, (slices, classes, width, repeats, folder, device))
        command = [sys.executable, "-m", "benchmarks.growth_run", *sizes]
        done = subprocess.run(
            command, cwd=_HERE.parent, env=variables(threads, device), stdout=subprocess.PIPE, text=True, check=True
        )
    return from_json(Point, json.loads(done.stdout.splitlines()[-1]))


def exponent(sizes: Sequence[float], figures: Sequence[float]) -> float:
    """Of the power law that fits best: 1 is linear, 0 does not grow."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(figures, 1e-9)), 1)[0])


def plot(growth: Growth, path: Path) -> None:
    """Four panels, logarithmic, with the fitted exponents."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    for column, (name, points) in enumerate((("slices", growth.along_slices()), ("classes", growth.along_classes()))):
        sizes = [getattr(point, name) for point in points]
        for panel, label, figures in (
            (panels[0][column], "seconds around the network", [point.around_s for point in points]),
            (panels[1][column], "MB above input and labels", [point.above_bytes / 1e6 for point in points]),
        ):
            panel.loglog(sizes, figures, "o-", color="#1f6fb4")
            if len(sizes) > 1:
                panel.set_title(f"exponent {exponent(sizes, figures):.2f}")
            panel.set_xticks(sizes, [str(size) for size in sizes])
            panel.set_ylim(min(figures) / 2, max(figures) * 2)
            panel.set_xlabel(name)
            panel.set_ylabel(label)
            panel.yaxis.set_major_formatter("{x:g}")
            panel.yaxis.set_minor_formatter("")
            panel.grid(which="both", alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
