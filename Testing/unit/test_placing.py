"""Results into the scene: what is the model's is renewed, what is the user's stays to the voxel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.slicer_io.labelmaps import reference_grid
from MedAISegLib.slicer_io.placing import PlaceMode, Target
from MedAISegLib.slicer_io.provenance_tags import read_tag
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node
from MedAISegLib.slicer_io.volume_node import volume_from_node
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
    pieces,
    place,
    source,
)
from scene_nodes import FOUND, put_slices_at, put_under_matrix, rigid_ras
from segmentations import masks_in_world, oblique_geometry, organs, points_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

LIVER, KIDNEY = FOUND
FIRST, SECOND = organs(GEOMETRY), changed_organs()
NEWER = "f" * 64


@pytest.fixture
def host():
    return new_scene_host()


@pytest.fixture
def node(host):
    return place(FIRST, host, source_node=source(host)).node


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


def assert_closable_everywhere(start, host, before):
    length = 0
    for stop in range(10_000):
        work = start()
        if any(_ended(work) for _ in range(stop)):
            break
        work.close()
        length = stop
        assert fingerprint(host) == before, f"closed at piece {stop}"
    assert length >= GEOMETRY.shape_kji[0]
    assert fingerprint(host) != before


def _ended(work):
    try:
        next(work)
    except StopIteration:
        return True
    return False


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


def test_segments_of_another_model_come_beside_those_that_are_there(host, node):
    from MedAISegLib.slicer_io.placing import place_result
    from MedAISegLib.slicer_io.segmentation_node import run_to_end
    from segmentations import result_of

    before = masks(node)
    result = result_of(SECOND)
    other = replace(result, provenance=replace(result.provenance, model_id="other"))
    placed = run_to_end(place_result(SECOND, other, target=Target(node)))
    assert all((mask(node, i) == voxels).all() for i, voxels in before.items())
    assert len(before.keys() & set(placed.segment_ids.values())) == 0
    assert node.GetSegmentation().GetNumberOfSegments() == 4


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


# -- region ----------------------------------------------------------------------------------------------------------


def rotated_box(geometry=GEOMETRY):
    a = np.radians(33.0)
    axes = ((np.cos(a), np.sin(a), 0.0), (-np.sin(a), np.cos(a), 0.0), (0.0, 0.0, 1.0))
    return OrientedBox(tuple(geometry.index_to_lps((2, 4, 6))), axes, (6.0, 7.0, 8.0))


def within(segmentation, box):
    return replace(segmentation, layers=segmentation.layers * box.mask(segmentation.geometry))


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("mode", PlaceMode)
def test_what_lies_outside_a_rotated_region_stays_to_the_bit(host, overlap, mode):
    first, second = organs(GEOMETRY, overlap=overlap), changed_organs(overlap=overlap)
    node = place(first, host, source_node=source(host)).node
    ids, box = by_name(node), rotated_box()
    inside = box.mask(GEOMETRY)
    where = drawn((0, 6), (2, 7), (1, 9))
    own = add_segment(node, "mine", where)
    place(within(second, box), host, target=Target(node, mode=mode), region=box)
    for name in FOUND:
        expected = np.where(inside, labels(second, name), labels(first, name))
        assert (expected & inside).sum() > 0 and (expected & ~inside).any()
        np.testing.assert_array_equal(mask(node, ids[name]), expected)
    kept = where if mode is PlaceMode.UPDATE else where & ~inside
    np.testing.assert_array_equal(mask(node, own), kept)


def test_segments_that_overlap_outside_the_region_stay_apart(host, node):
    ids, box = by_name(node), rotated_box()
    inside = box.mask(GEOMETRY)
    where = labels(FIRST, KIDNEY) | drawn((0, 5), (1, 6), (2, 9))
    edit(node, ids[LIVER], where)
    place(within(SECOND, box), host, target=Target(node, overwrite_edited=True), region=box)
    np.testing.assert_array_equal(mask(node, ids[LIVER]), np.where(inside, labels(SECOND, LIVER), where))
    expected = np.where(inside, labels(SECOND, KIDNEY), labels(FIRST, KIDNEY))
    np.testing.assert_array_equal(mask(node, ids[KIDNEY]), expected)


def test_a_segment_that_a_region_leaves_nothing_of_is_removed(host, node):
    own = add_segment(node, "mine", rotated_box().mask(GEOMETRY))
    place(within(SECOND, rotated_box()), host, target=Target(node, mode=PlaceMode.REPLACE), region=rotated_box())
    assert own not in by_name(node).values()


def test_a_region_holds_under_a_transform(host):
    volume = source(host)
    put_under_matrix(volume, host.scene, rigid_ras())
    world = volume_from_node(volume).geometry
    first, second = organs(world), changed_organs(world)
    node = place(first, host, source_node=volume).node
    box = rotated_box(world)
    inside = box.mask(world)
    place(within(second, box), host, target=Target(node), source_node=volume, region=box)
    for name in FOUND:
        expected = np.where(inside, labels(second, name), labels(first, name))
        np.testing.assert_array_equal(mask(node, by_name(node)[name]), expected)


# -- other grids -----------------------------------------------------------------------------------------------------


def test_a_result_on_another_grid_comes_to_lie_where_it_is(host, node):
    finer = oblique_geometry((9, 14, 20), shear=0.0)
    affine = finer.affine_lps.copy()
    affine[:3, :3] *= 0.6
    moved = replace(finer, affine_lps=affine)
    second = organs(moved)
    placed = place(second, host, target=Target(node))
    assert "resampled-to-segmentation" in [notice.code for notice in placed.notices]
    points = points_of(GEOMETRY)
    expected = masks_in_world(second, FOUND, points)
    assert expected.any(axis=1).all()
    np.testing.assert_array_equal(masks_in_world(segmentation_from_node(node), FOUND, points), expected)
    assert reference_grid(node).matches(GEOMETRY)


def test_a_result_on_a_window_of_the_grid_is_exact(host, node):
    second = organs(GEOMETRY.window((1, 2, 3), (4, 6, 8)))
    placed = place(second, host, target=Target(node))
    assert placed.notices == ()
    expected = np.zeros(GEOMETRY.shape_kji, bool)
    expected[1:5, 2:8, 3:11] = labels(second, LIVER)
    np.testing.assert_array_equal(mask(node, by_name(node)[LIVER]), expected)


def test_what_the_grid_of_the_segmentation_cannot_hold_is_said(host, node):
    placed = place(organs(GEOMETRY.window((-4, 0, 0), (6, 9, 12))), host, target=Target(node))
    assert [notice.code for notice in placed.notices] == ["cut-off"]


def test_with_a_region_a_segment_keeps_the_grid_on_which_it_lies(host, node):
    """Outside the region not even the grid changes: a finer labelmap is not resampled to the reference."""
    import slicer
    from MedAISegLib.slicer_io.labelmaps import labelmap_array, labelmap_grid, new_labelmap
    from MedAISegLib.slicer_io.segment_content import SegmentContent, content_of, set_content

    affine = GEOMETRY.affine_lps.copy()
    affine[:3, :3] *= 0.53
    fine = replace(GEOMETRY, affine_lps=affine, shape_kji=(12, 18, 24))
    image, target = new_labelmap(fine, np.uint8)
    rng = np.random.default_rng(3)
    target[:] = rng.random(fine.shape_kji) < 0.5
    segment = node.GetSegmentation().GetSegment(by_name(node)[LIVER])
    set_content(segment, SegmentContent(image, 1))
    before = target.copy()
    box = rotated_box()
    place(within(SECOND, box), host, target=Target(node, overwrite_edited=True), region=box)
    now = content_of(segment)
    grid = labelmap_grid(now.image)
    k, j, i = (round(float(n)) for n in fine.index_to(grid)[:3, 3])
    after = labelmap_array(now.image)[k : k + 12, j : j + 18, i : i + 24] == now.label_value
    outside = ~box.mask(fine)
    np.testing.assert_array_equal(after[outside], before[outside].astype(bool))
    points = fine.index_to_lps(np.argwhere(~outside))
    np.testing.assert_array_equal(after[~outside], masks_in_world(within(SECOND, box), [LIVER], points)[0])
    assert slicer.vtkOrientedImageData is type(now.image)


# -- transforms ------------------------------------------------------------------------------------------------------


def test_a_tilted_series_is_updated_under_its_acquisition_transform(host):
    straight, tilted = oblique_geometry(), oblique_geometry(shear=0.9)
    volume = source(host, straight)
    step = tilted.affine_lps[:3, 0] - straight.affine_lps[:3, 0]
    put_slices_at(volume, host.scene, straight, [n * step for n in range(straight.shape_kji[0])])
    world = volume_from_node(volume).geometry
    node = place(organs(world), host, source_node=volume).node
    placed = place(changed_organs(world), host, target=Target(node), source_node=volume)
    assert placed.notices == ()
    assert node.GetParentTransformNode() is volume.GetParentTransformNode()
    for name in FOUND:
        np.testing.assert_array_equal(mask(node, by_name(node)[name]), labels(SECOND, name))


def test_a_tilted_series_under_a_linear_transform_as_well(host):
    straight, tilted = oblique_geometry(), oblique_geometry(shear=0.9)
    volume = source(host, straight)
    step = tilted.affine_lps[:3, 0] - straight.affine_lps[:3, 0]
    acquisition = put_slices_at(volume, host.scene, straight, [n * step for n in range(straight.shape_kji[0])])
    put_under_matrix(acquisition, host.scene, rigid_ras())
    world = volume_from_node(volume).geometry
    assert not world.matches(tilted, 1.0)
    node = place(organs(world), host, source_node=volume).node
    place(changed_organs(world), host, target=Target(node), source_node=volume)
    assert node.GetParentTransformNode() is acquisition
    for name in FOUND:
        np.testing.assert_array_equal(mask(node, by_name(node)[name]), labels(SECOND, name))


def test_a_node_under_another_transform_than_its_source_gets_the_result_where_it_is(host, node):
    ras = np.eye(4)
    ras[:3, 3] = 2.0, -1.0, 1.5
    put_under_matrix(node, host.scene, ras)
    placed = place(SECOND, host, target=Target(node))
    assert "resampled-to-segmentation" in [notice.code for notice in placed.notices]
    found = segmentation_from_node(node)
    points = points_of(found.geometry)
    np.testing.assert_array_equal(
        masks_in_world(found, FOUND, points),
        masks_in_world(SECOND, FOUND, points),
    )


def test_a_bent_segmentation_is_refused(host, node):
    volume = source(host)
    step = GEOMETRY.affine_lps[:3, 0]
    bend = put_slices_at(volume, host.scene, GEOMETRY, [step * (1.0 if n >= 3 else 0.0) for n in range(6)])
    node.SetAndObserveTransformNodeID(bend.GetID())
    with pytest.raises(InputError, match="bends"):
        place(SECOND, host, target=Target(node))


# -- against Slicer's own merge --------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", [None, rotated_box()], ids=["whole", "region"])
def test_it_gives_what_the_segmentations_logic_gives(host, region):
    """Slicer merges a segment at a time, in one go: what it overwrites is a list, here this model's segments."""
    import slicer
    from MedAISegLib.slicer_io.labelmaps import new_labelmap

    result = SECOND if region is None else within(SECOND, region)
    inside = np.ones(GEOMETRY.shape_kji, bool) if region is None else region.mask(GEOMETRY)
    ours = place(FIRST, host, source_node=source(host)).node
    theirs = place(FIRST, host, source_node=source(host)).node
    for node in (ours, theirs):
        add_segment(node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    place(result, host, target=Target(ours), region=region)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    ids = by_name(theirs)
    for name in FOUND:
        image, target = new_labelmap(GEOMETRY, np.uint8)
        target[:] = np.where(inside, labels(result, name), labels(FIRST, name))
        overwritten = [ids[other] for other in FOUND if other != name]
        assert logic.SetBinaryLabelmapToSegment(image, theirs, ids[name], logic.MODE_REPLACE, None, False, overwritten)
    for name in (*FOUND, "mine"):
        np.testing.assert_array_equal(mask(ours, by_name(ours)[name]), mask(theirs, ids[name]))
