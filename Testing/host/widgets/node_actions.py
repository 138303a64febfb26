"""The actions below the nodes of a qMRMLNodeComboBox, and how its node types are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtGui import QAction


def label_of(scene: Any, kind: str) -> str:
    """How a user calls a node class: "Volume", "Segmentation"; "node" where the scene does not know it."""
    return (scene.GetTypeDisplayNameByClassName(kind) if scene is not None and kind else "") or "node"


def actions_of(selector: Any, own: Sequence[QAction]) -> list[tuple[str, str]]:
    """Text and data ("CREATE/vtkMRML…", "DELETE/", "ACTION/number") of each action, in Slicer's order."""
    if selector.mrmlScene() is None:
        return []
    kinds = selector.nodeTypes
    label = selector.nodeTypeLabel(kinds[0] if len(kinds) == 1 else "")
    actions: list[tuple[str, str]] = []
    if selector.renameEnabled:
        actions.append((f"Rename current {label}", "RENAME/"))
    if selector.editEnabled:
        actions.append((f"Edit current {label}", "EDIT/"))
    if selector.addEnabled:
        for kind in kinds:
            text = f"Create new {selector.nodeTypeLabel(kind)}"
            actions.append((text, f"CREATE/{kind}"))
            if selector.renameEnabled:
                actions.append((f"{text} as...", f"CREATE_AS/{kind}"))
    if selector.removeEnabled:
        actions.append((f"Delete current {label}", "DELETE/"))
    return actions + [(action.text(), f"ACTION/{number}") for number, action in enumerate(own)]
