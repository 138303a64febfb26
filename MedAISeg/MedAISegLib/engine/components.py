"""Connected components of a mask.

SimpleITK is imported where it is used: most runs do without its 90 MB.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FULLY_CONNECTED = {6: False, 26: True}


def components(mask: NDArray[np.bool_], connectivity: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The number of each voxel's component, from 1, and the voxels of each; what is not in the mask counts as none.

    Args:
        mask: (k, j, i).
        connectivity: 6 or 26.
    """
    import SimpleITK as sitk

    found = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), _FULLY_CONNECTED[connectivity])
    numbers = sitk.GetArrayFromImage(found)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return numbers, sizes
