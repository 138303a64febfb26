"""The undo list of Slicer's Segment Editor: a run becomes one of its steps."""

from __future__ import annotations

from typing import Any

from .scene import slicer_module


def save_undo_state(node: Any) -> None:
    """Let the Segment Editor remember a segmentation node as it is, where it shows that node.

    Only an editor that is already there is asked: to make one would open the module.
    """
    modules = getattr(slicer_module(), "modules", None)
    editor = getattr(getattr(modules, "SegmentEditorWidget", None), "editor", None)
    if editor is None:
        return
    shown = editor.segmentationNode()
    if shown is not None and shown.GetID() == node.GetID():
        editor.saveStateForUndo()
