"""The small parameter node wrapper: what other people's modules do with it."""

import enum
import pathlib
from typing import Annotated

import pytest


@pytest.fixture
def wrapper(slicer_app):
    import slicer
    from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper, parameterPack

    class Method(enum.Enum):
        FAST = 1
        EXACT = 2

    @parameterPack
    class Box:
        width: float = 2.0
        name: str

    @parameterNodeWrapper
    class Parameters:
        volume: slicer.vtkMRMLScalarVolumeNode
        threshold: Annotated[float, WithinRange(-100, 500)] = 100
        steps: Annotated[int, Default(4)]
        invert: bool
        device: Annotated[str, Choice(["cpu", "cuda"])] = "cpu"
        method: Method
        folder: pathlib.Path
        names: list[str]
        sizes: dict[str, int]
        limit: float | None
        box: Box

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    return Parameters(node), node


def test_defaults_are_written_as_the_genuine_wrapper_writes_them(wrapper):
    parameters, node = wrapper
    assert (parameters.threshold, parameters.steps, parameters.invert, parameters.device) == (100.0, 4, False, "cpu")
    assert (node.GetParameter("threshold"), node.GetParameter("invert")) == ("100.0", "False")
    assert (node.GetParameter("method"), parameters.limit, parameters.box.width) == ("FAST", None, 2.0)


def test_values_are_kept_in_the_node(wrapper):
    parameters, node = wrapper
    parameters.threshold = 5
    parameters.names = ["a"]
    parameters.names.append("b")
    parameters.sizes = {"x": 1}
    parameters.sizes["y"] = 2
    parameters.limit = 1.5
    parameters.box.width = 7.0
    again = type(parameters)(node)
    assert (again.threshold, again.names, again.limit, again.box.width) == (5.0, ["a", "b"], 1.5, 7.0)
    assert again.sizes == {"x": 1, "y": 2}
    parameters.limit = None
    assert again.limit is None


def test_a_node_is_a_reference(wrapper):
    import slicer

    parameters, node = wrapper
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "v")
    parameters.volume = volume
    assert node.GetNodeReference("volume") is volume
    slicer.mrmlScene.RemoveNode(volume)
    assert parameters.volume is None


@pytest.mark.parametrize(
    ("name", "value"), [("threshold", 501), ("device", "tpu"), ("invert", 1), ("steps", "4"), ("folder", "text")]
)
def test_values_that_do_not_fit_are_refused(wrapper, name, value):
    with pytest.raises((ValueError, TypeError)):
        setattr(wrapper[0], name, value)


def test_widgets_and_parameters_follow_each_other(wrapper):
    import qt

    parameters, _ = wrapper
    parent = qt.QWidget()
    box, check, combo = qt.QDoubleSpinBox(parent), qt.QCheckBox(parent), qt.QComboBox(parent)
    for widget, name in ((box, "threshold"), (check, "invert"), (combo, "device")):
        widget.setProperty("SlicerParameterName", name)
    tag = parameters.connectGui(parent)
    assert (box.minimum, box.maximum, box.value, combo.count) == (-100.0, 500.0, 100.0, 2)
    parameters.threshold = 30.0
    assert box.value == 30.0
    check.checked = True
    combo.currentText = "cuda"
    assert (parameters.invert, parameters.device) == (True, "cuda")
    parameters.disconnectGui(tag)
    box.value = 77
    assert parameters.threshold == 30.0
