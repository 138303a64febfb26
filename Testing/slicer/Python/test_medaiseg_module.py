"""The module in Slicer, without a download, a dialog, a main window or a layout manager; torch is not needed.

ctest runs it in the application, pytest in the emulated one.
"""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from recorded_result import recorded_result

NAMES = ["Anterior hippocampus", "Posterior hippocampus"]
NOT_IN_SLICERS_PROCESS = ("torch", "monai", "highdicom")


def finished(pieces):
    """What a piece of work gives once it has come to its end."""
    while True:
        try:
            next(pieces)
        except StopIteration as stop:
            return stop.value


def segments_of(node):
    content = node.GetSegmentation()
    return [content.GetNthSegment(n) for n in range(content.GetNumberOfSegments())]


class MedAISegModuleTest(unittest.TestCase):
    """What must hold wherever the module is installed."""

    def setUp(self):
        import slicer

        self.slicer = slicer
        slicer.mrmlScene.Clear()

    def sample(self):
        from MedAISegLib.slicer_io.sample_data import load_sample_study

        return load_sample_study()

    def placed(self, volume):
        from MedAISegLib.slicer_io.placing import place_result

        return finished(place_result(*recorded_result(), source_node=volume, name="Hippocampus"))

    def assert_recorded(self, node):
        """The labels of a node are the recorded ones, voxel for voxel."""
        from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node

        expected, _ = recorded_result()
        found = segmentation_from_node(node)
        assert found.geometry.matches(expected.geometry)
        for ours, theirs in zip(found.segments, expected.segments, strict=True):
            assert ours.name == theirs.name
            np.testing.assert_array_equal(found.mask(ours), expected.mask(theirs))

    def test_the_module_is_there_with_its_help(self):
        module = self.slicer.modules.medaiseg
        assert module.title == "MedAISeg"
        assert "not a medical device" in module.helpText

    def test_the_panel_is_built_and_taken_down(self):
        widget = self.slicer.util.getNewModuleWidget("MedAISeg")
        assert not widget.ui.applyButton.enabled
        widget.enter()
        widget.exit()
        widget.cleanup()

    def test_the_sample_study_is_matched_to_the_model_made_for_it(self):
        volume = self.sample()
        matches = self.slicer.util.getModuleLogic("MedAISeg").match("hippocampus", volume)
        ((node, reason),) = matches.values()
        assert node is volume
        assert reason

    def test_a_recorded_result_lies_on_the_voxels_it_was_made_from(self):
        volume = self.sample()
        placed = self.placed(volume)
        assert [segment.GetName() for segment in segments_of(placed.node)] == NAMES
        assert placed.node.GetNodeReference(placed.node.GetReferenceImageGeometryReferenceRole()) is volume
        self.assert_recorded(placed.node)

    def test_a_result_survives_saving_and_loading_the_scene(self):
        self.placed(self.sample())
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "with a space and an ü.mrb")
            assert self.slicer.util.saveScene(path)
            self.slicer.mrmlScene.Clear()
            self.slicer.util.loadScene(path)
            self.assert_recorded(self.slicer.util.getNode("Hippocampus"))

    def test_a_result_is_exported_as_a_segmentation_file_and_as_surfaces(self):
        from MedAISegLib.exporters.seg_nrrd import write_seg_nrrd
        from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node
        from MedAISegLib.slicer_io.writers import MeshKind, save_meshes

        node = self.placed(self.sample()).node
        with tempfile.TemporaryDirectory() as folder:
            _, result = recorded_result()
            written = write_seg_nrrd(segmentation_from_node(node), result, Path(folder) / "hippocampus.seg.nrrd")
            assert all(path.stat().st_size for path in written.files)
            surfaces = save_meshes(node, Path(folder) / "hippocampus.stl", MeshKind.STL)
            assert len(surfaces.files) == len(NAMES)
            self.slicer.mrmlScene.Clear()
            self.assert_recorded(self.slicer.util.loadSegmentation(str(written.files[0])))

    def test_a_reload_leaves_a_module_that_works(self):
        self.slicer.util.getModuleWidget("MedAISeg")
        before = sys.modules["MedAISegLib"]
        self.slicer.util.reloadScriptedModule("MedAISeg")
        assert sys.modules["MedAISegLib"] is not before
        self.test_the_sample_study_is_matched_to_the_model_made_for_it()
        self.slicer.mrmlScene.Clear()
        self.test_a_recorded_result_lies_on_the_voxels_it_was_made_from()

    def test_slicers_process_stays_free_of_the_networks_libraries(self):
        before = {name for name in NOT_IN_SLICERS_PROCESS if name in sys.modules}
        self.placed(self.sample())
        self.slicer.util.getNewModuleWidget("MedAISeg").cleanup()
        assert {name for name in NOT_IN_SLICERS_PROCESS if name in sys.modules} - before == set()
