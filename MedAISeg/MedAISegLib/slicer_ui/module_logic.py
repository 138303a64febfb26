"""The module's logic as Slicer looks for it."""

from __future__ import annotations

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from ..slicer_io.logic import SegmentationLogic


class MedAISegLogic(SegmentationLogic, ScriptedLoadableModuleLogic):  # type: ignore[misc]
    """For the Python console, and with the parameter node for the panel; see docs/scripting.md."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
