"""The module with which the facts about modules were recorded, as far as they show it: it logs what happens to it."""

import slicer
import vtk
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

LOG = []


class FactDemo(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        LOG.append("module.__init__")
        parent.title = "Fact demo"
        parent.categories = ["Segmentation"]
        parent.helpText = "help text"
        slicer.app.connect("startupCompleted()", lambda: LOG.append("startupCompleted"))

    def setup(self):
        LOG.append("module.setup")


class FactDemoWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        LOG.append("widget.__init__")

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        LOG.append("widget.setup")
        widget = slicer.util.loadUI(self.resourcePath("UI/FactDemo.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onEndClose)
        self.addObserver(scene, scene.StartImportEvent, self.onStartImport)
        self.addObserver(scene, scene.EndImportEvent, self.onEndImport)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)

    def onStartClose(self, caller, event):
        LOG.append(f"StartClose:{event}")

    def onEndClose(self, caller, event):
        LOG.append(f"EndClose:{event}")

    def onStartImport(self, caller, event):
        LOG.append(f"StartImport:{event}")

    def onEndImport(self, caller, event):
        LOG.append(f"EndImport:{event}")

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller, event, node):
        if node.IsA("vtkMRMLVolumeNode"):
            LOG.append(f"NodeAdded:{node.GetClassName()}")

    def enter(self):
        LOG.append("enter")

    def exit(self):
        LOG.append("exit")

    def cleanup(self):
        LOG.append("cleanup")
        self.removeObservers()


class FactDemoLogic(ScriptedLoadableModuleLogic):
    pass
