"""Draw the memory of both sides over one run into docs/: ``python -m benchmarks.memory_picture``.

Both commands are watched from outside, from their start to their end, twenty times a second.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import matplotlib as mpl
import nibabel
import numpy as np

from Testing.conftest import shared_data_folder
from Testing.reference.images import few_slices_ct, mirrored

from .cases import BenchmarkImage, chosen
from .environment import variables
from .measure import CommandFailedError, held_by_tree
from .setting import Setting, make_setting, our_command, their_command

mpl.use("Agg")
from matplotlib import pyplot as plt

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "memory-over-a-run.png"
_INTERVAL_S = 0.05
_STAGE = re.compile(r"^\s*\d+% (.+?)\s*$")
_IN_PLANE = 512


@dataclass
class Watched:
    """A command's memory, and where it told of a new stage.

    Attributes:
        samples: seconds since its start, and megabytes.
        stages: seconds since its start, and the stage's name.
    """

    samples: list[tuple[float, float]] = field(default_factory=list)
    stages: list[tuple[float, str]] = field(default_factory=list)

    @property
    def peak_mb(self) -> float:
        return max(megabytes for _, megabytes in self.samples)


@click.command()
@click.option("--model", default="spleen", show_default=True, help="One of the benchmark's.")
@click.option("--slices", default=200, show_default=True, help="Of 512 x 512 voxels.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="For either side.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), default=shared_data_folder, help="Test data.")
@click.option("--output", type=click.Path(path_type=Path), default=PICTURE, show_default=True)
def main(model: str, slices: int, threads: int, data: Path, output: Path) -> None:
    """Run both commands on a scan of so many slices, and draw what they held."""
    size = (_IN_PLANE, _IN_PLANE, slices)
    (case, *_) = chosen((model,))
    image = BenchmarkImage(
        lambda folder: [mirrored(few_slices_ct(folder)[0], size)], f"CT, {' x '.join(map(str, size))} voxels"
    )
    with tempfile.TemporaryDirectory(prefix="medaiseg-picture-") as name:
        setting = make_setting(replace(case, image=image), data, Path(name))
        given = variables(threads) | {"MEDAISEG_HOME": f"{name}/home"}
        ours = watch(our_command(setting, Path(name) / "ours"), given)
        theirs = watch(their_command(setting, Path(name) / "theirs"), given)
        draw(setting, ours, theirs, output)


def watch(command: Sequence[str], environment: Mapping[str, str]) -> Watched:
    """Run a command to its end.

    Raises:
        CommandFailedError: if its exit code is not 0.
    """
    found, begun, ended, lines = Watched(), time.perf_counter(), threading.Event(), list[str]()
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:

        def sample() -> None:
            while not ended.wait(_INTERVAL_S):
                found.samples.append((time.perf_counter() - begun, held_by_tree(process.pid) / 1e6))

        watcher = threading.Thread(target=sample)
        watcher.start()
        for line in process.stderr or ():
            lines.append(line)
            if stage := _STAGE.match(line):
                found.stages.append((time.perf_counter() - begun, stage[1]))
        ended.set()
        watcher.join()
    if process.returncode != 0:
        raise CommandFailedError("".join(lines)[-2000:])
    return found


def draw(setting: Setting, ours: Watched, theirs: Watched, path: Path) -> None:
    """Megabytes over seconds, our stages marked, and how large the image is for comparison."""
    figure, axes = plt.subplots(figsize=(9.5, 4.8), layout="constrained")
    for watched, name, colour in (
        (theirs, setting.case.model.reference, "#c2571a"),
        (ours, "medaiseg segment", "#1f6fb4"),
    ):
        seconds, megabytes = zip(*watched.samples, strict=True)
        axes.plot(seconds, megabytes, color=colour, label=f"{name}: at most {watched.peak_mb:,.0f} MB")
        axes.fill_between(seconds, megabytes, color=colour, alpha=0.12)
    for n, (start, stage) in enumerate(ours.stages):
        axes.axvline(start, color="#1f6fb4", linewidth=0.7, alpha=0.6)
        axes.text(start, 0.97 - 0.045 * n, f" {stage}", transform=axes.get_xaxis_transform(), fontsize=8)
    voxels = int(np.prod(nibabel.load(setting.images[0]).shape))
    axes.axhline(voxels * 4 / 1e6, color="#666666", linestyle=":", linewidth=1)
    axes.text(theirs.samples[-1][0], voxels * 4 / 1e6, "the image in 32 bits", ha="right", va="bottom", fontsize=8)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.08 * max(ours.peak_mb, theirs.peak_mb))
    axes.set_xlabel("seconds since the command was started")
    axes.set_ylabel("resident memory, MB")
    axes.set_title(f"{setting.case.model.text}; {setting.case.image.text}", fontsize=10)
    axes.legend(loc="upper left", bbox_to_anchor=(0.16, 0.99), fontsize=9)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
