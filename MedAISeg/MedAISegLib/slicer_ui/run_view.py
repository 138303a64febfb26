"""Apply, Cancel, and how far the runs are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..core.progress import ProgressEvent
from ..slicer_io.runs import Run, RunState
from .items import fit_height, stretch_first_column, tree_item
from .messages import MessageView
from .texts import _, as_written, readable_seconds

_STEPS = 1000


class RunView:
    """The row with Apply, what is below it, and the log."""

    def __init__(self, ui: Any, *, on_apply: Callable[[], None], on_cancel: Callable[[], None]) -> None:
        self._ui = ui
        self.messages = MessageView(ui.runMessages, "runMessage", ui.cancelButton)
        self._queue: list[tuple[str, str]] = []
        self._log_length = 0
        stretch_first_column(ui.queueTree)
        ui.applyButton.connect("clicked()", on_apply)
        ui.cancelButton.connect("clicked()", on_cancel)

    def show_readiness(self, why_not: str) -> None:
        """Enable Apply, or say in its tooltip why not."""
        self._ui.applyButton.enabled = not why_not
        self._ui.applyButton.toolTip = as_written(why_not) or _("Runs the model; the application can be used meanwhile")

    def show_runs(self, runs: Sequence[Run], name_of: Callable[[Run], str]) -> None:
        """Show the runs that are not over: the first is under way, the others wait."""
        ui = self._ui
        ui.cancelButton.enabled = bool(runs)
        for widget in (ui.progressBar, ui.stageLabel):
            widget.setVisible(bool(runs))
        ui.queueTree.setVisible(len(runs) > 1)
        if not runs:
            return
        run = runs[0]
        progress = run.progress
        ui.progressBar.setValue(round(progress.fraction * _STEPS) if progress else 0)
        ui.stageLabel.setText(f"{name_of(run)}: {stage_text(run.state, progress)}")
        self._show_queue([(name_of(one), state_text(one.state)) for one in runs])

    def show_log(self, lines: Iterable[str]) -> None:
        """Append what is new, and stay at the end."""
        text = "\n".join(lines)
        if len(text) == self._log_length:
            return
        self._log_length = len(text)
        self._ui.logText.setPlainText(text)
        bar = self._ui.logText.verticalScrollBar()
        bar.setValue(bar.maximum)

    def _show_queue(self, queue: list[tuple[str, str]]) -> None:
        if queue == self._queue:
            return
        self._queue = queue
        self._ui.queueTree.clear()
        for name, state in queue:
            self._ui.queueTree.addTopLevelItem(tree_item([name, state]))
        fit_height(self._ui.queueTree, at_least=2, at_most=4)


def state_text(state: RunState) -> str:
    """The state of a run in a word or two."""
    return {
        RunState.QUEUED: _("waits"),
        RunState.LOADING: _("loads the images"),
        RunState.SENDING: _("hands over the images"),
        RunState.RUNNING: _("runs"),
        RunState.PLACING: _("puts the result into the scene"),
        RunState.DONE: _("done"),
        RunState.FAILED: _("failed"),
        RunState.CANCELLED: _("cancelled"),
    }[state]


def stage_text(state: RunState, progress: ProgressEvent | None) -> str:
    """What is being done, and how long it will still take."""
    if state is not RunState.RUNNING or progress is None:
        return state_text(state)
    stage = {
        "read": _("reads the images"),
        "load model": _("loads the model"),
        "prepare": _("prepares the images"),
        "infer": _("computes"),
        "post-process": _("cleans the labels"),
        "write": _("writes the labels"),
    }[progress.stage.value]
    if progress.remaining_s is None:
        return stage
    return _("{stage}, about {time} left").format(stage=stage, time=readable_seconds(progress.remaining_s))
