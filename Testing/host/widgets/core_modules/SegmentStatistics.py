"""Segment Statistics: volumes of segments, and the intensities of a volume below them.

Parameters and keys are those of Slicer; measures that are not modelled fail when they are enabled.
"""

import numpy as np
import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleLogic
from vtk.util import numpy_support

from Testing.host.pythonqt import NotModelled

_SHAPE = (
    "centroid_ras", "feret_diameter_mm", "surface_area_mm2", "roundness", "flatness", "elongation",
    "principal_moments", "principal_axis_x", "principal_axis_y", "principal_axis_z", "obb_origin_ras",
    "obb_diameter_mm", "obb_direction_ras_x", "obb_direction_ras_y", "obb_direction_ras_z",
)  # fmt: skip
_VOLUMES = ("voxel_count", "volume_mm3", "volume_cm3")
_PERCENTILES = {"percentile_05": 5, "percentile_10": 10, "percentile_90": 90, "percentile_95": 95, "median": 50}
_UNITS = {"volume_mm3": "mm3", "volume_cm3": "cm3", "surface_mm2": "mm2"}


class SegmentStatistics(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Segment Statistics"
        parent.categories = ["Quantification"]


class _Plugin:
    keys = ()
    modelled = ()
    off_by_default = ()

    def measures(self, wanted, segmentation, segment_id, volume):
        raise NotImplementedError

    def compute(self, parameters, segmentation, segment_id, volume):
        name = type(self).__name__
        wanted = [key for key in self.keys if parameters.GetParameter(f"{name}.{key}.enabled") == "True"]
        for key in wanted:
            if key not in self.modelled:
                raise NotModelled(f"SegmentStatistics: {name}.{key}")
        measured = self.measures(wanted, segmentation, segment_id, volume) if wanted else {}
        return {key: measured[key] for key in wanted if key in measured}


def _volumes(count, voxel_volume):
    return {"voxel_count": count, "volume_mm3": count * voxel_volume, "volume_cm3": count * voxel_volume / 1000}


class LabelmapSegmentStatisticsPlugin(_Plugin):
    keys = _VOLUMES + _SHAPE
    modelled = (*_VOLUMES, "centroid_ras")
    off_by_default = _SHAPE

    def measures(self, wanted, segmentation, segment_id, volume):
        image = slicer.vtkOrientedImageData()
        segmentation.GetBinaryLabelmapRepresentation(segment_id, image)
        scalars = image.GetPointData().GetScalars()
        if scalars is None:
            return {}
        inside = numpy_support.vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]) > 0
        measured = _volumes(int(inside.sum()), float(np.prod(image.GetSpacing())))
        if "centroid_ras" in wanted and inside.any():
            matrix = vtk.vtkMatrix4x4()
            image.GetImageToWorldMatrix(matrix)
            first = np.array(image.GetExtent()[::2], float)
            centre = np.argwhere(inside)[:, ::-1].mean(axis=0) + first
            measured["centroid_ras"] = list(matrix.MultiplyPoint((*centre, 1.0))[:3])
        return measured


class ScalarVolumeSegmentStatisticsPlugin(_Plugin):
    keys = (*_VOLUMES, "min", "max", "mean", "stdev", *_PERCENTILES)
    modelled = keys
    off_by_default = ("percentile_10", "percentile_90")

    def measures(self, wanted, segmentation, segment_id, volume):
        if volume is None:
            return {}
        inside = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment_id, volume) > 0
        values = slicer.util.arrayFromVolume(volume)[inside]
        measured = _volumes(values.size, float(np.prod(volume.GetSpacing())))
        if values.size:
            measured.update(min=float(values.min()), max=float(values.max()), mean=float(values.mean()))
            measured["stdev"] = float(values.std(ddof=1)) if values.size > 1 else 0.0
            measured.update({key: float(np.percentile(values, share)) for key, share in _PERCENTILES.items()})
        return measured


