"""A scripted module's life, as recorded in the application."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.host.driver import click

SOURCE = """
import qt, slicer, vtk
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

LOG = []

class Demo(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        LOG.append("module.__init__")
        parent.title = "Demo"
        slicer.app.connect("startupCompleted()", lambda: LOG.append("startupCompleted"))

    def setup(self):
        LOG.append("module.setup")

class DemoWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        LOG.append("widget.__init__")

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        LOG.append("widget.setup")
        self.button = qt.QPushButton("Apply")
        self.layout.addWidget(self.button)
        self.button.connect("clicked(bool)", lambda: LOG.append("clicked"))

    def enter(self):
        LOG.append("enter")

    def exit(self):
        LOG.append("exit")

    def cleanup(self):
        LOG.append("cleanup")

class DemoLogic(ScriptedLoadableModuleLogic):
    pass
"""


@pytest.fixture
def demo(slicer_app, tmp_path: Path):
    file = tmp_path / "Demo.py"
    file.write_text(SOURCE)
    slicer_app.load_module(file)
    slicer_app.startup_completed()
    import Demo

    return Demo


def test_loading_makes_the_module_and_not_its_panel(demo):
    assert demo.LOG == ["module.__init__", "module.setup", "startupCompleted"]


def test_first_selection_makes_sets_up_and_enters_the_panel(slicer_app, demo):
    demo.LOG.clear()
    slicer_app.enter("Demo")
    assert demo.LOG == ["widget.__init__", "widget.setup", "enter"]


def test_leaving_and_coming_back_exits_and_enters(slicer_app, demo):
    slicer_app.enter("Demo")
    demo.LOG.clear()
    slicer_app.enter("Data")
    slicer_app.enter("Demo")
    assert demo.LOG == ["exit", "enter"]


def test_reload_cleans_up_by_the_old_code_and_sets_up_by_the_new_without_entering(slicer_app, demo):
    import slicer

    slicer_app.enter("Demo")
    demo.LOG.clear()
    slicer.util.reloadScriptedModule("Demo")
    import Demo as new

    assert new is not demo
    assert demo.LOG == ["cleanup"]
    assert new.LOG == ["widget.__init__", "widget.setup"]


def test_a_click_reaches_the_panel(slicer_app, demo):
    widget = slicer_app.enter("Demo")
    slicer_app.main_window.show()
    demo.LOG.clear()
    click(widget.button)
    assert demo.LOG == ["clicked"]


def test_ending_the_application_cleans_up_once(slicer_app, demo):
    slicer_app.enter("Demo")
    demo.LOG.clear()
    slicer_app.quit()
    assert demo.LOG.count("cleanup") == 1


def test_the_parameter_node_survives_closing_the_scene_with_no_parameters(slicer_app, demo):
    import slicer

    logic = demo.DemoLogic()
    node = logic.getParameterNode()
    node.SetParameter("a", "9")
    slicer.mrmlScene.Clear(0)
    assert logic.getParameterNode() is node
    assert node.GetParameter("a") == ""


def test_two_starts_share_nothing(slicer_app, demo):
    import slicer

    assert slicer.mrmlScene.GetFirstNodeByName("left behind") is None
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "left behind")
    slicer.app.userSettings().setValue("left", "behind")


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_its_own_scene_and_settings(slicer_app, _):
    import qt
    import slicer

    assert slicer.mrmlScene.GetFirstNodeByName("left behind") is None
    assert slicer.app.userSettings().value("left") is None
    assert qt.QSettings().value("left") is None
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "left behind")
    slicer.app.userSettings().setValue("left", "behind")


def test_what_was_on_the_path_before_a_module_was_loaded_stays(tmp_path, monkeypatch):
    import sys

    from Testing.host.application.host import Host

    (tmp_path / "Demo.py").write_text(SOURCE)
    for there_before in (True, False):
        if there_before:
            monkeypatch.syspath_prepend(str(tmp_path))
        else:
            sys.path.remove(str(tmp_path))
        host = Host()
        host.load_module(tmp_path / "Demo.py")
        host.stop()
        assert (str(tmp_path) in sys.path) == there_before
        assert "Demo" not in sys.modules
