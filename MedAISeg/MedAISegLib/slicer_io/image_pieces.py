"""A volume node's image where it is in the world, some slices at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..core.colours import colour_number, grey_notice, is_grey, luminance
from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.volume import Voxels
from .geometry import PlacedGrid
from .resampling import covering_grid, resample_image
from .volume_node import node_grid, node_pixels, node_voxels, resampled_notice

_PIECE_BYTES = 2 * 1024**2


@dataclass(frozen=True, eq=False)
class ImagePieces:
    """An image to be read piece by piece: together the same as ``volume_from_node`` gives in one go.

    Attributes:
        geometry: LPS mm.
        read: the slices (k, j, i) from a first one up to a last one, which is not in it.
        slices_a_piece: that take some milliseconds.
    """

    geometry: VolumeGeometry
    dtype: np.dtype[Any]
    read: Callable[[int, int], Voxels]
    slices_a_piece: int
    notices: tuple[Notice, ...] = ()


def image_in_pieces(node: Any) -> ImagePieces:
    """The image of a scalar volume node, its parent transform applied.

    Raises:
        InputError: if the node has no image, or one with several values a voxel.
    """
    return _in_pieces(node, node_voxels(node), node_grid(node))


def picture_in_pieces(node: Any, channel_name: str) -> Generator[None, None, ImagePieces]:
    """The colour of a picture's node that a channel is named after, for any other channel its grey or its luminance.

    Raises:
        InputError: if it lies under a transform that bends it.
    """
    pixels, grid = node_pixels(node), node_grid(node)
    if not grid.exact:
        raise InputError(
            _("it is a coloured image under a transform that bends it."),
            where=node.GetName() or "",
            remedy=_("Harden it."),
        )
    number = colour_number(channel_name)
    if number is None and (yield from _is_grey(pixels)):
        number = 0
    if number is not None:
        return _in_pieces(node, pixels[..., number], grid)
    return ImagePieces(
        grid.world,
        np.dtype(np.float32),
        lambda start, stop: luminance(pixels[start:stop]),
        slices_a_piece(8 * pixels[0].nbytes),
        (grey_notice(),),
    )


def _is_grey(pixels: Voxels) -> Generator[None, None, bool]:
    rows = max(1, _PIECE_BYTES // max(1, pixels[0, 0].nbytes))
    for k, row in product(range(pixels.shape[0]), range(0, pixels.shape[1], rows)):
        if not is_grey(pixels[k, row : row + rows]):
            return False
        yield
    return True


def _in_pieces(node: Any, voxels: Voxels, grid: PlacedGrid) -> ImagePieces:
    if not grid.exact:
        return _resampled(node, grid)
    return ImagePieces(
        grid.world, voxels.dtype, lambda start, stop: voxels[start:stop], slices_a_piece(voxels[0].nbytes)
    )


def slices_a_piece(slice_bytes: int) -> int:
    """How many slices can be copied in some milliseconds, at least one."""
    return max(1, _PIECE_BYTES // max(1, slice_bytes))


def _resampled(node: Any, grid: PlacedGrid) -> ImagePieces:
    image, parent = node.GetImageData(), node.GetParentTransformNode()
    target = covering_grid(grid, parent)

    def read(start: int, stop: int) -> Voxels:
        rows, columns = target.shape_kji[1:]
        window = target.window((start, 0, 0), (stop - start, rows, columns))
        return resample_image(image, grid.local, parent, window)

    return ImagePieces(target, np.dtype(np.float32), read, 1, (resampled_notice(),))
