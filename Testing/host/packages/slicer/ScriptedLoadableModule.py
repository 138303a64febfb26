"""The base classes of scripted modules, with the members and the behaviour that the application's were seen to have."""

import logging
import unittest
from pathlib import Path

import qt
import slicer

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


class ScriptedLoadableModule:
    def __init__(self, parent):
        super().__init__()
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = ["Anonymous"]
        parent.helpText = ""
        parent.acknowledgementText = ""
        parent.hidden = False
        for ending in (".svg", ".png"):
            icon = Path(parent.path).parent / "Resources" / "Icons" / (self.moduleName + ending)
            if icon.exists():
                parent.icon = qt.QIcon(str(icon))
                break

    def resourcePath(self, filename):
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def getDefaultModuleDocumentationLink(self, docPage=None, linkText=None):
        name = self.moduleName if docPage is None else docPage
        text = linkText or "See the <a>documentation</a> for more information."
        return text.replace("<a>", f'<a href="https://slicer.readthedocs.io/modules/{name.lower()}.html">')

    def runTest(self, msec=100, **kwargs):
        import sys

        case = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")()
        case.messageDelay = msec
        case.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, converter=slicer.util.toBool)
        if parent is None:
            self.parent = slicer.qMRMLWidget()
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        else:
            self.parent = parent
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename):
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def cleanup(self):
        """A module overrides it to let go of what it holds."""

    def _onModuleAboutToBeUnloaded(self, moduleName):
        if moduleName == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def setup(self):
        self.setupDeveloperSection()

    def setupDeveloperSection(self):
        if not self.developerMode:
            return
        row = qt.QHBoxLayout()
        for text, slot in (
            ("Reload", self.onReload),
            ("Reload and Test", self.onReloadAndTest),
            ("Edit", self.onEditSource),
        ):
            button = qt.QPushButton(text)
            button.connect("clicked()", slot)
            row.addWidget(button)
        self.reloadCollapsibleButton = qt.QGroupBox("Reload && Test")
        self.reloadCollapsibleButton.setLayout(row)
        self.layout.addWidget(self.reloadCollapsibleButton)

    def onReload(self):
        slicer.util.reloadScriptedModule(self.moduleName)

    def onReloadAndTest(self, **kwargs):
        with slicer.util.tryWithErrorDisplay("Reload and Test failed."):
            slicer.util.reloadScriptedModule(self.moduleName)
            self.onTest(**kwargs)

    def onTest(self, **kwargs):
        slicer.util.getModuleWidget(self.moduleName)
        getattr(slicer.modules, f"{self.moduleName}Instance").runTest(**kwargs)

    def onEditSource(self):
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(slicer.util.modulePath(self.moduleName)))


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self):
        """The one node of this module, made when first asked for; it is the same after the scene was closed."""
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            return node if node is not None else slicer.mrmlScene.AddNode(self.createParameterNode())
        nodes = self.getAllParameterNodes()
        return nodes[0] if nodes else slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self):
        scene = slicer.mrmlScene
        count = scene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode")
        nodes = [scene.GetNthNodeByClass(index, "vtkMRMLScriptedModuleNode") for index in range(count)]
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self):
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # What stands after TestCase among the bases has its constructor called as well.
        super(unittest.TestCase, self).__init__()
        self.messageDelay = 600
        self.enableScreenshots = 0
        self.screenshotScaleFactor = 1.0

    def setUp(self):
        """A module overrides it to begin with an empty scene."""

    def tearDown(self):
        """A module overrides it to clean up."""

    def runTest(self):
        """A module overrides it to run its tests."""
        logging.warning("No test is defined in %s", type(self).__name__)

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        delay = requestedDelay if requestedDelay is not None else msec
        slicer.util.delayDisplay(message, self.messageDelay if delay is None else delay)

    def takeScreenshot(self, name, description, view=-1):
        logging.info("%s: %s", name, description)
