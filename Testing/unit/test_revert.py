"""Back to the segments before a run, whatever has happened since."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.node_description import BINARY_LABELMAP
from MedAISegLib.slicer_io.labelmaps import labelmap_array
from MedAISegLib.slicer_io.placing import PlaceMode, Target
from MedAISegLib.slicer_io.segment_content import content_of
from placing_scene import (
    GEOMETRY,
    add_segment,
    by_name,
    changed_organs,
    drawn,
    edit,
    fingerprint,
    labels,
    mask,
    masks,
    place,
    rotated_box,
    source,
    within,
)
from scene_nodes import FOUND
from segmentations import organs

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

LIVER, KIDNEY = FOUND
FIRST, SECOND = organs(GEOMETRY), changed_organs()


def test_of_a_new_node_nothing_is_left(host):
    volume = source(host)
    before = fingerprint(host)
    placed = place(FIRST, host, source_node=volume)
    assert placed.revert.is_valid
    placed.revert.restore()
    assert fingerprint(host) == before
    assert not placed.revert.is_valid


@pytest.mark.parametrize("mode", PlaceMode)
@pytest.mark.parametrize("region", [None, rotated_box()], ids=["whole", "region"])
@pytest.mark.parametrize("without", [(), (LIVER,)], ids=["all", "one gone"])
def test_everything_is_as_it_was_to_the_bit(host, node, mode, region, without):
    """The same objects even: no voxel is copied on the way there and back."""
    own = add_segment(node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    node.GetDisplayNode().SetSegmentVisibility(own, False)
    node.GetDisplayNode().SetSegmentOpacity3D(own, 0.25)
    before, ids = fingerprint(host), node.GetSegmentation().GetSegmentIDs()
    second = changed_organs(without=without)
    placed = place(
        second if region is None else within(second, region), host, target=Target(node, mode=mode), region=region
    )
    assert fingerprint(host) != before
    placed.revert.restore()
    assert fingerprint(host) == before
    assert node.GetSegmentation().GetSegmentIDs() == ids
    assert node.GetDisplayNode().GetSegmentVisibility(own) is False
    assert node.GetDisplayNode().GetSegmentOpacity3D(own) == 0.25


def test_edits_of_its_segments_since_then_are_undone_with_the_run(host, node):
    before = masks(node)
    placed = place(SECOND, host, target=Target(node))
    liver = by_name(node)[LIVER]
    edit(node, liver, drawn((0, 2), (0, 3), (0, 4)))
    node.GetSegmentation().GetSegment(liver).SetName("Leber")
    node.GetSegmentation().RemoveSegment(by_name(node)[KIDNEY])
    placed.revert.restore()
    assert by_name(node).keys() == {LIVER, KIDNEY}
    for segment_id, voxels in before.items():
        np.testing.assert_array_equal(mask(node, segment_id), voxels)


def test_edits_since_then_of_a_segment_that_a_region_has_cut_are_undone_with_the_run(host, node):
    where, box = drawn((1, 4), (2, 6), (3, 8)), rotated_box()
    own = add_segment(node, "mine", where)
    placed = place(within(SECOND, box), host, target=Target(node, mode=PlaceMode.REPLACE), region=box)
    assert (mask(node, own) != where).any()
    edit(node, own, drawn((0, 2), (0, 3), (0, 4)))
    placed.revert.restore()
    np.testing.assert_array_equal(mask(node, own), where)


def test_what_the_user_did_to_other_segments_since_then_stays(host, node):
    own = add_segment(node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    placed = place(SECOND, host, target=Target(node))
    later = add_segment(node, "later", drawn((0, 2), (0, 2), (0, 2)))
    where = drawn((2, 5), (1, 3), (4, 9))
    edit(node, own, where)
    placed.revert.restore()
    np.testing.assert_array_equal(mask(node, own), where)
    np.testing.assert_array_equal(mask(node, later), drawn((0, 2), (0, 2), (0, 2)))
    np.testing.assert_array_equal(mask(node, by_name(node)[LIVER]), labels(FIRST, LIVER))


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_segment_that_shared_the_labelmap_and_stayed(host, node, is_edited):
    """The completed kidney lay in the liver's labelmap; it goes back there unless it was edited since."""
    import slicer

    kidney, liver = by_name(node)[KIDNEY], by_name(node)[LIVER]
    slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(node.GetSegmentation().GetSegment(kidney), 2)
    before = fingerprint(host)
    placed = place(SECOND, host, target=Target(node))
    expected = labels(FIRST, KIDNEY)
    if is_edited:
        expected = drawn((2, 5), (1, 3), (4, 9))
        edit(node, kidney, expected)
    placed.revert.restore()
    np.testing.assert_array_equal(mask(node, kidney), expected)
    np.testing.assert_array_equal(mask(node, liver), labels(FIRST, LIVER))
    content = node.GetSegmentation()
    for segment_id in (liver, kidney):
        shown = content_of(content.GetSegment(segment_id))
        sharing = content.GetSegmentIDsForLayer(content.GetLayerIndex(segment_id, BINARY_LABELMAP), BINARY_LABELMAP)
        values = {content.GetSegment(i).GetLabelValue() for i in sharing}
        assert set(np.unique(labelmap_array(shown.image)).tolist()) | {0} == {0, *values}
    assert is_edited or fingerprint(host) == before


