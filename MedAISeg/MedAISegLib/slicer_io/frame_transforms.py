"""The transform above one frame, which may be a frame of a sequence itself (a motion, a tracked probe)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .scene import slicer_module


@contextmanager
def transform_at(node: Any, browser: Any, index_value: str) -> Iterator[Any]:
    """For a while the transform node that is above a node where its browser shows an index value; None for none.

    Transforms that the browser steps along with the frames are those of the index value; the others are as they are
    now. Copies are hidden nodes of the scene, so that nobody sees the browser's own transforms move.
    """
    chain = list(_above(node))
    steps = [place for place, transform in enumerate(chain) if browser.GetSequenceNode(transform) is not None]
    if not steps:
        yield chain[0] if chain else None
        return
    scene, copies = node.GetScene(), []
    parent = chain[steps[-1] + 1] if steps[-1] + 1 < len(chain) else None
    try:
        for transform in reversed(chain[: steps[-1] + 1]):
            parent = _hidden_copy(_state_at(transform, browser, index_value), scene, parent)
            copies.append(parent)
        yield parent
    finally:
        for copy in reversed(copies):
            if copy.GetScene() is not None:
                scene.RemoveNode(copy)


def _above(node: Any) -> Iterator[Any]:
    """The transform nodes above a node, the nearest first."""
    parent = node.GetParentTransformNode()
    while parent is not None:
        yield parent
        parent = parent.GetParentTransformNode()


def _state_at(transform: Any, browser: Any, index_value: str) -> Any:
    """The transform's node in its sequence at an index value, the nearest before it where there is none."""
    sequence = browser.GetSequenceNode(transform)
    found = sequence.GetDataNodeAtValue(index_value, False) if sequence is not None else None
    return transform if found is None else found


def _hidden_copy(transform: Any, scene: Any, parent: Any) -> Any:
    copy = getattr(slicer_module(), transform.GetClassName())()
    copy.SetHideFromEditors(True)
    copy.SetSaveWithScene(False)
    copy.CopyContent(transform, True)
    scene.AddNode(copy)
    copy.SetAndObserveTransformNodeID(parent.GetID() if parent is not None else None)
    return copy
