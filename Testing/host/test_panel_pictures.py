"""Coloured pictures in the scene: offered to models of flat images, as one input, and sent colour by colour."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.app.exchange import open_array
from MedAISegLib.slicer_io import run_inputs
from MedAISegLib.slicer_io.class_table import classification_of_node

from Testing.host.panel import panel
from Testing.host.runs_in_scene import segment_names, segmentations

__all__ = ["panel"]

PIXELS = np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def picture(name, pixels):
    """As the application loads a file: row by row downwards, a pixel 1 mm wide, colours in a vector volume."""
    import slicer
    import vtk
    from vtkmodules.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(pixels.shape[1], pixels.shape[0], 1)
    components = pixels.reshape(-1, pixels.shape[2] if pixels.ndim == 3 else 1)
    image.GetPointData().SetScalars(numpy_to_vtk(components, deep=True))
    kind = "vtkMRMLVectorVolumeNode" if pixels.ndim == 3 else "vtkMRMLScalarVolumeNode"
    node = slicer.mrmlScene.AddNewNodeByClass(kind, name)
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    return node


@pytest.fixture
def sent(monkeypatch):
    """The voxels of each channel as they went to the worker."""
    found = {}
    genuine = run_inputs.send

    def spying(folder, bound, on_fraction):
        records = yield from genuine(folder, bound, on_fraction)
        found.update({name: np.array(open_array(folder, one.record.voxels)) for name, one in records.items()})
        return records

    monkeypatch.setattr("MedAISegLib.slicer_io.run_life.send", spying)
    return found


def test_a_coloured_picture_is_one_input_of_three_channels(panel, sent):
    node = picture("photo", PIXELS)
    panel.settle()
    panel.select("modelTree", "Tools in pictures")
    assert "Input: Any image, in colours" in panel.ui.modelSummaryLabel.text
    assert panel.find("inputLabel0").text == "Image:"
    assert panel.find("inputLabel1") is None
    assert panel.find("inputSelector0").currentText == node.GetName()
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[-1].error is None
    for number, name in enumerate("RGB"):
        np.testing.assert_array_equal(sent[name][0], PIXELS[..., number])
    (found,) = segmentations(panel.host.scene)
    assert segment_names(found) == ["Bright", "Brightest"]
    assert panel.message("run") == ""


def test_a_grey_picture_serves_all_colours(panel, sent):
    picture("radiograph", PIXELS[..., 0])
    panel.settle()
    panel.select("modelTree", "Tools in pictures")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert sorted(sent) == ["B", "G", "R"]
    for voxels in sent.values():
        np.testing.assert_array_equal(voxels[0], PIXELS[..., 0])


def test_a_model_of_grey_images_gets_the_luminance_and_says_so(panel, sent):
    picture("photo", PIXELS)
    panel.settle()
    panel.select("modelTree", "Chest classes")
    panel.click("applyButton")
    panel.wait_for_runs()
    np.testing.assert_allclose(sent["image"][0], PIXELS @ np.array([0.2126, 0.7152, 0.0722]), rtol=1e-5)
    assert classification_of_node(panel.ui.resultSelector.currentNode()).images[0].image.startswith("photo")


def test_a_picture_that_is_grey_in_colours_is_sent_as_it_is(panel, sent):
    picture("grey", np.repeat(PIXELS[..., :1], 3, axis=2))
    panel.settle()
    panel.select("modelTree", "Chest classes")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert sent["image"].dtype == np.uint8
    np.testing.assert_array_equal(sent["image"][0], PIXELS[..., 0])


def test_of_two_pictures_the_chosen_one_is_taken_with_all_its_colours(panel, sent):
    picture("one", PIXELS)
    picture("two", PIXELS[::-1].copy())
    panel.settle()
    panel.select("modelTree", "Tools in pictures")
    panel.choose("inputSelector0", "two")
    panel.click("applyButton")
    panel.wait_for_runs()
    for number, name in enumerate("RGB"):
        np.testing.assert_array_equal(sent[name][0], PIXELS[::-1, :, number])


def test_a_model_of_volumes_is_offered_no_picture_and_it_is_said_why(panel):
    node = picture("photo", PIXELS)
    panel.settle()
    panel.select("modelTree", "Bright things")
    assert not panel.ui.applyButton.enabled
    assert f"{node.GetName()} (it has several values a voxel" in panel.find("inputCheckLabel0").text
    panel.select("modelTree", "Tools in pictures")
    assert panel.ui.applyButton.enabled
