"""What the Python console can do; the panel does the same by the same session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..app.match import assign
from ..core.classification import ClassificationResult
from ..core.errors import InputError, ModelError, UsageError
from ..core.language import tr as _
from ..core.region import OrientedBox
from ..core.result import JobResult, SegmentResult
from ..models.card import ModelCard
from .inputs import VOLUME_CLASS, NodeInput, candidate_of
from .merge_roles import PlaceMode
from .model_logic import ModelLogic
from .region_node import region_from_node
from .runs import Frames, Output, Run, RunRequest

Volumes = Any
"""A volume node, several, or a mapping of channel names to volume nodes."""


class SegmentationLogic(ModelLogic):
    """Segment volumes of the scene from a script, and see to the models that do it.

    ::

        logic = slicer.util.getModuleLogic("MedAISeg")      # or MedAISegLogic()
        volume = slicer.util.getNode("T1")
        segmentation, result = logic.segment(volume, "hippocampus")
        for segment in result.segments:
            print(segment.name, segment.volume_ml)
    """

    def match(self, model: str, volumes: Volumes) -> dict[str, tuple[Any, str]]:
        """Which volume serves which channel of a model, and why.

        ::

            for channel, (volume, reason) in logic.match("brain-tumor", volumes).items():
                print(channel, volume.GetName(), reason)

        Args:
            model: id of a model.
            volumes: a volume node, several, or some by channel name.

        Returns:
            Channel name to the volume node and the reason.

        Raises:
            ModelError: if there is no such model.
            InputError: if a channel has no volume, or several serve it equally well.
        """
        card = self._card(model)
        by_channel, others = _split(volumes, card)
        chosen = {name: candidate_of(node) for name, node in by_channel.items()}
        found = assign(card, [candidate_of(node) for node in others], chosen=chosen)
        nodes = {node.GetID(): node for node in (*by_channel.values(), *others)}
        return {match.channel.name: (nodes[match.image.input.node_id], match.reason) for match in found}

    def segment(self, volumes: Volumes, model: str, output: Any = None, **options: Any) -> tuple[Any, JobResult]:
        """Segment, and wait for the result; Slicer's events are processed meanwhile.

        ::

            segmentation, result = logic.segment(volume, "hippocampus", region=slicer.util.getNode("R"))
            segmentation, result = logic.segment({"T1": t1, "FLAIR": flair}, "lesions", output=segmentation)

        Args:
            volumes: a volume node, several, or some by channel name.
            model: id of a model.
            output: a segmentation node to put the segments into; a new one without it.
            options: those of :meth:`submit`.

        Returns:
            The segmentation node, and the record of the run: volumes, statistics, timings, provenance.

        Raises:
            MedAISegError: UsageError, InputError, ModelError, ResourceError or Cancelled; ConfirmationRequired where
                ``accept=True`` would do.
        """
        if self._card(model).classes:
            raise ModelError(
                _("it is a classification model, and finds no segments."),
                where=model,
                remedy=_("Classify with it: logic.classify."),
            )
        run = self._finished(self.submit(volumes, model, output, **options))
        if not isinstance(run.result, JobResult):
            raise UsageError(_("the run gave no result."))
        return run.node, run.result

    def classify(self, volumes: Volumes, model: str, **options: Any) -> tuple[Any, ClassificationResult]:
        """Have a classification model say what an image shows, and wait for it; events are processed meanwhile.

        ::

            table, result = logic.classify(radiograph, "chest-classes")
            for image in result.images:
                print(image.image, image.best.name, image.best.probability)

        Args:
            volumes: a volume node, several, or some by channel name; of a volume, a model of flat images sees each
                slice by itself.
            model: id of a classification model.
            options: ``device``, ``accept``, ``name`` and ``all_frames`` of :meth:`submit`.

        Returns:
            A new table node with a row an image and a column a class, and the same as a record.

        Raises:
            MedAISegError: as :meth:`segment`.
        """
        if not self._card(model).classes:
            raise ModelError(
                _("it is no classification model."), where=model, remedy=_("Segment with it: logic.segment.")
            )
        run = self._finished(self.submit(volumes, model, **options))
        if not isinstance(run.result, ClassificationResult):
            raise UsageError(_("the run gave no result."))
        return run.node, run.result

    def _finished(self, run: Run) -> Run:
        try:
            self.session.wait(run)
        finally:
            run.cancel()
        return run

    def submit(
        self,
        volumes: Volumes,
        model: str,
        output: Any = None,
        *,
        on_progress: Callable[[Run], None] | None = None,
        on_finished: Callable[[Run], None] | None = None,
        labels: str | Sequence[str] = (),
        region: Any = None,
        device: str = "",
        test_time_flips: bool | None = None,
        keep_largest_component: bool = False,
        accept: bool = False,
        units: Mapping[str, str] | None = None,
        name: str = "",
        replace: bool = False,
        overwrite_edited: bool = False,
        all_frames: bool = False,
    ) -> Run:
        """Queue a run, of a model that segments or classifies, and return at once.

        ::

            run = logic.submit(volume, "hippocampus", on_finished=lambda run: print(run.state, run.node))
            run.progress.fraction      # None before it has begun
            run.cancel()

        Args:
            volumes: a volume node, several, or some by channel name.
            model: id of a model.
            output: a segmentation node to put the segments into; a new one without it.
            on_progress: is called with the run at each change.
            on_finished: is called with the run once it is done, failed (``run.error``) or cancelled.
            labels: name or names of the wanted segments, all where empty.
            region: a markups ROI node or an :class:`~MedAISegLib.core.region.OrientedBox` that limits the run.
            device: ``auto``, ``cpu``, ``cuda:N`` or ``mps``; the one of the settings where empty.
            test_time_flips: average over flips; None leaves it to the model.
            keep_largest_component: of each segment.
            accept: go on under an assumption that would otherwise be asked about.
            units: of PET volumes by channel name, ``GML`` for SUV or ``BQML``, where they do not say it.
            name: of the new segmentation node.
            replace: all segments of ``output`` make room; else those of this model.
            overwrite_edited: also segments that were edited since they were made.
            all_frames: of the sequence that a volume shows a frame of.

        Raises:
            MedAISegError: as :meth:`segment`, for what is known at once.
        """
        bound = self.match(model, volumes)
        request = RunRequest(
            model=model,
            inputs={channel: NodeInput(node.GetID()) for channel, (node, _reason) in bound.items()},
            output=Output(
                node_id="" if output is None else output.GetID(),
                name=name,
                mode=PlaceMode.REPLACE if replace else PlaceMode.UPDATE,
                overwrite_edited=overwrite_edited,
            ),
            labels=(labels,) if isinstance(labels, str) else tuple(labels),
            device=device,
            region=region if region is None or isinstance(region, OrientedBox) else region_from_node(region),
            test_time_flips=test_time_flips,
            keep_largest_component=keep_largest_component,
            accept=accept,
            units=dict(units or {}),
            frames=Frames.ALL if all_frames else Frames.ONE,
        )
        run = self.session.submit(request)
        if on_progress is not None:
            run.add_listener(on_progress)
        if on_finished is not None:
            run.add_listener(lambda run: on_finished(run) if run.is_finished else None)
        return run

    def measure(self, segmentation: Any) -> Mapping[str, SegmentResult]:
        """Volume and statistics of a node's segments as they are now, edits and additions included.

        ::

            for segment_id, segment in logic.measure(segmentation).items():
                print(segment.name, segment.volume_ml, segment.mean)

        Returns:
            Segment ID to its numbers; the mean is that of the reference volume, None where there is none.

        Raises:
            MedAISegError: InputError or ResourceError.
        """
        return self.session.pump.wait(self.session.measure(segmentation))

    def export(
        self, segmentation: Any, output: Path | str, formats: str | Sequence[str] = "nifti", *, overwrite: bool = False
    ) -> tuple[Path, ...]:
        """Write a segmentation node as it is now, edits and additions included, into files of a folder.

        ::

            logic.export(segmentation, "/data/results", ["dicom-seg", "nifti", "tables", "seg.nrrd", "stl"])

        Args:
            segmentation: the node.
            output: a folder; it is made where it is missing.
            formats: one or several of ``dicom-seg``, ``nifti``, ``tables``, ``seg.nrrd``, ``stl``, ``obj``.
            overwrite: replace files that are there.

        Returns:
            The files that were written.

        Raises:
            MedAISegError: InputError where a DICOM SEG is wanted of an image that is no DICOM series, UsageError or
                ResourceError.
        """
        reply = self.session.pump.wait(self.session.export(segmentation, formats, Path(output), overwrite=overwrite))
        return tuple(path for paths in reply.files.values() for path in paths)

    def _card(self, model: str) -> ModelCard:
        """The card of a model, from the worker where the catalogue does not know it."""
        card = next((card for card in self.session.models() if card.id == model), None)
        card = card or next((card for card in self.models() if card.id == model), None)
        if card is None:
            known = ", ".join(card.id for card in self.session.models())
            raise ModelError(
                _("there is no such model."), where=model, remedy=_("There are: {models}.").format(models=known)
            )
        return card


def _split(volumes: Volumes, card: ModelCard) -> tuple[dict[str, Any], list[Any]]:
    """Nodes that are bound to a channel by name, and others.

    Raises:
        InputError: if there is none, or something is no volume node.
        UsageError: if the model has no channel of a name.
    """
    if isinstance(volumes, Mapping):
        by_channel, others = dict(volumes), []
    else:
        by_channel, others = {}, [volumes] if hasattr(volumes, "IsA") else list(volumes or ())
    names = [channel.name for channel in card.channels]
    unknown = [name for name in by_channel if name not in names]
    if unknown:
        raise UsageError(
            _("it has no channel {channel!r}.").format(channel=unknown[0]),
            where=card.id,
            remedy=_("It has {channels}.").format(channels=", ".join(names)),
        )
    remedy = _("Give a volume node, such as slicer.util.getNode('T1').")
    for node in (*by_channel.values(), *others):
        if not hasattr(node, "IsA") or not node.IsA(VOLUME_CLASS):
            raise InputError(_("a {kind} is no volume node.").format(kind=type(node).__name__), remedy=remedy)
    if not by_channel and not others:
        raise InputError(_("no volume is given."), remedy=remedy)
    return by_channel, others
