"""The application around a module: ``slicer.app``, modules and their panels, dialogs, the event loop."""

_WIDGETS = "Testing.host.application.module_widgets"
_MODULES = "Testing.host.application.modules"

_SETTINGS = "Testing.host.application.settings_panel"

STAND_INS = {
    "ctk.ctkBooleanMapper": f"{_SETTINGS}:ctkBooleanMapper",
    "ctk.ctkSettingsDialog": f"{_SETTINGS}:ctkSettingsDialog",
    "ctk.ctkSettingsPanel": f"{_SETTINGS}:ctkSettingsPanel",
    "slicer.qSlicerSettingsDialog": f"{_SETTINGS}:qSlicerSettingsDialog",
    "ctk.ctkSettings": "Testing.host.application.settings:ctkSettings",
    "qt.QUiLoader": "Testing.host.application.ui_loader:QUiLoader",
    "slicer.qMRMLWidget": f"{_WIDGETS}:qMRMLWidget",
    "slicer.qSlicerWidget": f"{_WIDGETS}:qSlicerWidget",
    "slicer.qSlicerAbstractModuleWidget": f"{_WIDGETS}:qSlicerAbstractModuleWidget",
    "slicer.qSlicerScriptedLoadableModuleWidget": f"{_WIDGETS}:qSlicerScriptedLoadableModuleWidget",
    "slicer.qSlicerAbstractCoreModule": f"{_MODULES}:qSlicerAbstractCoreModule",
    "slicer.qSlicerLoadableModule": f"{_MODULES}:qSlicerLoadableModule",
    "slicer.qSlicerSequencesModule": f"{_MODULES}:qSlicerSequencesModule",
    "slicer.qSlicerScriptedLoadableModule": f"{_MODULES}:qSlicerScriptedLoadableModule",
    "slicer.qSlicerModuleFactoryManager": f"{_MODULES}:qSlicerModuleFactoryManager",
    "slicer.qSlicerModuleManager": f"{_MODULES}:qSlicerModuleManager",
    "slicer.qSlicerApplication": "Testing.host.application.qslicer_application:qSlicerApplication",
    "slicer.qSlicerAppMainWindow": "Testing.host.application.main_window:qSlicerAppMainWindow",
    "slicer.qSlicerModulePanel": "Testing.host.application.main_window:qSlicerModulePanel",
    "slicer.qSlicerModuleSelectorToolBar": "Testing.host.application.main_window:qSlicerModuleSelectorToolBar",
    "slicer.qSlicerIOManager": "Testing.host.application.io_manager:qSlicerIOManager",
    "slicer.qSlicerSubjectHierarchyScriptedPlugin": (
        "Testing.host.application.scripted_plugins:qSlicerSubjectHierarchyScriptedPlugin"
    ),
    "slicer.qSlicerCommandOptions": "Testing.host.application.small_parts:qSlicerCommandOptions",
    "slicer.qSlicerExtensionsManagerModel": "Testing.host.application.small_parts:qSlicerExtensionsManagerModel",
    "ctk.ctkErrorLogModel": "Testing.host.application.error_log:ctkErrorLogModel",
    "slicer.qSlicerFileDialog": "Testing.host.application.io_manager:qSlicerFileDialog",
}
