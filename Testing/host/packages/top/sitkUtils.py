"""Images of SimpleITK from volume nodes and back, as Slicer's module of this name makes them."""

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

_LPS = np.diag([-1.0, -1.0, 1.0])


def PullVolumeFromSlicer(nodeObjectOrName):
    """The voxels and the geometry of a scalar volume node."""
    node = slicer.util.getNode(nodeObjectOrName) if isinstance(nodeObjectOrName, str) else nodeObjectOrName
    image = sitk.GetImageFromArray(slicer.util.arrayFromVolume(node))
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASDirectionMatrix(matrix)
    image.SetDirection((_LPS @ slicer.util.arrayFromVTKMatrix(matrix)[:3, :3]).ravel().tolist())
    image.SetSpacing(node.GetSpacing())
    image.SetOrigin((_LPS @ np.array(node.GetOrigin())).tolist())
    return image


def PushVolumeToSlicer(sitkimage, targetNode=None, name=None, className="vtkMRMLScalarVolumeNode"):
    """The volume node that shows the image; a new one where none is given."""
    if targetNode is None:
        targetNode = slicer.mrmlScene.AddNewNodeByClass(
            className, slicer.mrmlScene.GetUniqueNameByString(name or className)
        )
    slicer.util.updateVolumeFromArray(targetNode, sitk.GetArrayFromImage(sitkimage))
    direction = _LPS @ np.array(sitkimage.GetDirection()).reshape(3, 3)
    targetNode.SetIJKToRASDirections(*direction.ravel())
    targetNode.SetSpacing(sitkimage.GetSpacing())
    targetNode.SetOrigin(_LPS @ np.array(sitkimage.GetOrigin()))
    return targetNode


def GetSlicerITKReadWriteAddress(nodeObjectOrName):
    node = slicer.util.getNode(nodeObjectOrName) if isinstance(nodeObjectOrName, str) else nodeObjectOrName
    return f"slicer:{id(slicer.mrmlScene):#x}#{node.GetID()}"
