"""Draw the memory of a process over one run into docs/: ``python tools/memory_picture.py MODEL IMAGE``.

The stages are those that the run reports; memory is what the process holds, read a hundred times a second.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import matplotlib as mpl
import psutil
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.segment import load_model, open_model, run
from MedAISegLib.app.study import read_case
from MedAISegLib.core.progress import Progress, ProgressEvent

mpl.use("Agg")
from matplotlib import pyplot as plt

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "memory-over-a-run.png"
_INTERVAL_S = 0.01


def main(model: str, image: Path) -> None:
    """Run the model once and draw what it took."""
    begun, samples, stages = time.perf_counter(), [], []
    ended = threading.Event()

    def watch() -> None:
        process = psutil.Process()
        while not ended.wait(_INTERVAL_S):
            samples.append((time.perf_counter() - begun, process.memory_info().rss / 1e6))

    def told(event: ProgressEvent) -> None:
        if not stages or stages[-1][1] != event.stage.value:
            stages.append((time.perf_counter() - begun, event.stage.value))

    watcher = threading.Thread(target=watch)
    watcher.start()
    progress = Progress(told)
    source = open_model(model)
    case = read_case(source.spec, image, accept=True, progress=progress)
    loaded = load_model(source, progress)
    segmentation, _ = run(SegmentationJob(model, device="cpu", accept=True), case, progress, model=loaded)
    ended.set()
    watcher.join()
    draw(samples, stages, case.first.voxels.nbytes / 1e6, segmentation.layers.nbytes / 1e6)


def draw(
    samples: list[tuple[float, float]], stages: list[tuple[float, str]], image_mb: float, labels_mb: float
) -> None:
    """Megabytes over seconds, with the stages as bands."""
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    seconds, megabytes = zip(*samples, strict=True)
    axes.plot(seconds, megabytes, color="#1f6fb4")
    ends = [at for at, _ in stages[1:]] + [seconds[-1]]
    for n, ((start, name), end) in enumerate(zip(stages, ends, strict=True)):
        axes.axvspan(start, end, color=f"C{n}", alpha=0.12)
        axes.text(start, max(megabytes) * (1.02 + 0.06 * (n % 2)), f" {name}", fontsize=8)
    axes.set_ylim(0, max(megabytes) * 1.15)
    axes.set_xlabel("seconds")
    axes.set_ylabel("resident memory, MB")
    axes.set_title(f"image {image_mb:.1f} MB, labels {labels_mb:.1f} MB, torch imported before", fontsize=10)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
