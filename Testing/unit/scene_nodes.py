"""Nodes for tests: into the scene, under transforms, back from files, and compared."""

from __future__ import annotations

import json

import numpy as np
from MedAISegLib.app import result_requests
from MedAISegLib.app.protocol import ExportRequest, MeasureRequest
from MedAISegLib.app.tasks import Task
from MedAISegLib.core.geometry import LPS_TO_RAS
from MedAISegLib.core.progress import Progress
from MedAISegLib.core.records import from_json, to_json
from MedAISegLib.slicer_io.export import export_node
from MedAISegLib.slicer_io.geometry import matrix_from_array
from MedAISegLib.slicer_io.segmentation_node import run_to_end, segmentation_to_node
from segmentations import result_of

FOUND = ["liver", "Niere/links ä"]
"""The segments of the test organs that have voxels."""


def rigid_ras():
    a = np.radians(25.0)
    return np.array(
        [[np.cos(a), -np.sin(a), 0, 11], [np.sin(a), np.cos(a), 0, -7], [0, 0, 1, 5], [0, 0, 0, 1]], dtype=float
    )


def put_under_matrix(node, scene, ras):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(matrix_from_array(ras))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def put_slices_at(node, scene, geometry, slice_shifts_lps):
    """Under a grid transform like that of Slicer for tilted or uneven series: a vector at each corner of each slice."""
    import slicer
    import vtk

    k, j, i = geometry.shape_kji
    grid = vtk.vtkImageData()
    grid.SetOrigin(*node.GetOrigin())
    grid.SetDimensions(2, 2, k)
    di, dj, dk = node.GetSpacing()
    grid.SetSpacing(di * i, dj * j, dk)
    grid.AllocateScalars(vtk.VTK_DOUBLE, 3)
    for n, shift in enumerate(slice_shifts_lps):
        ras = LPS_TO_RAS[:3, :3] @ shift
        for corner in np.ndindex(2, 2):
            for axis in range(3):
                grid.SetScalarComponentFromDouble(*corner, n, axis, ras[axis])
    directions = vtk.vtkMatrix4x4()
    node.GetIJKToRASDirectionMatrix(directions)
    transform = slicer.vtkOrientedGridTransform()
    transform.SetGridDirectionMatrix(directions)
    transform.SetDisplacementGridData(grid)
    transform_node = scene.AddNewNodeByClass("vtkMRMLGridTransformNode")
    transform_node.SetAndObserveTransformToParent(transform)
    node.SetAndObserveTransformNodeID(transform_node.GetID())
    return transform_node


def to_node(segmentation, host, **options):
    return segmentation_to_node(segmentation, result_of(segmentation), host.scene, **options)[0]


def segments_of(node):
    content = node.GetSegmentation()
    return [content.GetNthSegment(n) for n in range(content.GetNumberOfSegments())]


def answered(request):
    """What the worker answers, by the same functions in this process."""
    yield None
    handlers = {MeasureRequest: result_requests.measure, ExportRequest: result_requests.export}
    received = from_json(type(request), json.loads(json.dumps(to_json(request))))
    return handlers[type(request)](Task(received, Progress(), lambda *_: None, None, {}))


def export_seg_nrrd(node, output):
    """As the panel does it: the path of the file, and what is said of it."""
    exchange = output / "exchange"
    exchange.mkdir(parents=True)
    reply = run_to_end(export_node(node, ("seg.nrrd",), output, folder=exchange, ask=answered))
    return reply.files["seg.nrrd"][0], reply.notices


def load_seg_nrrd(path, host):
    import slicer

    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node


def assert_equal(actual, expected):
    """Same segments, label values, colours, codes and voxels in the same place."""
    found = tuple(s for s in expected.segments if s.name in FOUND)
    assert [(s.name, s.label_value, s.terminology) for s in actual.segments] == [
        (s.name, s.label_value, s.terminology) for s in found
    ]
    for a, b in zip(actual.segments, found, strict=True):
        np.testing.assert_allclose(a.color_rgb, b.color_rgb, atol=1)
    assert actual.geometry.matches(expected.geometry, 1e-3)
    for a, b in zip(actual.segments, found, strict=True):
        np.testing.assert_array_equal(actual.mask(a), expected.mask(b))