class ClosedSurfaceSegmentStatisticsPlugin(_Plugin):
    keys = ("surface_mm2", "volume_mm3", "volume_cm3")
    modelled = keys

    def measures(self, wanted, segmentation, segment_id, volume):
        surface = vtk.vtkPolyData()
        names = slicer.vtkSegmentationConverter
        if not segmentation.GetSegmentation().ContainsRepresentation(
            names.GetSegmentationClosedSurfaceRepresentationName()
        ):
            return {}
        segmentation.GetClosedSurfaceRepresentation(segment_id, surface)
        if not surface.GetNumberOfPolys():
            return {}
        mass = vtk.vtkMassProperties()
        mass.SetInputData(surface)
        mass.Update()
        size = mass.GetVolume()
        return {"surface_mm2": mass.GetSurfaceArea(), "volume_mm3": size, "volume_cm3": size / 1000}


class SegmentStatisticsLogic(ScriptedLoadableModuleLogic):
    registeredPlugins = (
        LabelmapSegmentStatisticsPlugin,
        ScalarVolumeSegmentStatisticsPlugin,
        ClosedSurfaceSegmentStatisticsPlugin,
    )

    def __init__(self, parent=None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self.isSingletonParameterNode = False
        self.plugins = [kind() for kind in self.registeredPlugins]
        self.parameterNode = None
        self.keys = ["Segment", *(f"{type(plugin).__name__}.{key}" for plugin in self.plugins for key in plugin.keys)]
        self.reset()

    def getParameterNode(self):
        if self.parameterNode is None:
            self.setParameterNode(ScriptedLoadableModuleLogic.getParameterNode(self))
        return self.parameterNode

    def setParameterNode(self, node):
        self.parameterNode = node
        defaults = {"visibleSegmentsOnly": True}
        for plugin in self.plugins:
            name = type(plugin).__name__
            defaults[f"{name}.enabled"] = True
            defaults.update({f"{name}.{key}.enabled": key not in plugin.off_by_default for key in plugin.keys})
        for key, value in defaults.items():
            if not node.GetParameter(key):
                node.SetParameter(key, str(value))

    def reset(self):
        self._statistics = {"SegmentIDs": [], "MeasurementInfo": {}}

    def getStatistics(self):
        return self._statistics

    def computeStatistics(self):
        self.reset()
        parameters = self.getParameterNode()
        segmentation = slicer.mrmlScene.GetNodeByID(parameters.GetParameter("Segmentation"))
        if segmentation.GetParentTransformNode() is not None:
            raise NotModelled("SegmentStatistics of a segmentation under a transform")
        display = segmentation.GetDisplayNode()
        only_visible = parameters.GetParameter("visibleSegmentsOnly") == "True"
        for segment_id in segmentation.GetSegmentation().GetSegmentIDs():
            if not only_visible or display is None or display.GetSegmentVisibility(segment_id):
                self.updateStatisticsForSegment(segment_id)

    def updateStatisticsForSegment(self, segment_id):
        parameters = self.getParameterNode()
        segmentation = slicer.mrmlScene.GetNodeByID(parameters.GetParameter("Segmentation"))
        volume_id = parameters.GetParameter("ScalarVolume")
        volume = slicer.mrmlScene.GetNodeByID(volume_id) if volume_id else None
        segment = segmentation.GetSegmentation().GetSegment(segment_id)
        if segment is None:
            return
        if segment_id not in self._statistics["SegmentIDs"]:
            self._statistics["SegmentIDs"].append(segment_id)
        self._statistics[segment_id, "Segment"] = segment.GetName()
        for plugin in self.plugins:
            name = type(plugin).__name__
            if parameters.GetParameter(f"{name}.enabled") != "True":
                continue
            for key, value in plugin.compute(parameters, segmentation, segment_id, volume).items():
                self._statistics[segment_id, f"{name}.{key}"] = value
                self._statistics["MeasurementInfo"][f"{name}.{key}"] = {"units": _UNITS.get(key, "")}

    def getNonEmptyKeys(self):
        ids = self._statistics["SegmentIDs"]
        return [key for key in self.keys if any((segment_id, key) in self._statistics for segment_id in ids)]

    def getStatisticsValueAsString(self, segment_id, key):
        value = self._statistics.get((segment_id, key), "")
        return f"{value:0.3f}" if isinstance(value, float) else str(value)
