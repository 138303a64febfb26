"""What a bundle's code gives, as labels on the source grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.errors import ModelError
from ...core.geometry import LPS_TO_RAS, VolumeGeometry
from ...core.notice import Notice
from ...core.progress import Poll
from ...core.segmentation import Layers
from ...engine.resampling import Outside, resample
from ...models.operations import Interpolation
from ...models.spec import Argmax, Decision, Threshold
from .inference import Outcome

_LARGEST = 65535
_WHOLE = 1e-3
_SAME_GRID = 0.01
"""Of a voxel: a trip through MONAI's transforms and back changes an affine by less."""

BROUGHT_BACK = Notice("restored", "The model leaves its labels on its own grid; they are brought back to the image's.")


def on_source_grid(outcome: Outcome, source: VolumeGeometry, poll: Poll, *, flat: bool) -> tuple[NDArray[Any], bool]:
    """(channel, k, j, i) values on the source grid, and whether we had to bring them there.

    As the bundle's SaveImaged would where it resamples, else each voxel by its nearest neighbour.

    Args:
        flat: the result is of a single slice, (channel, i, j).

    Raises:
        ModelError: if nothing says where the result lies.
    """
    result = outcome.result.detach().cpu()
    if flat:
        result = result[..., None]
    if result.ndim == 3:
        result = result[None]
    if result.ndim != 4:
        raise ModelError(f"its result has the shape {tuple(result.shape)}.", where="postprocessing")
    target = source.transposed((2, 1, 0))
    grid = _grid_of(result, outcome.prepared, target)
    if not _is_same(grid, target):
        result, ours = _moved(result, grid, target, outcome.saver, poll)
    else:
        ours = False
    return np.asarray(result).transpose(0, 3, 2, 1), ours


def _grid_of(result: torch.Tensor, prepared: Any, target: VolumeGeometry) -> VolumeGeometry:
    i, j, k = (int(n) for n in result.shape[1:])
    affine = getattr(result, "affine", None)
    if affine is None:
        if (i, j, k) == target.shape_kji:
            return target
        affine = getattr(prepared, "affine", None)
        if affine is None or tuple(prepared.shape[1:]) != (i, j, k):
            raise ModelError("nothing says where its result lies in the image.", where="postprocessing")
    return VolumeGeometry((i, j, k), LPS_TO_RAS @ np.asarray(affine, dtype=np.float64))


def _is_same(grid: VolumeGeometry, target: VolumeGeometry) -> bool:
    return grid.matches(target, tolerance_mm=_SAME_GRID * float(target.spacing_mm.min()))


def _moved(
    result: torch.Tensor, grid: VolumeGeometry, target: VolumeGeometry, saver: Any | None, poll: Poll
) -> tuple[torch.Tensor, bool]:
    options = saver.saver.meta_kwargs if saver is not None else {}
    if options.get("resample"):
        from monai.transforms.spatial.array import SpatialResample

        resampler = SpatialResample(
            mode=options["mode"], padding_mode=options["padding_mode"], align_corners=False, dtype=options["dtype"]
        )
        moved = resampler(result, dst_affine=torch.from_numpy(target.affine_ras), spatial_size=target.shape_kji)
        return moved, False
    plain = torch.as_tensor(np.asarray(result))
    index_map = target.index_to(grid)
    return resample(plain, index_map, target.shape_kji, Interpolation.NEAREST, Outside.ZERO, poll), True


def labels_of(
    values: NDArray[Any], names: dict[int, str], *, with_background: bool, poll: Poll
) -> tuple[Layers, Decision, tuple[Notice, ...]]:
    """Label layers, and how they are to be read.

    Args:
        values: (channel, k, j, i), whole numbers: one map of labels, or a mask for each structure.
        names: the structures by label value, the background left out.
        with_background: the classes begin with the background.

    Raises:
        ModelError: if the values are no labels, or the channels are not as many as the structures.
    """
    labels = sorted(names)
    _require_whole(values, poll)
    if len(values) == 1:
        layers, notices = _map_of(values[0], labels, poll)
        return layers[None], Argmax(), notices
    masks = values[1:] if with_background and len(values) == len(labels) + 1 else values
    if len(masks) != len(labels):
        raise ModelError(
            f"its result has {len(values)} channels, and it names {len(labels)} structures.", where="postprocessing"
        )
    layers = np.zeros(masks.shape, dtype=_dtype(labels))
    for layer, mask, label in zip(layers, masks, labels, strict=True):
        for plane, inside in zip(layer, mask, strict=True):
            plane[inside > 0] = label
            poll()
    if with_background and (np.count_nonzero(layers, axis=0) <= 1).all():
        return layers.max(axis=0)[None], Argmax(), ()
    return layers, Threshold(tuple(labels)), ()


def _require_whole(values: NDArray[Any], poll: Poll) -> None:
    for channel in values:
        for plane in channel:
            if plane.dtype.kind == "f" and not (
                np.isfinite(plane).all() and np.abs(plane - np.rint(plane)).max() < _WHOLE
            ):
                raise ModelError(
                    "its result is no labels: it has values that are no whole numbers.",
                    where="postprocessing",
                    remedy="Its post-processing has to decide, as AsDiscrete does.",
                )
            poll()


def _map_of(values: NDArray[Any], labels: list[int], poll: Poll) -> tuple[Layers, tuple[Notice, ...]]:
    table = np.zeros(_LARGEST + 1, dtype=_dtype(labels))
    table[labels] = labels
    found: Layers = np.zeros(values.shape, dtype=table.dtype)
    unknown: set[int] = set()
    for k, plane in enumerate(values):
        whole = np.rint(plane).astype(np.int64)
        inside = (whole >= 0) & (whole <= _LARGEST)
        found[k] = table[np.where(inside, whole, 0)]
        unknown |= set(map(int, np.unique(whole[found[k] != whole])))
        poll()
    if not unknown:
        return found, ()
    listed = ", ".join(map(str, sorted(unknown)[:5]))
    message = f"The model's result holds values that it does not name, which are left out: {listed}."
    return found, (Notice("values-left-out", message),)


def _dtype(labels: list[int]) -> type[np.uint8] | type[np.uint16]:
    return np.uint8 if max(labels, default=0) < 256 else np.uint16
