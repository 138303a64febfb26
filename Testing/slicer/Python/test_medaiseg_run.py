"""The main job in Slicer: the sample study is segmented by the embedded model in the worker, without a download.

Where the worker's Python lacks torch or another package it is skipped, and says so.
"""

from __future__ import annotations

import sys
import unittest
from contextlib import suppress

import numpy as np

LEAST_DICE = 0.8
"""Of either part, against the labels that the study was drawn with."""


class MedAISegRunTest(unittest.TestCase):
    """From the volume in the scene to segments in the scene."""

    @classmethod
    def setUpClass(cls):
        cls.modules_before = set(sys.modules)

    def setUp(self):
        import slicer

        from MedAISeg import MedAISegLogic

        self.slicer = slicer
        slicer.mrmlScene.Clear()
        self.logic = MedAISegLogic()
        self.skip_without_packages()

    def skip_without_packages(self):
        from MedAISegLib.core.errors import ResourceError
        from MedAISegLib.slicer_io.dependencies import missing

        session = self.logic.session
        try:
            python = session.pump.wait(session.pump.add(session.worker.find_python()))
        except ResourceError as error:
            self.skipTest(str(error))
        lacking = [state.name for state in missing(python)]
        if lacking:
            self.skipTest(f"the worker's Python lacks {', '.join(lacking)}; the panel installs them under Advanced")

    def test_the_sample_study_is_segmented(self):
        from MedAISegLib.app.sample_study import draw_sample
        from MedAISegLib.slicer_io.sample_data import load_sample_study
        from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node

        node, result = self.logic.segment(load_sample_study(), "hippocampus")
        drawn = draw_sample(0).labels
        found = segmentation_from_node(node)
        assert [segment.name for segment in result.segments] == [segment.name for segment in found.segments]
        for value, segment in enumerate(found.segments, start=1):
            mask = found.mask(segment)
            dice = 2 * np.count_nonzero(mask & (drawn == value)) / (mask.sum() + np.count_nonzero(drawn == value))
            assert dice > LEAST_DICE
        assert "torch" not in sys.modules.keys() - self.modules_before

    def test_a_run_that_is_cancelled_leaves_the_scene_as_it_was(self):
        from MedAISegLib.core.errors import Cancelled
        from MedAISegLib.slicer_io.runs import RunState
        from MedAISegLib.slicer_io.sample_data import load_sample_study

        volume = load_sample_study()
        count = self.slicer.mrmlScene.GetNumberOfNodes()
        run = self.logic.submit(volume, "hippocampus")
        run.cancel()
        with suppress(Cancelled):
            self.logic.session.wait(run)
        assert run.state is RunState.CANCELLED
        assert self.slicer.mrmlScene.GetNumberOfNodes() == count
