"""Packages that MONAI leaves to be installed by whoever uses a part of it that needs them."""

from __future__ import annotations

from importlib.util import find_spec

from ...core.errors import ResourceError
from ..monai_bundle.references import Inference
from ..monai_bundle.refusal import used_names

_SCIKIT_IMAGE = ("scikit-image", "skimage")
_SCIPY = ("scipy", "scipy")
_NEEDED_BY = {
    "KeepLargestConnectedComponent": (_SCIKIT_IMAGE,),
    "RemoveSmallObjects": (_SCIKIT_IMAGE,),
    "FillHoles": (_SCIPY,),
    "Watershed": (_SCIKIT_IMAGE, _SCIPY),
    "GenerateWatershedMask": (_SCIKIT_IMAGE, _SCIPY),
    "GenerateWatershedMarkers": (_SCIKIT_IMAGE, _SCIPY),
    "GenerateInstanceContour": (_SCIKIT_IMAGE,),
    "GenerateInstanceCentroid": (_SCIKIT_IMAGE,),
    "HoVerNetInstanceMapPostProcessing": (_SCIKIT_IMAGE, _SCIPY),
}
"""By the name of a transform: packages, and a module of each."""
_ENDINGS = ("", "d", "D", "Dict")


def require_packages(inference: Inference, where: str) -> None:
    """Look for what the bundle's transforms need before any of them has been waited for.

    Raises:
        ResourceError: if a package is missing.
    """
    used = set(used_names(inference))
    for name, packages in _NEEDED_BY.items():
        if used.isdisjoint(name + ending for ending in _ENDINGS):
            continue
        for package, module in packages:
            if find_spec(module) is None:
                raise ResourceError(
                    f"the package {package} is missing, which MONAI's {name} needs.",
                    where=where,
                    remedy=f"Install it for the Python that runs the model: pip install {package}; in Slicer's Python "
                    f'console slicer.util.pip_install("{package}").',
                )
