"""Results put into a part of a segmentation, onto other grids and under transforms; Slicer's own merge agrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.slicer_io import edited
from MedAISegLib.slicer_io.labelmaps import reference_grid
from MedAISegLib.slicer_io.placing import PlaceMode, Target
from MedAISegLib.slicer_io.segmentation_node import run_to_end, segmentation_from_node
from MedAISegLib.slicer_io.volume_node import volume_from_node
from placing_scene import (
    GEOMETRY,
    add_segment,
    by_name,
    changed_organs,
    drawn,
    edit,
    labels,
    mask,
    place,
    rotated_box,
    source,
    within,
)
from scene_nodes import FOUND, put_slices_at, put_under_matrix, rigid_ras
from segmentations import masks_in_world, oblique_geometry, organs, points_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

LIVER, KIDNEY = FOUND
FIRST, SECOND = organs(GEOMETRY), changed_organs()
NEWER = "f" * 64


# -- region ----------------------------------------------------------------------------------------------------------


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
        assert (expected & inside).any()
        assert (expected & ~inside).any()
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


def test_with_a_region_a_segment_keeps_the_grid_on_which_it_lies_and_is_no_edit(host, node, monkeypatch):
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
    # As after another start, when no time stamp vouches for it.
    monkeypatch.setattr(edited, "_untouched", {})
    assert run_to_end(edited.find_edited(node, (by_name(node)[LIVER],))) == frozenset()


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
