"""Writing the segments as they are now, after asking where."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import qt

from ..core.errors import Cancelled, MedAISegError, UsageError
from ..core.notice import Notice
from ..slicer_io.dicom_database import DatabaseState, database_state
from ..slicer_io.export import why_no_dicom
from .context import Context
from .messages import Kind, MessageView
from .results_view import ExportKind
from .texts import _


class ExportControl:
    """Between the export menu and the session; what came of it stands in the Results section."""

    def __init__(self, context: Context, messages: MessageView) -> None:
        self._context, self._messages = context, messages

    def why_no_dicom(self, node: Any) -> str:
        """Why DICOM SEG cannot be written; empty where it can."""
        why = why_no_dicom(node)
        return why.in_words() if why is not None else ""

    def export(self, node: Any, kind: ExportKind) -> None:
        """Ask for a folder where one is needed, and write."""
        if kind is ExportKind.DICOM_DATABASE:
            if database_state() is not DatabaseState.READY:
                self._messages.show_text(Kind.ERROR, _("Slicer's DICOM database is not open."))
                return
            self._say_busy()
            self._context.session.export_to_database(
                node,
                on_done=lambda reply: self._said(
                    _("Stored in the DICOM database, in the study of the image."), reply.notices
                ),
                on_error=self._failed,
            )
            return
        folder = qt.QFileDialog.getExistingDirectory(self._context.ui.MedAISeg, _("Where to write"))
        if folder:
            self._write(node, kind, Path(folder), overwrite=False)

    def _write(self, node: Any, kind: ExportKind, folder: Path, *, overwrite: bool) -> None:
        if node.GetScene() is None:
            text = _("The segmentation was deleted meanwhile; nothing was written.")
            self._messages.show_text(Kind.INFORMATION, text)
            return

        def failed(error: MedAISegError) -> None:
            if isinstance(error, UsageError) and not overwrite:
                again = partial(self._write, node, kind, folder, overwrite=True)
                self._messages.after_question(lambda: self._messages.ask(str(error), _("Overwrite"), again))
                return
            self._failed(error)

        def done(reply: Any) -> None:
            names = [path.name for paths in reply.files.values() for path in paths]
            text = _("Written to {folder}: {names}").format(folder=folder, names=_some(names))
            self._said(text, reply.notices)

        self._say_busy()
        self._context.session.export(node, kind.value, folder, on_done=done, on_error=failed, overwrite=overwrite)

    def _say_busy(self) -> None:
        self._messages.show_text(Kind.INFORMATION, _("The segments are being written…"))

    def _said(self, text: str, notices: tuple[Notice, ...] = ()) -> None:
        lines = "\n".join([text, *(notice.message for notice in notices)])
        self._messages.tell_text(Kind.GOOD, lines)

    def _failed(self, error: MedAISegError) -> None:
        if isinstance(error, Cancelled):
            self._messages.tell_text(Kind.INFORMATION, _("Stopped, for the process that was to write was ended."))
        else:
            self._messages.tell_error(error)


def _some(names: list[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return _("{some} and {count} more").format(some=", ".join(names[:3]), count=len(names) - 3)
