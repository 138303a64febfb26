"""Volume sequences: every frame read and every result written by its index, while the browser stays where it is.

To step the browser would make the views jump and disturb whoever works in them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..core.characters import shown
from ..core.errors import InputError
from ..core.language import tr as _
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from .frame_transforms import transform_at
from .placement import fill_node
from .placing import Placed
from .preparing import prepare_new
from .revert import remove_node
from .scene import slicer_module


@dataclass(frozen=True, eq=False)
class VolumeFrames:
    """The frames that a volume node shows one of.

    Attributes:
        proxy: the node in the scene.
        browser: that decides which frame it shows.
        sequence: that holds the frames.
    """

    proxy: Any
    browser: Any
    sequence: Any

    @property
    def count(self) -> int:
        return int(self.sequence.GetNumberOfDataNodes())


def frames_of(node: Any) -> VolumeFrames | None:
    """The frames behind a volume node; None where it belongs to no sequence."""
    scene = node.GetScene()
    if scene is None:
        return None
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode")):
        browser = scene.GetNthNodeByClass(n, "vtkMRMLSequenceBrowserNode")
        sequence = browser.GetSequenceNode(node)
        if sequence is not None:
            return VolumeFrames(node, browser, sequence)
    return None


def frame_count(node: Any) -> int:
    """How many frames there are behind a volume node; 0 where it belongs to no sequence."""
    frames = frames_of(node)
    return 0 if frames is None else frames.count


@contextmanager
def frame_node(frames: VolumeFrames, index: int) -> Iterator[Any]:
    """For a while a hidden node of the scene that shows one frame, where the browser would show it; no voxel is copied.

    Raises:
        InputError: if the sequence holds no such frame, or holds no volumes.
    """
    data = frames.sequence.GetNthDataNode(index)
    if data is None or not data.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(
            _("the sequence holds no volume at this frame."), where=_("frame {number}").format(number=index + 1)
        )
    # A frame of a clip is a picture.
    node = getattr(slicer_module(), data.GetClassName())()
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetName(frames.proxy.GetName())
    node.CopyContent(data, False)
    scene = frames.proxy.GetScene()
    scene.AddNode(node)
    value = str(frames.sequence.GetNthIndexValue(index))
    try:
        with transform_at(frames.proxy, frames.browser, value) as parent:
            node.SetAndObserveTransformNodeID(parent.GetID() if parent is not None else None)
            yield node
    finally:
        if node.GetScene() is not None:
            scene.RemoveNode(node)


class ResultSequence:
    """The segmentations of a sequence's frames, in the same browser at the same index values.

    Nothing is in the scene before the first frame is placed, and what is placed stays if a later frame is cancelled.
    """

    def __init__(self, frames: VolumeFrames, name: str) -> None:
        """``name`` is that of the segmentation node that shows the selected frame."""
        self._frames, self._name = frames, shown(name)
        self._sequence: Any = None
        self._proxy: Any = None
        self._ids: dict[str, str] = {}

    def place(
        self, index: int, segmentation: Segmentation, result: JobResult, source_node: Any
    ) -> Generator[None, None, Placed]:
        """Put a frame's result in, yielding between pieces of work; closed before its end it leaves nothing.

        Args:
            index: of the frame.
            source_node: of :func:`frame_node`.

        Raises:
            InputError: if the frame or the browser is gone.
        """
        placement = yield from prepare_new(segmentation, result, source_node)
        value = self._index_value(index)
        node = slicer_module().vtkMRMLSegmentationNode()
        node.SetName(f"{self._name} {index + 1}")
        # Only the node that shows a frame lies under the transform and has a reference volume.
        alone = replace(placement, source_node=None, frame=replace(placement.frame, parent=None))
        ids = fill_node(node, alone, self._ids)
        self._ids |= ids
        if self._sequence is None or self._sequence.GetScene() is None:
            # That of the frame may be a copy: the node that shows the frames lies under the one that moves with them.
            is_under = placement.frame.parent is not None
            self._add_to_browser(node, value, self._frames.proxy.GetParentTransformNode() if is_under else None)
        else:
            self._sequence.SetDataNodeAtValue(node, value)
        if _selected_value(self._frames.browser) == value:
            # As Slicer does it where changes are saved: node and frame share the voxels, so that an edit is of both.
            self._proxy.CopyContent(self._sequence.GetDataNodeAtValue(value), False)
        revert = SequenceRevert(self._frames.browser, self._sequence, self._proxy)
        return Placed(self._proxy, ids, placement.not_found, (), placement.notices, revert)

    def _index_value(self, index: int) -> str:
        browser, sequence = self._frames.browser, self._frames.sequence
        if browser.GetScene() is None or sequence.GetScene() is None or index >= sequence.GetNumberOfDataNodes():
            raise InputError(_("the sequence was deleted or changed."), remedy=_("Run the model again."))
        return str(sequence.GetNthIndexValue(index))

    def _add_to_browser(self, first: Any, value: str, parent: Any) -> None:
        browser, source = self._frames.browser, self._frames.sequence
        scene = browser.GetScene()
        sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", f"{self._name} sequence")
        sequence.SetIndexName(source.GetIndexName())
        sequence.SetIndexUnit(source.GetIndexUnit())
        sequence.SetIndexType(source.GetIndexType())
        sequence.SetDataNodeAtValue(first, value)
        browser.AddSynchronizedSequenceNode(sequence)
        # Where a frame has no result yet, nothing is shown rather than another frame's segments.
        browser.SetMissingItemMode(sequence, browser.MissingItemSetToDefault)
        proxy = browser.GetProxyNode(sequence)
        if proxy is None:
            proxy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", self._name)
            browser.AddProxyNode(proxy, sequence, False)
        proxy.SetName(self._name)
        if proxy.GetDisplayNode() is None:
            proxy.CreateDefaultDisplayNodes()
        proxy.SetNodeReferenceID(proxy.GetReferenceImageGeometryReferenceRole(), self._frames.proxy.GetID())
        proxy.SetAndObserveTransformNodeID(parent.GetID() if parent is not None else None)
        browser.SetSaveChanges(sequence, True)
        self._sequence, self._proxy = sequence, proxy


def _selected_value(browser: Any) -> str | None:
    """The index value that a browser shows; its item number is one of its first sequence, which may have others."""
    master, selected = browser.GetMasterSequenceNode(), browser.GetSelectedItemNumber()
    if master is None or not 0 <= selected < master.GetNumberOfDataNodes():
        return None
    return str(master.GetNthIndexValue(selected))


class SequenceRevert:
    """The way back from the results of a sequence: they go, with the node that shows them."""

    def __init__(self, browser: Any, sequence: Any, proxy: Any) -> None:
        self._browser, self._sequence, self._proxy = browser, sequence, proxy

    @property
    def is_valid(self) -> bool:
        """Whether the results are still in the scene."""
        return self._sequence is not None and self._sequence.GetScene() is not None

    def restore(self) -> None:
        """Remove the results."""
        if self.is_valid:
            scene = self._sequence.GetScene()
            self._browser.RemoveSynchronizedSequenceNode(self._sequence.GetID())
            if self._proxy.GetScene() is scene:
                remove_node(self._proxy)
            scene.RemoveNode(self._sequence)
        self._browser = self._sequence = self._proxy = None
