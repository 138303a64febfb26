"""What something that is gone may have left behind in the application."""

from __future__ import annotations

import gc

import shiboken6
from PySide6.QtCore import QTimer


def observers(scene):
    """Number of observers of the scene and of all its nodes."""
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return sum(str(thing).count("vtkObserver (") for thing in (scene, *nodes))


def timers():
    """Number of Qt's timers that there are, whether they run or not."""
    gc.collect()
    return sum(isinstance(thing, QTimer) and shiboken6.isValid(thing) for thing in gc.get_objects())
