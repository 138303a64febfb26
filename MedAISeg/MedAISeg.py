"""The MedAISeg module of 3D Slicer: choose a study and a model, press Apply, edit, export."""

from __future__ import annotations

import sys
from typing import Any

import slicer

if hasattr(slicer.modules, "MedAISegInstance"):
    # Slicer's Reload executes this file alone; without this the package would stay what it was.
    for _stale in [name for name in sys.modules if name.partition(".")[0] == "MedAISegLib"]:
        del sys.modules[_stale]

from MedAISegLib.slicer_ui.about import CONTRIBUTORS, acknowledgement, help_text
from MedAISegLib.slicer_ui.texts import speak_as_slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

speak_as_slicer()


def __getattr__(name: str) -> Any:
    """``MedAISegLogic``, made when somebody asks for it: importing all that it needs would delay Slicer's start."""
    if name != "MedAISegLogic":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from MedAISegLib.slicer_ui.module_logic import MedAISegLogic

    return MedAISegLogic


def _register_sample_data() -> None:
    from MedAISegLib.slicer_io.sample_data import register_sample_data

    register_sample_data()


class MedAISeg(ScriptedLoadableModule):
    """What the application shows of the module."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("MedAISeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "SegmentEditor", "Volumes", "Markups", "Sequences"]
        parent.contributors = list(CONTRIBUTORS)
        parent.helpText = help_text()
        parent.acknowledgementText = acknowledgement()
        slicer.app.connect("startupCompleted()", _register_sample_data)


class MedAISegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel's frame: when it is made, shown and taken down."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None

    def setup(self) -> None:
        from MedAISegLib.slicer_io.session import session
        from MedAISegLib.slicer_ui.module_logic import MedAISegLogic
        from MedAISegLib.slicer_ui.panel import Panel

        ScriptedLoadableModuleWidget.setup(self)
        frame = slicer.util.loadUI(self.resourcePath("UI/MedAISeg.ui"))
        self.layout.addWidget(frame)
        self.ui = slicer.util.childWidgetVariables(frame)
        frame.setMRMLScene(slicer.mrmlScene)
        self.logic = MedAISegLogic()
        self.panel = Panel(self.ui, session(), self.logic.getParameterNode)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._on_scene_closed)

    def enter(self) -> None:
        self.panel.enter()

    def exit(self) -> None:
        if self.panel is not None:
            self.panel.leave()

    def cleanup(self) -> None:
        # At its end Slicer calls this for every panel, also for one that was closed before, and leaves the shown one.
        self.removeObservers()
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.close()

    def _on_scene_closed(self, _caller: Any, _event: Any) -> None:
        self.panel.scene_closed()


class MedAISegTest(ScriptedLoadableModuleTest):
    """What can be tested wherever the module is installed; without a download, a dialog or a main window."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        self.setUp()
        self.test_the_panel_builds_in_an_empty_scene()
        self.setUp()
        self.test_the_sample_study_fits_the_model_that_is_made_for_it()

    def test_the_panel_builds_in_an_empty_scene(self) -> None:
        widget = slicer.util.getNewModuleWidget("MedAISeg")
        assert not widget.ui.applyButton.enabled
        widget.cleanup()

    def test_the_sample_study_fits_the_model_that_is_made_for_it(self) -> None:
        from MedAISegLib.slicer_io.sample_data import load_sample_study
        from MedAISegLib.slicer_ui.module_logic import MedAISegLogic

        volume = load_sample_study()
        ((node, _reason),) = MedAISegLogic().match("hippocampus", volume).values()
        assert node is volume
