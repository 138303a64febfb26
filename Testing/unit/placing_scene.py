"""A scene with a volume, and what tests of placing look at: every voxel of every segment, by ID."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from MedAISegLib.core.node_description import BINARY_LABELMAP
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.labelmaps import (
    labelmap_array,
    labelmap_grid,
    labels_on_grid,
    new_labelmap,
    reference_grid,
)
from MedAISegLib.slicer_io.placing import place_result
from MedAISegLib.slicer_io.segment_content import content_of
from MedAISegLib.slicer_io.segmentation_node import run_to_end
from MedAISegLib.slicer_io.volume_node import volume_to_node
from segmentations import oblique_geometry, organs, result_of

GEOMETRY = oblique_geometry()


def source(host, geometry=GEOMETRY):
    return volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), host.scene, "CT")


def place(segmentation, host, *, sha="0123456789abcdef" * 4, **options):
    return run_to_end(pieces(segmentation, host, sha=sha, **options))


def pieces(segmentation, host, *, sha="0123456789abcdef" * 4, **options):
    result = result_of(segmentation)
    result = replace(result, provenance=replace(result.provenance, model_sha256=sha))
    return place_result(segmentation, result, scene=host.scene, **options)


def by_name(node):
    content = node.GetSegmentation()
    return {content.GetSegment(i).GetName(): i for i in content.GetSegmentIDs()}


def mask(node, segment_id):
    """(k, j, i) on the node's reference grid."""
    content = content_of(node.GetSegmentation().GetSegment(segment_id))
    planes = labels_on_grid(labelmap_array(content.image), labelmap_grid(content.image), reference_grid(node))
    return np.stack([plane == content.label_value for plane in planes])


def masks(node):
    return {i: mask(node, i) for i in node.GetSegmentation().GetSegmentIDs()}


def labels(segmentation, name):
    return segmentation.mask(next(s for s in segmentation.segments if s.name == name))


def changed_organs(geometry=GEOMETRY, *, overlap=False, without=()):
    """The same organs, each elsewhere and of another shape."""
    before = organs(geometry, overlap=overlap)
    layers = np.ascontiguousarray(np.roll(before.layers, (1, -1, 2), axis=(1, 2, 3)))
    layers[:, :, 0] = 0
    for segment in before.segments:
        if segment.name in without:
            layers[segment.layer][layers[segment.layer] == segment.label_value] = 0
    return Segmentation(layers, geometry, before.segments)


def add_segment(node, name, where, *, grid=None):
    """A segment that a user has drawn, (k, j, i) on the reference grid, in a labelmap of its own."""
    import slicer

    image, target = new_labelmap(grid or reference_grid(node), np.uint8)
    target[:] = where
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetLabelValue(1)
    segment.AddRepresentation(BINARY_LABELMAP, image)
    node.GetSegmentation().AddSegment(segment)
    return node.GetSegmentation().GetSegmentIdBySegment(segment)


def edit(node, segment_id, where):
    """What Slicer's editor does where overlap is allowed: the segment becomes (k, j, i), the others stay."""
    import slicer

    image, target = new_labelmap(reference_grid(node), np.uint8)
    target[:] = where
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.SetBinaryLabelmapToSegment(image, node, segment_id, logic.MODE_REPLACE, None, False, [])


def fingerprint(host):
    """All of the scene that placing could change: nodes, and of segmentations every tag, colour and voxel."""
    scene = host.scene
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return [(node.GetID(), node.GetName(), _segments(node)) for node in nodes]


def _segments(node):
    if not node.IsA("vtkMRMLSegmentationNode"):
        return None
    found = []
    content = node.GetSegmentation()
    for segment_id in content.GetSegmentIDs():
        segment = content.GetSegment(segment_id)
        shown = content_of(segment)
        voxels = labelmap_array(shown.image)
        found.append(
            (
                segment_id,
                segment.GetName(),
                segment.GetColor(),
                shown.label_value,
                shown.image.GetMTime(),
                None if voxels is None else (voxels.dtype.str, voxels.shape, voxels.tobytes()),
                _tags(segment),
            )
        )
    return found, node.GetAttribute("MedAISeg.Runs"), node.GetTransformNodeID()


def _tags(segment):
    from MedAISegLib.core import provenance_tags as tags
    from MedAISegLib.slicer_io.provenance_tags import read_tag

    names = [value for name, value in vars(tags).items() if name.isupper() and isinstance(value, str)]
    return json.dumps({name: read_tag(segment, name) for name in names})


def drawn(*box, shape=GEOMETRY.shape_kji):
    where = np.zeros(shape, bool)
    where[tuple(slice(*n) for n in box)] = True
    return where


def with_segments(segmentation, *segments: Segment):
    return replace(segmentation, segments=segments)


def assert_closable_everywhere(start, host, before):
    """Work that is closed after any of its pieces leaves the scene as it was; done to its end it does not."""
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


def rotated_box(geometry=GEOMETRY):
    a = np.radians(33.0)
    axes = ((np.cos(a), np.sin(a), 0.0), (-np.sin(a), np.cos(a), 0.0), (0.0, 0.0, 1.0))
    return OrientedBox(tuple(geometry.index_to_lps((2, 4, 6))), axes, (6.0, 7.0, 8.0))


def within(segmentation, box):
    return replace(segmentation, layers=segmentation.layers * box.mask(segmentation.geometry))
