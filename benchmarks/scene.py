"""``python -m benchmarks.scene``: how long a large result holds up Slicer's main thread while it enters the scene.

The session puts a result into the scene piece by piece and lets the application's events through in between. The same
pump does it here on the genuine MRML, tick after tick as the application's timer calls it; only the time that the
thread computed counts.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.records import to_json
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.slicer_io.edited import find_edited
from MedAISegLib.slicer_io.event_loop import PlainLoop
from MedAISegLib.slicer_io.node_segments import record_node
from MedAISegLib.slicer_io.placing import Target, place_result
from MedAISegLib.slicer_io.pump import Pump
from MedAISegLib.slicer_io.scene import new_scene_host, vtk_module

from Testing.segmentations import result_of

from .environment import describe
from .record import Environment

SCENE_JSON = Path(__file__).with_name("scene.json")
SHAPE_KJI = (300, 512, 512)
SEGMENTS = (2, 118)


@dataclass(frozen=True)
class Act:
    """Something done to the scene.

    Attributes:
        longest_s: the longest time between two moments at which the application may do something else.
        whole_s: all of it.
    """

    what: str
    segments: int
    longest_s: float
    whole_s: float


@dataclass(frozen=True)
class SceneRecord:
    """All acts on a grid of so many voxels."""

    environment: Environment
    shape_kji: tuple[int, int, int]
    acts: tuple[Act, ...]


@click.command()
@click.option("--record", is_flag=True, help="Write scene.json, and RESULTS.md anew.")
def main(record: bool) -> None:
    """Measure what enters and leaves the scene."""
    from .page import write_page

    # In Slicer it is there before any module; here its import would be counted with the first piece.
    vtk_module()
    acts = tuple(act for segments in SEGMENTS for act in measure(segments))
    for act in acts:
        click.echo(f"{act.segments} segments, {act.what}: longest {act.longest_s * 1e3:.1f} ms, {act.whole_s:.2f} s")
    if record:
        measured = SceneRecord(describe(1), SHAPE_KJI, acts)
        SCENE_JSON.write_text(json.dumps(to_json(measured), indent=1) + "\n", encoding="utf-8")
        write_page()


def measure(segments: int) -> Iterator[Act]:
    """A first result, a second in its place, one limited to a rotated box, the node's content read, all undone."""
    host, geometry = new_scene_host(), VolumeGeometry(SHAPE_KJI, np.diag([1.5, 0.8, 0.8, 1.0]))
    first, second = blocks(geometry, segments, seed=0), blocks(geometry, segments, seed=1)
    box = rotated_box(geometry)
    boxed = replace(second, layers=second.layers * box.mask(geometry))

    def act(what: str, pieces: Generator[Any, None, Any]) -> tuple[Act, Any]:
        longest_s, whole_s, result = in_ticks(pieces)
        return Act(what, segments, longest_s, whole_s), result

    def place(segmentation: Segmentation, **options: Any) -> Generator[Any, None, Any]:
        return place_result(segmentation, result_of(segmentation), scene=host.scene, **options)

    new, placed = act("a new node", place(first))
    yield new
    node = placed.node
    yield act("looking for edits", find_edited(node, node.GetSegmentation().GetSegmentIDs()))[0]
    yield act("an update", place(second, target=Target(node)))[0]
    within, placed = act("an update within a rotated box", place(boxed, target=Target(node), region=box))
    yield within
    with tempfile.TemporaryDirectory(prefix="medaiseg-scene-") as folder:
        yield act("reading for table and export", record_node(node, Path(folder)))[0]
    whole_s = _computed(placed.revert.restore)
    yield Act("reverting the run", segments, whole_s, whole_s)


def in_ticks(work: Generator[Any, None, Any]) -> tuple[float, float, Any]:
    """Seconds of the longest tick of the pump and of all, and what the work gives."""
    longest_s = whole_s = 0.0
    pump = Pump(PlainLoop())
    job = pump.add(work)
    while not job.is_finished:
        took_s = _computed(pump.tick)
        longest_s, whole_s = max(longest_s, took_s), whole_s + took_s
    return longest_s, whole_s, job.result


def blocks(geometry: VolumeGeometry, count: int, seed: int) -> Segmentation:
    """Blocks of 20 to 80 voxels a side, later ones over earlier ones."""
    rng = np.random.default_rng(seed)
    layers = np.zeros((1, *geometry.shape_kji), np.uint8)
    for label in range(1, count + 1):
        shape = rng.integers(20, [70, 80, 80])
        start = rng.integers(0, np.subtract(geometry.shape_kji, 80))
        layers[0][tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))] = label
    segments = tuple(Segment(n, f"structure {n}", (n, 2 * n, 255 - n)) for n in range(1, count + 1))
    return Segmentation(layers, geometry, segments)


def rotated_box(geometry: VolumeGeometry) -> OrientedBox:
    """Half as long as the image, turned by 30 degrees about S."""
    low, high = (geometry.index_to_lps(np.multiply(geometry.shape_kji, share)) for share in (0.25, 0.75))
    a = np.radians(30.0)
    axes = ((np.cos(a), np.sin(a), 0.0), (-np.sin(a), np.cos(a), 0.0), (0.0, 0.0, 1.0))
    return replace(OrientedBox.from_bounds(tuple(low), tuple(high)), axes_lps=axes)


def _computed(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


if __name__ == "__main__":
    main()
