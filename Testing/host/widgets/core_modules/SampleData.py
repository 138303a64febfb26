"""The Sample Data module: what is registered, with a button for each. It downloads nothing."""

import ctk
import qt
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget

from Testing.host.pythonqt import NotModelled

_PER_FILE = ("uris", "fileNames", "nodeNames", "checksums", "loadFiles", "loadFileTypes")
_BUILT_IN = {
    "General": (
        "MRHead", "CTChest", "CTACardio", "DTIBrain", "MRBrainTumor1", "MRBrainTumor2", "BaselineVolume", "CTLiver",
    ),
    "Development": ("TinyPatient",),
}  # fmt: skip
"""Some of those that come with Slicer; here they can be listed, not loaded."""


class SampleData(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Sample Data"
        parent.categories = ["Informatics"]
        _sources()


class SampleDataSource:
    def __init__(
        self, sampleName=None, sampleDescription=None, uris=None, fileNames=None, nodeNames=None, checksums=None,
        loadFiles=None, customDownloader=None, thumbnailFileName=None, loadFileTypes=None, loadFileProperties=None,
        loadFileType=None,
    ):  # fmt: skip
        if loadFileType is not None and loadFileTypes is not None:
            raise ValueError("loadFileType and loadFileTypes cannot be specified at the same time")
        given = {
            "uris": uris, "fileNames": fileNames, "nodeNames": nodeNames, "checksums": checksums,
            "loadFiles": loadFiles, "loadFileTypes": loadFileType if loadFileTypes is None else loadFileTypes,
        }  # fmt: skip
        if isinstance(uris, str):
            given = {name: [value] for name, value in given.items()}
        elif isinstance(uris, (list, tuple)):
            for name in ("nodeNames", "checksums", "loadFiles"):
                given[name] = [None] * len(uris) if given[name] is None else given[name]
            if given["loadFileTypes"] is None or isinstance(given["loadFileTypes"], str):
                given["loadFileTypes"] = [given["loadFileTypes"]] * len(uris)
        if len({len(values) for values in given.values()}) != 1:
            raise ValueError(f"All fields of sample data source must have the same length: {given}")
        vars(self).update(given)
        self.sampleName = sampleName
        self.sampleDescription = sampleName if sampleDescription is None else sampleDescription
        self.customDownloader = customDownloader
        self.thumbnailFileName = thumbnailFileName
        self.loadFileProperties = {} if loadFileProperties is None else loadFileProperties

    def __eq__(self, other):
        return str(self) == str(other)

    __hash__ = None

    def __str__(self):
        return "\n".join(f"{name}: {value}" for name, value in sorted(vars(self).items()))


def _sources():
    """slicer.modules.sampleDataSources, made when it is first asked for."""
    if not hasattr(slicer.modules, "sampleDataSources"):
        slicer.modules.sampleDataSources = {}
    return slicer.modules.sampleDataSources


class SampleDataLogic:
    def __init__(self, logMessage=None):
        if logMessage:
            self.logMessage = logMessage
        for category, names in _BUILT_IN.items():
            for name in names:
                self.registerCustomSampleDataSource(category, name, uris="", fileNames="", nodeNames=name)

    def logMessage(self, message, logLevel=None):
        print(message)

    @staticmethod
    def registerCustomSampleDataSource(category="Custom", sampleName=None, **details):
        source = SampleDataSource(sampleName=sampleName, **details)
        listed = _sources().setdefault(category, [])
        if source not in listed:
            listed.append(source)

    @staticmethod
    def registerCustomSampleDataCategory(category, title=None, *_, **__):
        """Slicer's main version; a category is there as soon as it has a source, its title is only shown."""

    @staticmethod
    def sampleDataSourcesByCategory(category=None):
        return _sources() if category is None else _sources().get(category, [])

    @staticmethod
    def isSampleDataSourceRegistered(category, sampleDataSource):
        if not isinstance(sampleDataSource, SampleDataSource):
            raise TypeError(f"unsupported sampleDataSource type '{type(sampleDataSource)}'")
        return sampleDataSource in _sources().get(category, [])

    def sourceForSampleName(self, sampleName):
        every = (source for listed in _sources().values() for source in listed)
        return next((source for source in every if source.sampleName == sampleName), None)

    def categoryForSource(self, a_source):
        return next((category for category, listed in _sources().items() if a_source in listed), None)

    def downloadSamples(self, sampleName):
        source = self.sourceForSampleName(sampleName)
        if source is None:
            raise ValueError(f"There is no sample data set named {sampleName!r}")
        return self.downloadFromSource(source)

    def downloadSample(self, sampleName):
        return (self.downloadSamples(sampleName) or [None])[0]

    def downloadFromSource(self, source, maximumAttemptsCount=3, forceDownload=False):
        """As in Slicer a custom downloader is not asked here; only the button in the panel asks it."""
        raise NotModelled(f"a download of the sample {source.sampleName!r}")

    def downloadFromURL(self, **details):
        raise NotModelled("SampleDataLogic.downloadFromURL()")


class SampleDataWidget(ScriptedLoadableModuleWidget):
    """A button for each source, by category."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        logic = SampleDataLogic()
        for category, sources in _sources().items():
            group = ctk.ctkCollapsibleGroupBox(self.parent)
            group.title = category
            group.objectName = f"{category}CollapsibleGroupBox"
            qt.QVBoxLayout(group)
            self.layout.addWidget(group)
            for source in sources:
                button = qt.QPushButton(source.sampleDescription)
                button.objectName = f"{source.sampleName}PushButton"
                if source.thumbnailFileName:
                    button.icon = qt.QIcon(source.thumbnailFileName)
                download = source.customDownloader or logic.downloadFromSource
                button.connect("clicked()", lambda source=source, download=download: download(source))
                group.layout().addWidget(button)
        self.layout.addStretch(1)


def downloadSample(sampleName):
    return SampleDataLogic().downloadSample(sampleName)


def downloadSamples(sampleName):
    return SampleDataLogic().downloadSamples(sampleName)
