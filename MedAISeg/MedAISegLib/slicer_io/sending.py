"""Voxels of volume nodes into the files that the worker reads, in pieces, while the user may go on working."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..app.exchange import create_array_in_pieces, release
from ..app.protocol import VolumeRecord
from ..core.errors import InputError
from ..core.language import tr as _
from .dicom_origin import Origin
from .image_pieces import image_in_pieces, picture_in_pieces, slices_a_piece
from .pump import Pieces
from .snapshot import Change, VolumeSnapshot, take_volume
from .volume_node import is_picture, node_grid, node_pixels, node_voxels

Fraction = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Sent:
    """A channel as it went to the worker, and the node that it came from as it was then; ``crc`` is of its voxels."""

    record: VolumeRecord
    snapshot: VolumeSnapshot
    crc: int


def send_volume(
    folder: Path, name: str, node: Any, origin: Origin, *, on_fraction: Fraction, channel_name: str = ""
) -> Pieces[Sent | None]:
    """Write a node's voxels into a file, some MB at a time; None where the node was changed meanwhile.

    Under a transform that bends it the image is resampled in the world, a slice at a time.

    Args:
        channel_name: of a picture, the colour that it names is sent.

    Raises:
        InputError: if the node is gone or empty.
        ResourceError: if the disk is full.
    """
    require_volume(node)
    snapshot = take_volume(node)
    image = (yield from picture_in_pieces(node, channel_name)) if is_picture(node) else image_in_pieces(node)
    yield None
    if snapshot.change() is not Change.NONE:
        return None
    array, mapped = yield from create_array_in_pieces(folder, f"{name}.raw", image.dtype, image.geometry.shape_kji)
    crc, slices = 0, image.geometry.shape_kji[0]
    try:
        yield None
        for start, stop in _ranges(slices, image.slices_a_piece):
            if snapshot.change() is not Change.NONE:
                return None
            piece = np.ascontiguousarray(image.read(start, stop))
            mapped[start:stop] = piece
            crc = zlib.crc32(piece.data, crc)
            on_fraction(stop / slices)
            yield None
    finally:
        release(mapped)
    record = VolumeRecord(
        voxels=array,
        geometry=image.geometry,
        modality=origin.modality,
        description=origin.description or node.GetName() or "",
        series=origin.series,
        attributes=dict(origin.attributes),
        notices=(*origin.notices, *image.notices),
    )
    return Sent(record, snapshot, crc)


def change_since(sent: Sent) -> Pieces[Change]:
    """What has become of the node; a new time stamp on the same voxels is no edit."""
    change = sent.snapshot.change()
    if change is not Change.EDITED or not sent.snapshot.grid.exact or is_picture(sent.snapshot.node):
        return change
    node = sent.snapshot.node
    voxels = node_voxels(node)
    if voxels.shape != tuple(sent.record.voxels.shape) or voxels.dtype != np.dtype(sent.record.voxels.dtype):
        return change
    taken, crc = take_volume(node), 0
    for start, stop in _ranges(len(voxels), slices_a_piece(voxels[0].nbytes)):
        crc = zlib.crc32(np.ascontiguousarray(voxels[start:stop]).data, crc)
        yield None
        if taken.change() is not Change.NONE:
            return taken.change()
    if crc != sent.crc:
        return change
    return Change.NONE if node_grid(node).world.matches(sent.snapshot.grid.world) else Change.MOVED


def require_volume(node: Any) -> None:
    """Raises:
    InputError: if a volume node is no longer in a scene, or empty.
    """
    if node.GetScene() is None:
        raise InputError(
            _("it was deleted before the run had read it."), where=_name(node), remedy=_("Choose another.")
        )
    node_pixels(node)


def _ranges(slices: int, step: int) -> list[tuple[int, int]]:
    return [(start, min(start + step, slices)) for start in range(0, slices, step)]


def _name(node: Any) -> str:
    return node.GetName() or _("the image")
