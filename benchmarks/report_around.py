"""Growth, start, throughput and the scene as sections of the page of results; nothing is compared here."""

from __future__ import annotations

from collections.abc import Sequence

from .growth import Growth, Point, exponent
from .report import machine
from .scene import SceneRecord
from .service import Service
from .tables import megabytes, table

_GROWTH = """## Growth

Our side alone, with a network so small that what surrounds it is what is seen; the shortest run of each. Memory is
the peak above a process that has run a window, its input and the label volume.

![Seconds and megabytes against slices and classes](growth.png)
"""
_SERVICE = """## Start and throughput

The embedded model through the worker that serves the panel, from voxels in memory to labels in memory, as Slicer hands
over and takes them, against a command for each case, which starts, reads a file and writes one.
"""
_SCENE = """## In Slicer's process

Results of {size} voxels entering a scene of the genuine MRML library, piece by piece; between two pieces the
application goes on. Seconds that the main thread computed.
"""
_NOT_MEASURED = "**Not measured.**\n"


def around_section(growth: Growth | None, service: Service | None, scene: SceneRecord | None) -> str:
    """Markdown; what was not recorded is said to be missing."""
    parts = [_growth(growth), _service(service), _scene(scene)]
    return "\n".join(parts)


def _growth(growth: Growth | None) -> str:
    if growth is None:
        return f"## Growth\n\n{_NOT_MEASURED}"
    parts = [_GROWTH]
    for name, points in (("slices", growth.along_slices()), ("classes", growth.along_classes())):
        sizes = [getattr(point, name) for point in points]
        time = exponent(sizes, [point.around_s for point in points])
        memory = exponent(sizes, [max(point.above_bytes, 1) for point in points])
        exponents = f"time around the network grows with the power {time:.2f}, memory with {memory:.2f}"
        parts += [_points(points), f"With the {name}, {exponents} (1 is linear, 0 does not grow).\n"]
    if both := growth.most_of_both():
        parts += [_points(both), "The most of both.\n"]
    parts.append(f"Measured on {machine(growth.environment)}.\n")
    if growth.most:
        where = machine(growth.most.environment)
        parts += [_points([growth.most.point]), f"The most of both, of full width; measured on {where}.\n"]
    return "\n".join(parts)


def _points(points: Sequence[Point]) -> str:
    columns = ("slices", "columns and rows", "classes", "run s", "around the network s", "MB above input and labels")
    rows = [
        (
            str(p.slices),
            f"{p.width} x {p.width}",
            str(p.classes),
            f"{p.whole_s:.2f}",
            f"{p.around_s:.2f}",
            megabytes(p.above_bytes),
        )
        for p in points
    ]
    return table(columns, rows)


def _service(service: Service | None) -> str:
    if service is None:
        return f"## Start and throughput\n\n{_NOT_MEASURED}"
    first, *later = service.apply_s
    rows = [
        ("import of the panel's side", f"{service.import_s:.2f}"),
        ("worker, from its start to its first answer", f"{service.worker_s:.2f}"),
        ("model loaded, its libraries included", f"{service.loaded_s:.2f}"),
        ("first run", f"{first:.2f}"),
        *((f"run {n}", f"{seconds:.2f}") for n, seconds in enumerate(later, start=2)),
        (f"{service.cases} cases through the worker", f"{service.by_worker_s:.1f}"),
        (f"{service.cases} commands", f"{service.by_commands_s:.1f}"),
    ]
    return "\n".join([_SERVICE, table(("what", "s"), rows), f"Measured on {machine(service.environment)}.\n"])


def _scene(scene: SceneRecord | None) -> str:
    if scene is None:
        return f"## In Slicer's process\n\n{_NOT_MEASURED}"
    rows = [(str(act.segments), act.what, f"{act.longest_s * 1e3:.1f}", f"{act.whole_s:.2f}") for act in scene.acts]
    k, j, i = scene.shape_kji
    columns = ("segments", "what", "longest piece ms", "all of it s")
    head = _SCENE.format(size=f"{i} x {j} x {k}")
    return "\n".join([head, table(columns, rows), f"Measured on {machine(scene.environment)}.\n"])
