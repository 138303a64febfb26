"""What can be done with the segments that are there, or the classes that images have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer

from ..core.errors import Cancelled, MedAISegError
from ..core.result import JobResult, SegmentResult
from ..slicer_io.class_placing import PlacedTable
from ..slicer_io.class_table import TABLE_CLASS, classification_of_node
from ..slicer_io.placing import Placed
from ..slicer_io.run_record import RunRecord, provenance_of_node
from ..slicer_io.runs import Run
from ..slicer_io.surfaces import show_in_3d
from .context import Context
from .export_control import ExportControl
from .messages import Kind
from .parameters import RESULT
from .provenance_text import provenance_text
from .results_view import ExportKind, ResultLine, Results, ResultsView
from .segment_states import SegmentState, SegmentStates
from .texts import _


class ResultControl:
    """Between the Results section, the scene and the session."""

    def __init__(self, context: Context, states: SegmentStates) -> None:
        self._context, self._states = context, states
        self.view = ResultsView(context.ui, self)
        self._exports = ExportControl(context, self.view.messages)
        self._placed: list[Placed | PlacedTable] = []
        self._surfaces: Any = None
        self._measuring: Any = None

    def take(self, run: Run) -> None:
        """Show what a run has put into the scene."""
        placed = run.placed
        if placed is None:
            return
        self._placed.append(placed)
        self._context.parameters().refer(RESULT, placed.node)
        if isinstance(run.result, JobResult):
            by_name = {segment.name: segment for segment in run.result.segments}
            found = {i: by_name[name] for name, i in placed.segment_ids.items() if name in by_name}
            self._states.take_measured(placed.node, found)
            if placed.kept:
                text = _("Left as they were: {names}").format(names=", ".join(placed.kept))
                self.view.messages.tell_text(Kind.INFORMATION, text)
        self._context.ui.resultsSection.collapsed = False

    def refresh(self) -> None:
        node = self._context.parameters().reference(RESULT)
        if node is None:
            hint = _("After a run its segments or classes are listed here; an older result can be chosen above.")
            self.view.show(Results(None, hint=hint, why_no_revert=_("There was no run yet")))
            return
        if node.IsA(TABLE_CLASS):
            self.view.show(self._classes_of(node))
            return
        states = self._states.of(node)
        runs = provenance_of_node(node)
        self.view.show(
            Results(
                node=node,
                lines=tuple(_line(state) for state in states),
                hint="" if states else _("This segmentation has no segments."),
                not_found=_not_found(runs),
                is_stale=any(state.measured is None for state in states),
                is_shown_in_3d=self._surfaces is not None or _is_shown_in_3d(node),
                why_no_dicom=self._exports.why_no_dicom(node),
                why_no_revert=self._why_no_revert(node),
                provenance=provenance_text(runs),
            )
        )

    def _classes_of(self, node: Any) -> Results:
        found = classification_of_node(node)
        return Results(
            node=node,
            images=found.images if found is not None else (),
            hint="" if found is not None else _("This table cannot be read; the module Tables shows it."),
            why_no_segments=_("A classification has no segments"),
            why_no_revert=self._why_no_revert(node),
            provenance=provenance_text((RunRecord(found.provenance, {}, notices=found.notices),)) if found else "",
        )

    def choose_result(self, node: Any) -> None:
        if not self._context.is_removing():
            self._context.parameters().refer(RESULT, node)
        self._context.changed()

    def show_in_3d(self, is_wanted: bool) -> None:
        node = self._node()
        if not is_wanted:
            if self._surfaces is not None:
                self._surfaces.cancel()
            elif node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetVisibility3D(False)
            return
        self._surfaces = self._context.session.pump.add(
            show_in_3d(node), on_done=lambda _result: self._surfaces_done(), on_error=self._surfaces_done
        )

    def edit_result(self) -> None:
        """The core module with this segmentation and its image."""
        node = self._node()
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(node)
        image = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
        if image is not None:
            editor.setSourceVolumeNode(image)

    def export_result(self, kind: ExportKind) -> None:
        self._exports.export(self._node(), kind)

    def recompute_result(self) -> None:
        node = self._node()

        def done(results: Mapping[str, SegmentResult]) -> None:
            self._states.take_measured(node, results)

        self._measuring = self._context.session.measure(node, on_done=done, on_error=self.view.messages.tell_error)

    def revert_run(self) -> None:
        """Take back the last run into this segmentation; the one before it can be taken back next."""
        last = self._last_into(self._node())
        if last is not None:
            last.revert.restore()
            self.view.messages.show_text(Kind.GOOD, _("The scene is as it was before the last run."))
        self._context.changed()

    def _node(self) -> Any:
        return self._context.parameters().reference(RESULT)

    def _why_no_revert(self, node: Any) -> str:
        return "" if self._last_into(node) is not None else _("There is no run into this result to take back")

    def _last_into(self, node: Any) -> Placed | PlacedTable | None:
        """The newest run that can be taken back; one that the session has let go of can be no more."""
        self._placed = [placed for placed in self._placed if placed.revert.is_valid]
        return next((placed for placed in reversed(self._placed) if placed.node is node), None)

    def _surfaces_done(self, error: MedAISegError | None = None) -> None:
        self._surfaces = None
        if error is not None and not isinstance(error, Cancelled):
            self.view.messages.tell_error(error)
        self._context.changed()


def _line(state: SegmentState) -> ResultLine:
    measured = state.measured
    return ResultLine(
        name=state.name,
        color_rgb=state.color_rgb,
        volume_ml=measured.volume_ml if measured else None,
        mean=measured.mean if measured else None,
        state=_state(state),
    )


def _state(state: SegmentState) -> str:
    words = []
    if state.is_completed:
        words.append(_("completed"))
    if not state.model_id:
        words.append(_("own"))
    elif state.is_edited:
        words.append(_("edited"))
    if state.measured is None and state.was_measured:
        words.append(_("changed, recompute"))
    return ", ".join(words)


def _is_shown_in_3d(node: Any) -> bool:
    display = node.GetDisplayNode()
    has_surfaces = node.GetSegmentation().ContainsRepresentation("Closed surface")
    return bool(display is not None and display.GetVisibility3D() and has_surfaces)


def _not_found(runs: tuple[RunRecord, ...]) -> tuple[str, ...]:
    """What the models looked for in vain, each once."""
    return tuple(dict.fromkeys(name for run in runs for name in run.not_found))
