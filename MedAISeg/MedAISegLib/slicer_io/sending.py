"""Voxels of volume nodes into the files that the worker reads, in pieces, while the user may go on working."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..app.exchange import create_array, release
from ..app.protocol import VolumeRecord
from ..core.errors import InputError
from ..core.volume import Volume, Voxels
from .dicom_origin import Origin
from .event_loop import wait_cursor
from .pump import Pieces
from .snapshot import Change, VolumeSnapshot, take_volume
from .volume_node import node_grid, node_voxels, volume_from_node

_PIECE_BYTES = 2 * 1024**2

Fraction = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Sent:
    """A channel as it went to the worker, and the node that it came from as it was then; ``crc`` is of its voxels."""

    record: VolumeRecord
    snapshot: VolumeSnapshot
    crc: int


def send_volume(folder: Path, name: str, node: Any, origin: Origin, *, on_fraction: Fraction) -> Pieces[Sent | None]:
    """Write a node's voxels into a file, some MB at a time; None where the node was changed meanwhile.

    Under a transform that bends it the image is resampled first, which blocks under a wait cursor.

    Raises:
        InputError: if the node is gone or empty.
        ResourceError: if the disk is full.
    """
    require_volume(node)
    snapshot = take_volume(node)
    if snapshot.grid.exact:
        volume = volume_from_node(node)
    else:
        with wait_cursor():
            volume = volume_from_node(node)
    volume = _described(volume, origin)
    yield None
    if snapshot.change() is not Change.NONE:
        return None
    record, mapped = create_array(folder, f"{name}.raw", volume.voxels.dtype, volume.voxels.shape)
    crc = 0
    try:
        yield None
        for start, stop in _ranges(volume.voxels):
            if snapshot.change() is not Change.NONE:
                return None
            piece = np.ascontiguousarray(volume.voxels[start:stop])
            mapped[start:stop] = piece
            crc = zlib.crc32(piece.data, crc)
            on_fraction(stop / len(volume.voxels))
            yield None
    finally:
        release(mapped)
    described = VolumeRecord(
        voxels=record,
        geometry=volume.geometry,
        modality=volume.modality,
        description=volume.description,
        series=volume.series,
        attributes=volume.attributes,
        notices=volume.notices,
    )
    return Sent(described, snapshot, crc)


def change_since(sent: Sent) -> Pieces[Change]:
    """What has become of the node; a new time stamp on the same voxels is no edit."""
    change = sent.snapshot.change()
    if change is not Change.EDITED or not sent.snapshot.grid.exact:
        return change
    node = sent.snapshot.node
    voxels = node_voxels(node)
    if voxels.shape != tuple(sent.record.voxels.shape) or voxels.dtype != np.dtype(sent.record.voxels.dtype):
        return change
    taken, crc = take_volume(node), 0
    for start, stop in _ranges(voxels):
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
        raise InputError("it was deleted before the run had read it.", where=_name(node), remedy="Choose another.")
    node_voxels(node)


def _described(volume: Volume, origin: Origin) -> Volume:
    return replace(
        volume,
        modality=origin.modality,
        description=origin.description or volume.description,
        series=origin.series,
        attributes=dict(origin.attributes),
        notices=(*origin.notices, *volume.notices),
    )


def _ranges(voxels: Voxels) -> list[tuple[int, int]]:
    """Slices in groups of about a piece's size."""
    step = max(1, _PIECE_BYTES // max(1, voxels[0].nbytes))
    return [(start, min(start + step, len(voxels))) for start in range(0, len(voxels), step)]


def _name(node: Any) -> str:
    return node.GetName() or "the image"
