"""Between segmentation nodes and segmentations in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.geometry import LPS_TO_RAS, VolumeGeometry
from ..core.notice import Notice
from ..core.resampling import rectilinear_segmentation, resample_labels
from ..core.result import JobResult
from ..core.segmentation import Layers, Segment, Segmentation, translated
from .geometry import geometry_from_matrix, matrix_from_geometry, placed_grid, to_world_matrix
from .provenance_tags import LABEL_VALUE, read_tag, write_tags
from .resampling import covering_grid, image_from_voxels, resample_image
from .scene import slicer_module, vtk_arrays, vtk_module
from .terminology_tag import terminology_from_tag, terminology_to_tag
from .volume_node import node_grid

BINARY_LABELMAP = "Binary labelmap"


def segmentation_to_node(
    segmentation: Segmentation, result: JobResult, scene: Any, *, source_node: Any = None, name: str = "Segmentation"
) -> tuple[Any, tuple[Notice, ...]]:
    """A new ``vtkMRMLSegmentationNode`` with the segments that have a voxel.

    Each layer becomes one labelmap that its segments share, with the label values kept. Under the source volume's
    parent transform where that transform is what places the segmentation's grid, else in the world.

    Args:
        source_node: the volume node that was segmented: it becomes the reference volume, and the neighbour in the
            subject hierarchy.

    Returns:
        The node, and what a user should know, e.g. that a sheared grid had to be resampled.
    """
    local, parent = _place(segmentation.geometry, source_node)
    placed, notices = rectilinear_segmentation(replace(segmentation, geometry=local), "a segmentation in Slicer")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    content = node.GetSegmentation()
    content.SetSourceRepresentationName(BINARY_LABELMAP)
    _add_segments(content, placed, result)
    _set_reference(node, placed.geometry, source_node)
    if parent is not None:
        node.SetAndObserveTransformNodeID(parent.GetID())
    node.CreateDefaultDisplayNodes()
    _put_beside(node, source_node, scene)
    return node, notices


def segmentation_from_node(node: Any) -> Segmentation:
    """The segments of a node on its reference grid, in the world, each shared labelmap as one layer.

    Under a transform that bends the grid, the labels are resampled to an upright one.

    Raises:
        InputError: if the segments have no labelmap, as those of a surface model.
    """
    content = node.GetSegmentation()
    if content.GetNumberOfSegments() > 0 and not content.ContainsRepresentation(BINARY_LABELMAP):
        raise InputError("the segments have no labelmap.", where=node.GetName() or "", remedy="Create it in Slicer.")
    parent = node.GetParentTransformNode()
    grid = placed_grid(_reference_grid(node), parent)
    target = grid.world if grid.exact else covering_grid(grid, parent)
    layers: list[Layers] = []
    described: dict[str, Segment] = {}
    for n in range(content.GetNumberOfLayers(BINARY_LABELMAP)):
        ids = content.GetSegmentIDsForLayer(n, BINARY_LABELMAP)
        in_layer = [content.GetSegment(segment_id) for segment_id in ids]
        labels = _layer_on_grid(content.GetLayerDataObject(n, BINARY_LABELMAP), grid.local)
        if not grid.exact:
            labels = resample_image(image_from_voxels(labels), grid.local, parent, target, labels=True)
        values = _original_label_values(in_layer)
        layers.append(_relabelled(labels, {s.GetLabelValue(): v for s, v in zip(in_layer, values, strict=True)}))
        described |= {i: _segment(s, v, n) for i, s, v in zip(ids, in_layer, values, strict=True)}
    segments = tuple(described[segment_id] for segment_id in content.GetSegmentIDs())
    stacked = np.stack(layers) if layers else np.zeros((1, *target.shape_kji), np.uint8)
    dtype = np.uint8 if max((s.label_value for s in segments), default=0) < 256 else np.uint16
    return Segmentation(stacked.astype(dtype), target, segments)


@contextmanager
def in_world(node: Any) -> Iterator[tuple[Any, tuple[Notice, ...]]]:
    """A segmentation node without a parent transform: the node itself, or for a while a copy in the world.

    Slicer's own hardening is not used: it cuts segments off under a transform that bends an oblique grid.
    """
    if node.GetParentTransformNode() is None:
        yield node, ()
        return
    segmentation, notices = rectilinear_segmentation(segmentation_from_node(node), "a segmentation in Slicer")
    scene = node.GetScene()
    copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", node.GetName())
    try:
        content = copy.GetSegmentation()
        content.SetSourceRepresentationName(BINARY_LABELMAP)
        labelmaps = [_labelmap(segmentation, layer) for layer in range(len(segmentation.layers))]
        for segment_id, described in zip(node.GetSegmentation().GetSegmentIDs(), segmentation.segments, strict=True):
            segment = slicer_module().vtkSegment()
            segment.DeepCopyMetadata(node.GetSegmentation().GetSegment(segment_id))
            segment.SetLabelValue(described.label_value)
            segment.AddRepresentation(BINARY_LABELMAP, labelmaps[described.layer])
            content.AddSegment(segment, segment_id)
        _set_reference(copy, segmentation.geometry, None)
        yield copy, notices
    finally:
        scene.RemoveNode(copy)


def _place(geometry: VolumeGeometry, source_node: Any) -> tuple[VolumeGeometry, Any]:
    """The grid before a parent transform, and that transform's node (None for none)."""
    parent = source_node.GetParentTransformNode() if source_node is not None else None
    if parent is None:
        return geometry, None
    source = node_grid(source_node)
    if source.exact and source.world.matches(geometry, tolerance_mm=0.05 * float(geometry.spacing_mm.min())):
        return source.local, parent
    if parent.IsTransformToWorldLinear():
        from_world_ras = np.linalg.inv(to_world_matrix(parent))
        return VolumeGeometry(geometry.shape_kji, LPS_TO_RAS @ from_world_ras @ geometry.affine_ras), parent
    return geometry, None


