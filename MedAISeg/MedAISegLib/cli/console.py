"""What the command line says to people: on stderr, so that stdout stays free for results."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from ..app.match import describe
from ..core.case import Case
from ..core.characters import shown
from ..core.notice import Notice
from ..core.progress import Progress, ProgressEvent, RunStage
from ..models.store_progress import StoreCallback, StoreProgress, StoreStage
from .interrupts import Interrupts

_WIDTH_OF_A_FILE = 160
"""Columns of a table where stdout is no terminal."""


_STORE_STAGES = {
    StoreStage.DOWNLOAD: "Downloading ...",
    StoreStage.COPY: "Copying ...",
    StoreStage.CHECK: "Checking: it is read and its networks are built, or run ...",
    StoreStage.PACK: "Packing ...",
}


def stdout_console() -> Console:
    """For results."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)


def stderr_console() -> Console:
    """For progress, notices and errors."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def show_inputs(case: Case) -> None:
    """One line a channel: the image that serves it."""
    console = stderr_console()
    for name, volume in case.channels.items():
        console.print(f"{escape(name)}: {escape(describe(volume))}")


def show_notices(notices: Iterable[Notice]) -> None:
    """One line a notice."""
    console = stderr_console()
    for notice in notices:
        console.print(f"[yellow]Note:[/] {escape(shown(notice.message))}")


@contextmanager
def shown_progress(interrupts: Interrupts) -> Iterator[Progress]:
    """Progress with a bar on a terminal, and with one line a stage elsewhere."""
    if not sys.stderr.isatty():
        yield Progress(_StageLines(), interrupts.cancel)
        return
    name, left = TextColumn("{task.description:<13}"), TextColumn("{task.fields[left]}")
    with (
        Bar(name, BarColumn(40), TaskProgressColumn(), left, console=stderr_console(), transient=True) as bar,
        interrupts.before_leaving(bar.stop),
    ):
        task = bar.add_task("", total=1.0, left="")

        def show(event: ProgressEvent) -> None:
            remaining = "" if event.remaining_s is None else f"{event.remaining_s:.0f} s left"
            bar.update(task, completed=event.fraction, description=event.stage.value.capitalize(), left=remaining)

        yield Progress(show, interrupts.cancel)


class _StageLines:
    """Prints a line when a stage begins: a log file shows where a run is, without hundreds of lines."""

    def __init__(self) -> None:
        self._said: set[RunStage] = set()

    def __call__(self, event: ProgressEvent) -> None:
        if event.stage not in self._said:
            self._said.add(event.stage)
            stderr_console().print(f"{event.fraction:4.0%} {event.stage.value}")


class _StoreLines:
    """Prints a line when a stage begins."""

    def __init__(self) -> None:
        self._stage: StoreStage | None = None

    def __call__(self, progress: StoreProgress) -> None:
        if progress.stage is not self._stage:
            self._stage = progress.stage
            stderr_console().print(_STORE_STAGES[self._stage])


@contextmanager
def shown_bytes() -> Iterator[StoreCallback]:
    """How far an act of the store is: a bar on a terminal, one line a stage elsewhere."""
    if not sys.stderr.isatty():
        yield _StoreLines()
        return
    name, left = TextColumn("{task.description:<10}"), TextColumn("{task.fields[left]}")
    with Bar(name, BarColumn(40), DownloadColumn(), left, console=stderr_console(), transient=True) as bar:
        task = bar.add_task("", total=None, left="")

        def show(progress: StoreProgress) -> None:
            part = f" {progress.part}/{progress.parts}" if progress.parts > 1 else ""
            remaining = "" if progress.remaining_s is None else f"{progress.remaining_s:.0f} s left"
            bar.update(
                task,
                description=f"{progress.stage.value.capitalize()}{part}",
                completed=progress.done_bytes,
                total=progress.total_bytes or None,
                left=remaining,
            )

        yield show
