"""Surfaces one at a time: the same as Slicer's, and closed at any point the node is as it was."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.slicer_io import surfaces
from MedAISegLib.slicer_io.labelmaps import CLOSED_SURFACE
from MedAISegLib.slicer_io.placing import Target
from MedAISegLib.slicer_io.segmentation_node import run_to_end
from MedAISegLib.slicer_io.surfaces import show_in_3d
from placing_scene import add_segment, by_name, edit, place
from segmentations import oblique_geometry

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

GEOMETRY = VolumeGeometry((16, 20, 24), oblique_geometry().affine_lps)


def balls(*centers):
    """A ball and a cuboid that touch, far from the grid's edges and at them."""
    layers = np.zeros((1, *GEOMETRY.shape_kji), np.uint8)
    k, j, i = np.ogrid[:16, :20, :24]
    for label, (a, b, c) in enumerate(centers or ((6, 8, 8), (11, 12, 20)), start=1):
        layers[0][(k - a) ** 2 + (j - b) ** 2 + (i - c) ** 2 <= 30] = label
    return Segmentation(layers, GEOMETRY, (Segment(1, "one", (255, 0, 0)), Segment(2, "two", (0, 255, 0))))


@pytest.fixture
def node(host):
    return place(balls(), host).node


def points(surface):
    from vtkmodules.util.numpy_support import vtk_to_numpy

    return vtk_to_numpy(surface.GetPoints().GetData())


def surface(node, name):
    return node.GetSegmentation().GetSegment(by_name(node)[name]).GetRepresentation(CLOSED_SURFACE)


def test_they_are_slicers_own(host, node):
    theirs = place(balls(), host).node
    theirs.CreateClosedSurfaceRepresentation()
    run_to_end(show_in_3d(node))
    assert node.GetSegmentation().ContainsRepresentation(CLOSED_SURFACE)
    for name in ("one", "two"):
        assert surface(node, name).GetNumberOfPolys() == surface(theirs, name).GetNumberOfPolys() > 0
        np.testing.assert_allclose(points(surface(node, name)), points(surface(theirs, name)), atol=1e-3)


def test_they_are_shown_at_the_end(node):
    display = node.GetDisplayNode()
    display.SetVisibility3D(False)
    work = show_in_3d(node)
    next(work)
    assert not display.GetVisibility3D()
    run_to_end(work)
    assert display.GetVisibility3D()
    assert display.GetPreferredDisplayRepresentationName3D() == CLOSED_SURFACE


@pytest.mark.parametrize(("most", "shown"), [(100, 2), (10_000, 0)])
def test_a_wait_cursor_shows_for_each_large_segment(node, monkeypatch, most, shown):
    waits = []
    monkeypatch.setattr(surfaces, "_LONG_VOXELS", most)
    monkeypatch.setattr(surfaces, "wait_cursor", lambda: waits.append(1) or nullcontext())
    run_to_end(show_in_3d(node))
    assert len(waits) == shown


def test_stopped_at_any_piece_there_are_none(node):
    for stop in range(1000):
        work = show_in_3d(node)
        for _ in range(stop):
            try:
                next(work)
            except StopIteration:
                assert stop > 2
                return
        work.close()
        assert not node.GetSegmentation().ContainsRepresentation(CLOSED_SURFACE)


def test_a_segment_that_is_edited_or_added_meanwhile_is_done_as_it_is_then(node, host):
    moved = balls((9, 11, 14))
    work = show_in_3d(node)
    for _ in range(18):
        next(work)
    edit(node, by_name(node)["one"], moved.layers[0] == 1)
    add_segment(node, "three", moved.layers[0] == 1)
    run_to_end(work)
    expected = place(moved, host).node
    run_to_end(show_in_3d(expected))
    for name in ("one", "three"):
        np.testing.assert_allclose(points(surface(node, name)), points(surface(expected, "one")), atol=1e-3)


def test_a_run_renews_the_surfaces_of_a_node_that_shows_them(host, node):
    run_to_end(show_in_3d(node))
    own = add_segment(node, "mine", balls((3, 4, 5)).layers[0] == 1)
    before = surface(node, "mine")
    moved = balls((9, 11, 14), (6, 6, 5))
    place(moved, host, target=Target(node))
    expected = place(moved, host).node
    run_to_end(show_in_3d(expected))
    for name in ("one", "two"):
        np.testing.assert_allclose(points(surface(node, name)), points(surface(expected, name)), atol=1e-3)
    assert surface(node, "mine") is before
    assert own in by_name(node).values()


def test_an_empty_segment_is_no_obstacle(node):
    node.GetSegmentation().AddEmptySegment("", "nothing")
    run_to_end(show_in_3d(node))
    assert surface(node, "nothing").GetNumberOfPoints() == 0
    assert surface(node, "one").GetNumberOfPoints() > 0


def test_of_a_node_that_is_deleted_meanwhile_nothing_is_shown(host, node):
    work = show_in_3d(node)
    next(work)
    host.scene.RemoveNode(node)
    run_to_end(work)


def test_a_node_whose_display_was_deleted_is_shown_all_the_same(host, node):
    host.scene.RemoveNode(node.GetDisplayNode())
    run_to_end(show_in_3d(node))
    assert node.GetDisplayNode().GetVisibility3D()
