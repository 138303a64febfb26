"""What a classification model said, into the scene as it is by then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from ..app.protocol import ClassifyReply, ClassifyRequest
from ..core.classification import ImageClasses, image_names
from ..core.language import tr as _
from ..core.notice import Notice
from .class_table import add_table, fill_table
from .pump import WAITING, Pieces
from .runs import Run
from .sending import Sent, change_since
from .snapshot import Change


@dataclass(frozen=True, eq=False)
class PlacedTable:
    """What came of it: the table node, and the way back."""

    node: Any
    revert: TableRevert


class TableRevert:
    """The way back: the table goes."""

    def __init__(self, node: Any) -> None:
        self._node = node

    @property
    def is_valid(self) -> bool:
        """Whether the table is still in the scene."""
        return self._node is not None and self._node.GetScene() is not None

    def restore(self) -> None:
        """Remove it, with the storage node that saving a scene has given it."""
        if self.is_valid:
            scene = self._node.GetScene()
            if self._node.GetStorageNode() is not None:
                scene.RemoveNode(self._node.GetStorageNode())
            scene.RemoveNode(self._node)
        self._node = None


@dataclass(eq=False)
class ClassPlacer:
    """Where the results of a run go: a new table, in which each frame of a sequence has its rows.

    Attributes:
        request: what the worker is asked.
        has_frames: all frames of a sequence are run.
        frame: the index of this one.
        images: the rows of earlier frames.
    """

    request: ClassVar = ClassifyRequest

    run: Run
    scene: Any
    has_frames: bool = False
    frame: int = 0
    images: tuple[ImageClasses, ...] = ()

    def place(self, folder: Path, sent: Mapping[str, Sent], reply: ClassifyReply, name: str) -> Pieces[None]:
        """Put what a reply says into the table."""
        del folder
        while self.scene.IsBatchProcessing():
            yield WAITING
        notices = []
        for channel in sent.values():
            change = yield from change_since(channel)
            notices += _notices(change)
        source = next(iter(sent.values())).snapshot.node
        title = source.GetName() or "Image"
        titles = image_names(f"{title}, frame {self.frame + 1}" if self.has_frames else title, len(reply.result.images))
        self.images += tuple(replace(image, image=t) for image, t in zip(reply.result.images, titles, strict=True))
        result = replace(reply.result, images=self.images)
        if self.run.node is None or self.run.node.GetScene() is None:
            node = add_table(result, self.scene, name, source if source.GetScene() is self.scene else None)
            self.run.placed = PlacedTable(node, TableRevert(node))
        else:
            fill_table(self.run.node, result)
        self.run.result = result
        self.run.notices = tuple(dict.fromkeys((*self.run.notices, *notices, *reply.result.notices)))


def _notices(change: Change) -> list[Notice]:
    if change is Change.DELETED:
        return [Notice("input-deleted", _("The image was deleted while the run went on."))]
    if change is Change.EDITED:
        what = _("The image was changed while the run went on; the classes are of what it was.")
        return [Notice("input-edited", what)]
    return []
