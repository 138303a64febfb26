"""A case as what a bundle's LoadImage gives, and the bundle's own loaders and savers kept from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError
from ...core.geometry import VolumeGeometry

_NAME = "image"
_NOT_IMAGES = ("label", "labels", "mask", "seg", "gt")
"""Keys of what only training and evaluation have."""


class CaseImages:
    """The channels of a case as MONAI's readers give them: a ``monai.data.ImageReader`` of what is in memory.

    Arrays are (i, j, k), or (i, j) of a single slice; affines lead from these indices to RAS mm.
    """

    def __init__(self, channels: NDArray[np.float32], geometry: VolumeGeometry, *, flat: bool) -> None:
        """Args:
        channels: (channel, k, j, i), on the grid of the geometry.
        flat: as images of a single slice.
        """
        arrays = [channel.transpose(2, 1, 0) for channel in channels]
        self._arrays = [array[..., 0] for array in arrays] if flat else arrays
        self._affine = monai_affine(geometry)

    def named(self, key_count: int) -> list[str | list[str]]:
        """What to load for each of so many keys: all channels for a single one, else one for each.

        Raises:
            ModelError: if the keys are not as many as the channels.
        """
        names = [f"{_NAME}{n}" for n in range(len(self._arrays))]
        if key_count == 1:
            return [names if len(names) > 1 else names[0]]
        if key_count != len(names):
            raise ModelError(f"it loads {key_count} images and names {len(names)} channels.", where="preprocessing")
        return list(names)

    def verify_suffix(self, filename: Sequence[str] | str) -> bool:
        """Whether it is the reader for a file: for all of them."""
        del filename
        return True

    def read(self, data: Sequence[str] | str, **_: Any) -> list[int]:
        """The numbers of the channels of these names."""
        names = [data] if isinstance(data, str) else list(data)
        return [int(name.removeprefix(_NAME)) for name in names]

    def get_data(self, img: list[int]) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """The channels, stacked along a new first axis where there are several, and their header."""
        arrays = [self._arrays[number] for number in img]
        header = {
            "affine": self._affine.copy(),
            "original_affine": self._affine.copy(),
            "spatial_shape": np.asarray(arrays[0].shape),
            "space": "RAS",
            # MONAI's way to say that there is no axis of channels.
            "original_channel_dim": 0 if len(arrays) > 1 else float("nan"),
        }
        return np.stack(arrays) if len(arrays) > 1 else np.ascontiguousarray(arrays[0]), header


def monai_affine(geometry: VolumeGeometry) -> NDArray[np.float64]:
    """4x4, index (i, j, k) to RAS mm, as MONAI has it."""
    return geometry.transposed((2, 1, 0)).affine_ras


def load_from(images: CaseImages, preprocessing: Any) -> dict[str, Any]:
    """Make the loaders of the preprocessing give the case's images.

    Returns:
        What the preprocessing is to be applied to.

    Raises:
        ModelError: if it loads images in a way of its own.
    """
    from monai.transforms.io.dictionary import LoadImaged

    loaders = [step for step in _steps(preprocessing) if isinstance(step, LoadImaged)]
    keys = list(dict.fromkeys(str(key) for step in loaders for key in step.keys if key not in _NOT_IMAGES))
    if not keys:
        raise ModelError(
            "it loads its images in a way of its own, which is not supported.",
            where="preprocessing",
            remedy="It has to begin with LoadImaged.",
        )
    for step in loaders:
        kept = [n for n, key in enumerate(step.keys) if key in keys]
        step.meta_keys = tuple(step.meta_keys[n] for n in kept)
        step.meta_key_postfix = tuple(step.meta_key_postfix[n] for n in kept)
        step.keys = tuple(step.keys[n] for n in kept)
        # The reader that comes last is asked first.
        step.register(cast(Any, images))
    return dict(zip(keys, images.named(len(keys)), strict=True))


def without_savers(postprocessing: Any) -> tuple[Any, Any | None]:
    """The postprocessing, None for none, without what writes files; and the step that would have written the result."""
    from monai.transforms.compose import Compose
    from monai.transforms.io.dictionary import SaveImaged

    savers = [step for step in _steps(postprocessing) if isinstance(step, SaveImaged)]
    waiting = [postprocessing]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Compose):
            node.transforms = tuple(step for step in node.transforms if not isinstance(step, SaveImaged))
            waiting += node.transforms
    rest = Compose([]) if isinstance(postprocessing, SaveImaged) else postprocessing
    return rest, savers[0] if savers else None


def _steps(transform: Any) -> Iterator[Any]:
    """The transforms of a Compose in order, nested ones opened."""
    from monai.transforms.compose import Compose

    if isinstance(transform, Compose):
        for step in transform.transforms:
            yield from _steps(step)
    else:
        yield transform
