"""Stand-ins for ctk's and qMRML's widgets, each found when it is first used."""

from Testing.host import immortals as immortals

_HERE = "Testing.host.widgets"
STAND_INS = {
    "ctk.ctkCheckBox": f"{_HERE}.buttons:ctkCheckBox",
    "ctk.ctkCheckableComboBox": f"{_HERE}.checkable_combo_box:ctkCheckableComboBox",
    "ctk.ctkCollapsibleButton": f"{_HERE}.collapsible_button:ctkCollapsibleButton",
    "ctk.ctkCollapsibleGroupBox": f"{_HERE}.collapsible_group_box:ctkCollapsibleGroupBox",
    "ctk.ctkComboBox": f"{_HERE}.combo_box:ctkComboBox",
    "ctk.ctkDirectoryButton": f"{_HERE}.buttons:ctkDirectoryButton",
    "ctk.ctkDoubleSlider": f"{_HERE}.double_slider:ctkDoubleSlider",
    "ctk.ctkDoubleSpinBox": f"{_HERE}.double_spin_box:ctkDoubleSpinBox",
    "ctk.ctkFittedTextBrowser": f"{_HERE}.fitted_text_browser:ctkFittedTextBrowser",
    "ctk.ctkMenuButton": f"{_HERE}.menu_button:ctkMenuButton",
    "ctk.ctkMessageBox": f"{_HERE}.message_box:ctkMessageBox",
    "ctk.ctkPathLineEdit": f"{_HERE}.path_line_edit:ctkPathLineEdit",
    "ctk.ctkPushButton": f"{_HERE}.buttons:ctkPushButton",
    "ctk.ctkRangeWidget": f"{_HERE}.range_widget:ctkRangeWidget",
    "ctk.ctkSearchBox": f"{_HERE}.search_box:ctkSearchBox",
    "ctk.ctkSliderWidget": f"{_HERE}.slider_widget:ctkSliderWidget",
    "slicer.qMRMLCheckableNodeComboBox": f"{_HERE}.checkable_node_combo_box:qMRMLCheckableNodeComboBox",
    "slicer.qMRMLMarkupsROIWidget": f"{_HERE}.markups_roi_widget:qMRMLMarkupsROIWidget",
    "slicer.qMRMLNodeComboBox": f"{_HERE}.node_combo_box:qMRMLNodeComboBox",
    "slicer.qMRMLSegmentEditorWidget": f"{_HERE}.segment_editor_widget:qMRMLSegmentEditorWidget",
    "slicer.qMRMLSegmentSelectorWidget": f"{_HERE}.segment_selector_widget:qMRMLSegmentSelectorWidget",
    "slicer.qMRMLSegmentationShow3DButton": f"{_HERE}.show_3d_button:qMRMLSegmentationShow3DButton",
    "slicer.qMRMLSegmentsTableView": f"{_HERE}.segments_table_view:qMRMLSegmentsTableView",
    "slicer.qMRMLSliderWidget": f"{_HERE}.unit_widgets:qMRMLSliderWidget",
    "slicer.qMRMLSpinBox": f"{_HERE}.unit_widgets:qMRMLSpinBox",
    "slicer.qMRMLVolumeThresholdWidget": f"{_HERE}.volume_threshold_widget:qMRMLVolumeThresholdWidget",
    "slicer.qSlicerLayoutManager": f"{_HERE}.layout_manager:qSlicerLayoutManager",
    "slicer.qMRMLSliceView": f"{_HERE}.views:qMRMLSliceView",
    "slicer.qMRMLSliceControllerWidget": f"{_HERE}.views:qMRMLSliceControllerWidget",
    "slicer.qMRMLSliceWidget": f"{_HERE}.views:qMRMLSliceWidget",
    "slicer.qMRMLThreeDView": f"{_HERE}.views:qMRMLThreeDView",
    "slicer.qMRMLThreeDViewControllerWidget": f"{_HERE}.views:qMRMLThreeDViewControllerWidget",
    "slicer.qMRMLThreeDWidget": f"{_HERE}.views:qMRMLThreeDWidget",
    "slicer.qMRMLSubjectHierarchyTreeView": f"{_HERE}.subject_hierarchy_tree_view:qMRMLSubjectHierarchyTreeView",
    "slicer.qMRMLSubjectHierarchyComboBox": f"{_HERE}.subject_hierarchy_combo_box:qMRMLSubjectHierarchyComboBox",
}
CORE_MODULES = {
    "SegmentEditor": f"{_HERE}.core_modules:segment_editor",
    "SegmentStatistics": f"{_HERE}.core_modules:segment_statistics",
    "SampleData": f"{_HERE}.core_modules:sample_data",
}
HOOKS = (f"{_HERE}.layout_manager:install",)
