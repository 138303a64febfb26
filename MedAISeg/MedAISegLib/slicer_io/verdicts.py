"""Where a result goes when the scene has changed while it was made.

===============================  ==============================================================================
what happened meanwhile          what becomes of the result
===============================  ==============================================================================
nothing                          where it was asked for
the scene was closed             dropped (the run is cancelled)
an input was deleted             a new node, where the image lay
an input was edited              a new node: it shows the image as it was
the first input was moved        a new node that moves with the image; under a transform that bends it, where it lay
another input was moved          a new node on the first input
the output was deleted           a new node
a segment there was edited       a new node; the edit stays
===============================  ==============================================================================

An edit is one in a segment that was there when the run was asked for. Segments that a user adds meanwhile stay in any
case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..app.fit import image_of
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from .pump import Pieces
from .sending import Sent, change_since
from .snapshot import Change, SegmentationWatch
from .volume_node import node_grid


@dataclass(frozen=True, eq=False)
class Verdict:
    """Where a result goes.

    Attributes:
        source_node: the volume that it lies on; None where that is gone or no longer lies there.
        geometry: the result's grid in the world as it is now, LPS mm.
        as_asked: whether it goes where it was asked for; else into a new node.
        notices: what to tell the user about it.
    """

    source_node: Any
    geometry: VolumeGeometry
    as_asked: bool
    notices: tuple[Notice, ...] = ()


def judge(sent: Mapping[str, Sent], watch: SegmentationWatch | None) -> Pieces[Verdict]:
    """The verdict for a result whose channels went out as ``sent``; ``watch`` is of the output, None for a new one."""
    notices: list[Notice] = []
    (first_name, first), *others = sent.items()
    source, geometry = first.snapshot.node, first.record.geometry
    change = yield from change_since(first)
    if change is Change.DELETED:
        source = None
    elif change is Change.MOVED:
        now = node_grid(source)
        follows = now.exact and first.snapshot.grid.exact
        geometry = now.world if follows else geometry
        source = source if follows else None
    if change is not Change.NONE:
        notices.append(_notice(change, first_name, source))
    for name, channel in others:
        change = yield from change_since(channel)
        if change is not Change.NONE:
            notices.append(_notice(change, name, source))
    notices += output_notices(watch)
    return Verdict(source, geometry, as_asked=not notices, notices=tuple(notices))


def output_notices(watch: SegmentationWatch | None) -> tuple[Notice, ...]:
    """Why a result cannot go into the node that it was asked for."""
    if watch is None:
        return ()
    if watch.is_deleted:
        message = _("The segmentation was deleted while the run went on; the result is in a new segmentation.")
        return (Notice("output-deleted", message),)
    if watch.edited():
        message = _(
            "The segmentation was edited while the run went on; the result is in a new segmentation, and the edits "
            "stay."
        )
        return (Notice("output-edited", message),)
    return ()


def _notice(change: Change, channel: str, source: Any) -> Notice:
    if change is Change.DELETED:
        code = "input-deleted"
        message = _("The {image} was deleted while the run went on; the result is in a new segmentation.")
    elif change is Change.EDITED:
        code = "input-edited"
        message = _(
            "The {image} was changed while the run went on; the result is in a new segmentation and belongs to the "
            "image as it was."
        )
    elif source is not None:
        code = "input-moved"
        message = _("The {image} was moved while the run went on; the result is in a new segmentation.")
    else:
        code = "input-moved"
        message = _(
            "The {image} was moved while the run went on; the result is in a new segmentation, where the image lay."
        )
    return Notice(code, message.format(image=image_of(channel)))
