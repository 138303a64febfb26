"""Stand-ins for ctk's and qMRML's widgets, each found when it is first used."""

from Testing.host import immortals as immortals

_HERE = "Testing.host.widgets"
STAND_INS = {
    "ctk.ctkCheckableComboBox": f"{_HERE}.checkable_combo_box:ctkCheckableComboBox",
    "ctk.ctkCollapsibleButton": f"{_HERE}.collapsible_button:ctkCollapsibleButton",
    "ctk.ctkCollapsibleGroupBox": f"{_HERE}.collapsible_group_box:ctkCollapsibleGroupBox",
    "ctk.ctkComboBox": f"{_HERE}.combo_box:ctkComboBox",
    "ctk.ctkDoubleSlider": f"{_HERE}.double_slider:ctkDoubleSlider",
    "ctk.ctkDoubleSpinBox": f"{_HERE}.double_spin_box:ctkDoubleSpinBox",
    "ctk.ctkPathLineEdit": f"{_HERE}.path_line_edit:ctkPathLineEdit",
    "ctk.ctkSearchBox": f"{_HERE}.search_box:ctkSearchBox",
    "ctk.ctkSliderWidget": f"{_HERE}.slider_widget:ctkSliderWidget",
    "slicer.qMRMLSegmentsTableView": f"{_HERE}.segments_table_view:qMRMLSegmentsTableView",
    "slicer.qMRMLSegmentEditorWidget": f"{_HERE}.segment_editor_widget:qMRMLSegmentEditorWidget",
    "slicer.qMRMLSegmentationShow3DButton": f"{_HERE}.show_3d_button:qMRMLSegmentationShow3DButton",
    "ctk.ctkMenuButton": f"{_HERE}.menu_button:ctkMenuButton",
    "slicer.qMRMLNodeComboBox": f"{_HERE}.node_combo_box:qMRMLNodeComboBox",
}
