"""Results into the scene: what is the model's is renewed, what is the user's stays to the voxel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.node_description import BINARY_LABELMAP
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.slicer_io.labelmaps import reference_grid
from MedAISegLib.slicer_io.placing import PlaceMode, Target
from MedAISegLib.slicer_io.provenance_tags import read_tag
from placing_scene import (
    GEOMETRY,
    add_segment,
    assert_closable_everywhere,
    by_name,
    changed_organs,
    drawn,
    edit,
    fingerprint,
    labels,
    mask,
    masks,
    pieces,
    place,
    source,
)
from scene_nodes import FOUND
from segmentations import organs

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

LIVER, KIDNEY = FOUND
FIRST, SECOND = organs(GEOMETRY), changed_organs()
NEWER = "f" * 64


def status(node, segment_id, value):
    import slicer

    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetSegmentStatus(node.GetSegmentation().GetSegment(segment_id), value)


# -- a new node ------------------------------------------------------------------------------------------------------


def test_a_new_node_has_what_was_found_and_names_what_was_not(host):
    placed = place(FIRST, host, source_node=source(host), name="Organs of CT")
    assert placed.node.GetName() == "Organs of CT"
    assert list(placed.segment_ids) == FOUND
    assert placed.not_found == ("spleen",)
    assert placed.kept == ()
    for name in FOUND:
        np.testing.assert_array_equal(mask(placed.node, placed.segment_ids[name]), labels(FIRST, name))


def test_each_segment_carries_the_checksum_of_its_voxels(node):
    from MedAISegLib.core.checksums import label_checksums

    expected = label_checksums(FIRST.layers, FIRST.segments)
    content = node.GetSegmentation()
    assert {n: read_tag(content.GetSegment(i), "MedAISeg.Checksum") for n, i in by_name(node).items()} == {
        name: expected[name] for name in FOUND
    }


@pytest.mark.parametrize("overlap", [False, True])
def test_closed_at_any_piece_the_scene_is_as_it_was(host, overlap):
    segmentation = organs(GEOMETRY, overlap=overlap)
    volume = source(host)
    before = fingerprint(host)
    assert_closable_everywhere(lambda: pieces(segmentation, host, source_node=volume), host, before)


# -- update ----------------------------------------------------------------------------------------------------------


def update(host, node, segmentation=SECOND, **options):
    target = options.pop("target", {})
    return place(segmentation, host, target=Target(node, **target), **options)


def test_a_second_run_renews_the_segments_in_place(host, node):
    ids = by_name(node)
    placed = update(host, node)
    assert placed.node is node
    assert dict(placed.segment_ids) == ids == by_name(node)
    for name in FOUND:
        np.testing.assert_array_equal(mask(node, ids[name]), labels(SECOND, name))
    assert node.GetSegmentation().GetNumberOfLayers() == 1


@pytest.mark.parametrize("overlap", [False, True])
def test_closed_at_any_piece_of_an_update_all_is_as_it_was(host, overlap):
    placed = place(organs(GEOMETRY, overlap=overlap), host, source_node=source(host))
    ids = by_name(placed.node)
    edit(placed.node, ids[LIVER], mask(placed.node, ids[LIVER]))
    own = add_segment(placed.node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    assert own in by_name(placed.node).values()
    before = fingerprint(host)
    segmentation = changed_organs(overlap=overlap)
    target = Target(placed.node, overwrite_edited=True)
    box = OrientedBox.from_bounds(tuple(GEOMETRY.corners_lps().min(0)), tuple(GEOMETRY.corners_lps().mean(0)))
    assert_closable_everywhere(lambda: pieces(segmentation, host, target=target, region=box), host, before)


def test_renamed_and_recoloured_segments_are_known_and_keep_name_and_colour(host, node):
    ids = by_name(node)
    segment = node.GetSegmentation().GetSegment(ids[LIVER])
    segment.SetName("Leber (Müller)")
    segment.SetColor(0.1, 0.2, 0.3)
    placed = update(host, node)
    assert placed.segment_ids[LIVER] == ids[LIVER]
    assert segment.GetName() == "Leber (Müller)"
    assert segment.GetColor() == pytest.approx((0.1, 0.2, 0.3))
    np.testing.assert_array_equal(mask(node, ids[LIVER]), labels(SECOND, LIVER))


def test_a_new_version_of_the_model_renews_its_own_although_it_numbers_them_anew(host, node):
    ids = by_name(node)
    table = np.array([0, 0, 0, 7, 0, 0, 0, 3, 0, 0], np.uint8)
    segments = tuple(replace(s, label_value=int(table[s.label_value]) or 9) for s in SECOND.segments)
    newer = replace(SECOND, layers=table[SECOND.layers], segments=segments)
    placed = place(newer, host, target=Target(node), sha=NEWER)
    assert dict(placed.segment_ids) == ids
    for name in FOUND:
        np.testing.assert_array_equal(mask(node, ids[name]), labels(SECOND, name))
        assert read_tag(node.GetSegmentation().GetSegment(ids[name]), "MedAISeg.ModelSha256") == NEWER


def test_segments_of_other_origin_stay_to_the_voxel_where_a_new_one_overlaps_them(host, node):
    where = labels(SECOND, LIVER) | drawn((0, 2), (0, 3), (0, 4))
    own = add_segment(node, "mine", where)
    update(host, node)
    np.testing.assert_array_equal(mask(node, own), where)
    np.testing.assert_array_equal(mask(node, by_name(node)[LIVER]), labels(SECOND, LIVER))


def test_a_segment_of_other_origin_in_the_same_labelmap_stays_to_the_voxel(host, node):
    ids = by_name(node)
    kidney = node.GetSegmentation().GetSegment(ids[KIDNEY])
    for tag in ("ModelId", "LabelValue", "SegmentName", "Checksum"):
        kidney.RemoveTag(f"MedAISeg.{tag}")
    before = mask(node, ids[KIDNEY])
    placed = update(host, node)
    np.testing.assert_array_equal(mask(node, ids[KIDNEY]), before)
    np.testing.assert_array_equal(mask(node, ids[LIVER]), labels(SECOND, LIVER))
    assert placed.segment_ids[KIDNEY] != ids[KIDNEY]


def test_no_label_without_a_segment_is_left_in_a_labelmap(host, node):
    kidney = by_name(node)[KIDNEY]
    status(node, kidney, 2)
    update(host, node)
    from MedAISegLib.slicer_io.labelmaps import labelmap_array
    from MedAISegLib.slicer_io.segment_content import content_of

    content = node.GetSegmentation()
    values: dict[int, set[int]] = {}
    for segment_id in content.GetSegmentIDs():
        shown = content_of(content.GetSegment(segment_id))
        values.setdefault(shown.image.GetMTime(), {0}).add(shown.label_value)
        assert set(np.unique(labelmap_array(shown.image)).tolist()) <= {0, 3, 7}
    for segment_id in content.GetSegmentIDs():
        shown = content_of(content.GetSegment(segment_id))
        assert set(np.unique(labelmap_array(shown.image)).tolist()) == values[shown.image.GetMTime()]


def test_a_completed_segment_is_left_alone(host, node):
    kidney = by_name(node)[KIDNEY]
    status(node, kidney, 2)
    placed = update(host, node)
    np.testing.assert_array_equal(mask(node, kidney), labels(FIRST, KIDNEY))
    assert placed.kept == ("Niere/links ä (its status is Completed)",)
    assert KIDNEY not in placed.segment_ids
    assert placed.not_found == ("spleen",)
    assert len(by_name(node)) == 2


def test_an_unticked_segment_is_left_alone(host, node):
    liver = by_name(node)[LIVER]
    placed = update(host, node, target={"kept": frozenset({liver})})
    np.testing.assert_array_equal(mask(node, liver), labels(FIRST, LIVER))
    assert placed.kept == ("liver (it was not ticked)",)


def test_an_edited_segment_is_left_alone_unless_it_is_chosen(host, node):
    liver = by_name(node)[LIVER]
    where = drawn((0, 3), (1, 5), (2, 9))
    edit(node, liver, where)
    placed = update(host, node)
    np.testing.assert_array_equal(mask(node, liver), where)
    assert placed.kept == ("liver (it was edited since the run)",)
    placed = update(host, node, target={"overwrite_edited": True})
    np.testing.assert_array_equal(mask(node, liver), labels(SECOND, LIVER))
    assert placed.kept == ()


def test_a_segment_that_is_not_found_any_more_is_removed_and_named(host, node):
    ids = by_name(node)
    placed = update(host, node, changed_organs(without=[LIVER]))
    assert by_name(node) == {KIDNEY: ids[KIDNEY]}
    assert placed.not_found == (LIVER, "spleen")
    np.testing.assert_array_equal(mask(node, ids[KIDNEY]), labels(SECOND, KIDNEY))


def test_segments_that_were_not_asked_for_stay(host, node):
    kidney = by_name(node)[KIDNEY]
    liver_only = replace(changed_organs(without=[KIDNEY]), segments=SECOND.segments[:1])
    placed = update(host, node, liver_only)
    np.testing.assert_array_equal(mask(node, kidney), labels(FIRST, KIDNEY))
    assert list(placed.segment_ids) == [LIVER]


def place_of_another_model(node, **target):
    from MedAISegLib.slicer_io.placing import place_result
    from MedAISegLib.slicer_io.segmentation_node import run_to_end
    from segmentations import result_of

    result = result_of(SECOND)
    other = replace(result, provenance=replace(result.provenance, model_id="other"))
    return run_to_end(place_result(SECOND, other, target=Target(node, **target)))


def test_segments_of_another_model_come_beside_those_that_are_there(host, node):
    before = masks(node)
    placed = place_of_another_model(node)
    assert all((mask(node, i) == voxels).all() for i, voxels in before.items())
    assert len(before.keys() & set(placed.segment_ids.values())) == 0
    assert node.GetSegmentation().GetNumberOfSegments() == 4


@pytest.mark.parametrize("overwrite", [False, True])
def test_another_models_segments_are_replaced_but_for_what_was_edited(host, node, overwrite):
    liver, kidney = by_name(node)[LIVER], by_name(node)[KIDNEY]
    where = drawn((0, 2), (0, 3), (0, 4))
    edit(node, liver, where)
    placed = place_of_another_model(node, mode=PlaceMode.REPLACE, overwrite_edited=overwrite)
    left = set(node.GetSegmentation().GetSegmentIDs()) & {liver, kidney}
    assert left == (set() if overwrite else {liver})
    assert placed.kept == (() if overwrite else (f"{LIVER} (it was edited since the run)",))
    if not overwrite:
        np.testing.assert_array_equal(mask(node, liver), where)


def test_replace_makes_room_except_for_what_is_completed(host, node):
    own = add_segment(node, "mine", drawn((0, 2), (0, 3), (0, 4)))
    done = add_segment(node, "done", drawn((3, 5), (2, 6), (1, 7)))
    status(node, done, 2)
    before = mask(node, done)
    placed = update(host, node, target={"mode": PlaceMode.REPLACE})
    assert set(by_name(node)) == {LIVER, KIDNEY, "done"}
    assert own not in by_name(node).values()
    np.testing.assert_array_equal(mask(node, done), before)
    assert placed.kept == ("done (its status is Completed)",)


def test_a_copy_of_a_segment_is_the_users_own(host, node):
    liver = by_name(node)[LIVER]
    node.GetSegmentation().CopySegmentFromSegmentation(node.GetSegmentation(), liver)
    copy = next(i for i in node.GetSegmentation().GetSegmentIDs() if i not in by_name(node).values() or i != liver)
    copy = node.GetSegmentation().GetSegmentIDs()[-1]
    update(host, node)
    np.testing.assert_array_equal(mask(node, copy), labels(FIRST, LIVER))
    np.testing.assert_array_equal(mask(node, liver), labels(SECOND, LIVER))


def test_an_edit_made_while_the_result_is_put_in_is_not_lost(host, node):
    liver = by_name(node)[LIVER]
    work = pieces(SECOND, host, target=Target(node))
    for _ in range(4):
        next(work)
    where = drawn((1, 4), (1, 5), (2, 9))
    edit(node, liver, where)
    for _ in work:
        pass
    np.testing.assert_array_equal(mask(node, liver), where)
    np.testing.assert_array_equal(mask(node, by_name(node)[KIDNEY]), labels(SECOND, KIDNEY))


def test_a_node_that_is_deleted_meanwhile_is_an_error_that_says_so(host, node):
    work = pieces(SECOND, host, target=Target(node))
    next(work)
    host.scene.RemoveNode(node)
    with pytest.raises(InputError, match="no longer in the scene"):
        for _ in work:
            pass


def test_an_empty_node_comes_to_lie_on_the_sources_grid(host):
    empty = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty")
    volume = source(host)
    place(FIRST, host, target=Target(empty), source_node=volume)
    assert reference_grid(empty).matches(GEOMETRY)
    assert empty.GetNodeReference(empty.GetReferenceImageGeometryReferenceRole()) is volume
    np.testing.assert_array_equal(mask(empty, by_name(empty)[LIVER]), labels(FIRST, LIVER))


def test_a_node_that_kept_surfaces_takes_a_result_once_it_is_empty(host):
    emptied = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "emptied")
    emptied.SetSourceRepresentationToClosedSurface()
    assert emptied.GetSegmentation().GetSourceRepresentationName() != BINARY_LABELMAP
    place(FIRST, host, target=Target(emptied), source_node=source(host))
    assert emptied.GetSegmentation().GetSourceRepresentationName() == BINARY_LABELMAP
    np.testing.assert_array_equal(mask(emptied, by_name(emptied)[LIVER]), labels(FIRST, LIVER))


def test_a_node_that_keeps_surfaces_is_refused_and_left_as_it_is(host, node):
    content = node.GetSegmentation()
    content.CreateRepresentation("Closed surface")
    node.SetSourceRepresentationToClosedSurface()
    before = content.GetSegmentIDs()
    with pytest.raises(InputError, match="surfaces"):
        place(SECOND, host, target=Target(node))
    assert content.GetSourceRepresentationName() == "Closed surface"
    assert content.GetSegmentIDs() == before