def test_two_runs_can_be_reverted_one_after_the_other(host, node):
    states = [fingerprint(host)]
    reverts = []
    third = organs(GEOMETRY, overlap=True)
    for segmentation in (SECOND, third):
        reverts.append(place(segmentation, host, target=Target(node)).revert)
        states.append(fingerprint(host))
    reverts[1].restore()
    assert fingerprint(host) == states[1]
    reverts[0].restore()
    assert fingerprint(host) == states[0]


def test_after_the_scene_is_closed_there_is_no_way_back(host, node):
    placed = place(SECOND, host, target=Target(node))
    host.scene.Clear(0)
    assert not placed.revert.is_valid
    placed.revert.restore()
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_restored_segments_are_still_known_as_unedited(host, node):
    placed = place(SECOND, host, target=Target(node))
    placed.revert.restore()
    placed = place(SECOND, host, target=Target(node))
    assert placed.kept == ()


def test_a_segment_that_was_edited_before_the_run_is_still_known_as_edited(host, node):
    edit(node, by_name(node)[LIVER], drawn((0, 2), (0, 3), (0, 4)))
    placed = place(SECOND, host, target=Target(node, overwrite_edited=True))
    placed.revert.restore()
    placed = place(SECOND, host, target=Target(node))
    assert placed.kept == ("liver (it was edited since the run)",)


def test_no_labelmap_is_copied(host, node, monkeypatch):
    import slicer

    def refuse(*_):
        raise AssertionError("a labelmap was copied")

    monkeypatch.setattr("MedAISegLib.slicer_io.revert.new_labelmap", refuse)
    image = content_of(node.GetSegmentation().GetNthSegment(0)).image
    placed = place(SECOND, host, target=Target(node))
    placed.revert.restore()
    assert content_of(node.GetSegmentation().GetNthSegment(0)).image is image
    assert isinstance(image, slicer.vtkOrientedImageData)


def test_the_segment_editor_gets_an_undo_step_where_it_shows_the_node(host, node, monkeypatch):
    from types import SimpleNamespace

    import slicer

    seen = []

    class Editor:
        def __init__(self, shown):
            self._shown = shown

        def segmentationNode(self):
            return self._shown

        def saveStateForUndo(self):
            seen.append(mask(self._shown, by_name(self._shown)[LIVER]))

    other = place(FIRST, host, source_node=source(host)).node
    for shown in (node, other, None):
        modules = SimpleNamespace(SegmentEditorWidget=SimpleNamespace(editor=Editor(shown)))
        monkeypatch.setattr(slicer, "modules", modules, raising=False)
        place(SECOND, host, target=Target(node))
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], labels(FIRST, LIVER))


def test_a_subset_is_reverted_and_the_rest_untouched(host, node):
    liver_only = replace(changed_organs(without=[KIDNEY]), segments=SECOND.segments[:1])
    before = fingerprint(host)
    placed = place(liver_only, host, target=Target(node))
    np.testing.assert_array_equal(mask(node, by_name(node)[KIDNEY]), labels(FIRST, KIDNEY))
    placed.revert.restore()
    assert fingerprint(host) == before
