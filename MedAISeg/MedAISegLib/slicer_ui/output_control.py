"""Where the segments of the next run go."""

from __future__ import annotations

from typing import Any

from ..models.card import ModelCard
from ..slicer_io.merge_roles import PlaceMode
from ..slicer_io.runs import Frames, Output
from .class_words import why_no_segments
from .context import Context
from .labels_view import LabelsView
from .output_view import OutputChoice, OutputView, SegmentLine
from .parameters import OUTPUT, RESULT
from .segment_states import SegmentState, SegmentStates
from .texts import _


class OutputControl:
    """Between the Output section and the scene."""

    def __init__(self, context: Context, states: SegmentStates) -> None:
        self._context, self._states = context, states
        self.view = OutputView(context.ui, on_node=self._choose_node, on_change=self._choose)
        self._labels = LabelsView(context.ui, on_change=self._choose_labels)

    def node(self) -> Any:
        """The segmentation that is to be updated; None for a new one."""
        return self._context.parameters().reference(OUTPUT)

    def output(self, frames: Frames) -> Output:
        """What a run is told; the results of all frames go into a sequence of their own."""
        choices, node = self._context.parameters().read(), self.node()
        if node is None or frames is Frames.ALL:
            return Output()
        return Output(
            node_id=node.GetID(),
            mode=choices.mode,
            overwrite_edited=choices.overwrite_edited,
            kept=frozenset(choices.kept),
        )

    def followed_nodes(self) -> tuple[Any, ...]:
        """The segmentations whose change is of interest."""
        parameters = self._context.parameters()
        nodes = (parameters.reference(OUTPUT), parameters.reference(RESULT))
        return tuple(dict.fromkeys(node for node in nodes if node is not None))

    def refresh(self, cards: tuple[ModelCard, ...], frames: Frames) -> None:
        choices = self._context.parameters().read()
        why_not = why_no_segments(cards)
        node = self.node() if frames is Frames.ONE and not why_not else None
        in_sequence = _("The results of all frames go into a new sequence") if frames is Frames.ALL else ""
        self.view.allow_choice(why_not or in_sequence)
        running = {card.id for card in cards}
        lines = [_line(state, running, choices.mode, choices.overwrite_edited) for state in self._states.of(node)]
        choice = OutputChoice(choices.mode, choices.overwrite_edited, choices.kept)
        self.view.show(node, lines, choice)
        self._labels.show(cards, choices.unwanted, why_not)

    def _choose_node(self, node: Any) -> None:
        parameters = self._context.parameters()
        if node is not parameters.reference(OUTPUT) and not self._context.is_removing():
            parameters.refer(OUTPUT, node)
            parameters.change(kept=())
        self._context.changed()

    def _choose(self, choice: OutputChoice) -> None:
        self._context.parameters().change(mode=choice.mode, overwrite_edited=choice.overwrite_edited, kept=choice.kept)
        self._context.changed()

    def _choose_labels(self, unwanted: dict[str, tuple[str, ...]]) -> None:
        parameters = self._context.parameters()
        parameters.change(unwanted={**parameters.read().unwanted, **_emptied(parameters.read().unwanted), **unwanted})
        self._context.changed()


def _emptied(unwanted: Any) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(unwanted, ())


def _line(state: SegmentState, running: set[str], mode: PlaceMode, overwrite_edited: bool) -> SegmentLine:
    why, is_fixed = "", True
    if state.is_completed:
        why = _("completed, stays")
    elif mode is PlaceMode.UPDATE and state.model_id not in running:
        why = _("other origin, stays")
    elif state.is_edited and not overwrite_edited:
        why = _("edited, stays")
    else:
        why, is_fixed = (_("edited") if state.is_edited else ""), False
    return SegmentLine(state.segment_id, state.name, state.color_rgb, why, is_fixed)
