"""Catches MRML that is touched outside the main thread: its events fire in the thread that calls."""

from __future__ import annotations

import threading
import traceback
from typing import Any

from ..pythonqt import LEDGER


class ThreadGuard:
    """Listens to every event of the scene and of its nodes."""

    def __init__(self, scene: Any) -> None:
        import vtk

        self._main = threading.main_thread()
        self._scene = scene
        self._tags: list[tuple[Any, int]] = [(scene, scene.AddObserver(vtk.vtkCommand.AnyEvent, self._seen))]
        self._tags.append((scene, scene.AddObserver(scene.NodeAddedEvent, self._added)))
        self._added.__func__.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]
        for index in range(scene.GetNumberOfNodes()):
            self._watch(scene.GetNthNode(index))

    def _watch(self, node: Any) -> None:
        self._tags.append((node, node.AddObserver("AnyEvent", self._seen)))

    def _added(self, _scene: Any, _event: str, node: Any) -> None:
        self._watch(node)

    def _seen(self, caller: Any, event: str) -> None:
        if threading.current_thread() is not self._main:
            stack = "".join(traceback.format_stack(limit=6)[:-1])
            LEDGER.off_thread.append(f"{event} of {caller.GetClassName()}\n{stack}")

    def stop(self) -> None:
        for thing, tag in self._tags:
            thing.RemoveObserver(tag)
        self._tags.clear()