def _add_segments(content: Any, segmentation: Segmentation, result: JobResult) -> None:
    slicer = slicer_module()
    counts = segmentation.voxel_counts()
    labelmaps: dict[int, Any] = {}
    for description in segmentation.segments:
        if counts[description.name] == 0:
            continue
        if description.layer not in labelmaps:
            labelmaps[description.layer] = _labelmap(segmentation, description.layer)
        segment = slicer.vtkSegment()
        segment.SetName(description.name)
        segment.SetNameAutoGenerated(False)
        segment.SetColor(*(value / 255 for value in description.color_rgb))
        segment.SetColorAutoGenerated(False)
        segment.SetLabelValue(description.label_value)
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology_to_tag(description.terminology))
        write_tags(segment, result.provenance, description.label_value)
        segment.AddRepresentation(BINARY_LABELMAP, labelmaps[description.layer])
        content.AddSegment(segment)


def _labelmap(segmentation: Segmentation, layer: int) -> Any:
    """A ``vtkOrientedImageData`` with a copy of a layer: Slicer's editor changes it in place."""
    image = slicer_module().vtkOrientedImageData()
    image_from_voxels(segmentation.layers[layer], image)
    image.SetGeometryFromImageToWorldMatrix(matrix_from_geometry(segmentation.geometry))
    return image


def _set_reference(node: Any, geometry: VolumeGeometry, source_node: Any) -> None:
    converter = slicer_module().vtkSegmentationConverter
    k, j, i = geometry.shape_kji
    text = converter.SerializeImageGeometry(matrix_from_geometry(geometry), [0, i - 1, 0, j - 1, 0, k - 1])
    node.GetSegmentation().SetConversionParameter(converter.GetReferenceImageGeometryParameterName(), text)
    if source_node is not None:
        node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), source_node.GetID())


def _put_beside(node: Any, source_node: Any, scene: Any) -> None:
    """Into the source's folder of the subject hierarchy: DICOM export looks for the patient and study there."""
    if source_node is None:
        return
    hierarchy = slicer_module().vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item, source = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(source_node)
    if item and source:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(source))


def _reference_grid(node: Any) -> VolumeGeometry:
    """The reference geometry of a segmentation, or what covers its segments where none is set."""
    content = node.GetSegmentation()
    converter = slicer_module().vtkSegmentationConverter
    text = content.GetConversionParameter(converter.GetReferenceImageGeometryParameterName())
    text = text or content.DetermineCommonLabelmapGeometry(content.EXTENT_UNION_OF_SEGMENTS, None)
    image = slicer_module().vtkOrientedImageData()
    converter.DeserializeImageGeometry(text, image, False)
    return _grid(image)


def _grid(image: Any) -> VolumeGeometry:
    """Of a ``vtkOrientedImageData``, whose extent may start anywhere."""
    matrix = vtk_module().vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    full = geometry_from_matrix(matrix, (max(k1 - k0 + 1, 1), max(j1 - j0 + 1, 1), max(i1 - i0 + 1, 1)))
    return full.window((k0, j0, i0), full.shape_kji)


def _layer_on_grid(image: Any, grid: VolumeGeometry) -> Layers:
    """(k, j, i), a labelmap on another grid; 0 outside it."""
    scalars = image.GetPointData().GetScalars()
    if scalars is None or image.IsEmpty():
        return np.zeros(grid.shape_kji, np.uint16)
    own = _grid(image)
    labels: Layers = vtk_arrays().vtk_to_numpy(scalars).reshape(own.shape_kji).astype(np.uint16)
    return labels if own.matches(grid) else resample_labels(labels[None], own, grid)[0]


def _original_label_values(segments: list[Any]) -> list[int]:
    """What the model called the segments of a layer: Slicer renumbers overlapping layers when it writes them.

    The values in the layer stay where a segment is not ours, or where a copy carries the same value twice.
    """
    recorded = [read_tag(segment, LABEL_VALUE) for segment in segments]
    if all(value.isdigit() and value != "0" for value in recorded) and len(set(recorded)) == len(recorded):
        return [int(value) for value in recorded]
    return [segment.GetLabelValue() for segment in segments]


def _relabelled(labels: Layers, new_values: dict[int, int]) -> Layers:
    """(k, j, i), labels replaced by others; those without one become 0."""
    table = np.zeros(max(int(labels.max(initial=0)), *new_values, 0) + 1, dtype=np.uint16)
    for old, new in new_values.items():
        table[old] = new
    return translated(labels, table)


def _segment(segment: Any, label_value: int, layer: int) -> Segment:
    red, green, blue = (round(255 * value) for value in segment.GetColor())
    return Segment(
        label_value=label_value,
        name=segment.GetName(),
        color_rgb=(red, green, blue),
        terminology=terminology_from_tag(read_tag(segment, slicer_module().vtkSegment.GetTerminologyEntryTagName())),
        layer=layer,
    )
