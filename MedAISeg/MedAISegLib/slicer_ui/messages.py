"""What went wrong, and questions: in the panel, where the user looks; a box would block the application."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

import ctk
import qt

from ..core.errors import MedAISegError
from .texts import _, as_written, escape


class Kind(Enum):
    """Which of the style's icons stands beside a text."""

    INFORMATION = "SP_MessageBoxInformation"
    WARNING = "SP_MessageBoxWarning"
    ERROR = "SP_MessageBoxCritical"
    QUESTION = "SP_MessageBoxQuestion"
    GOOD = "SP_DialogApplyButton"


def icon_label(parent: Any, kind: Kind) -> Any:
    """A label with one of the style's icons."""
    label = qt.QLabel(parent)
    style = parent.style()
    size = style.pixelMetric(qt.QStyle.PM_SmallIconSize)
    label.setPixmap(style.standardIcon(getattr(qt.QStyle, kind.value)).pixmap(size, size))
    label.setSizePolicy(qt.QSizePolicy.Fixed, qt.QSizePolicy.Preferred)
    label.setAlignment(qt.Qt.AlignTop)
    return label


class MessageView:
    """A place for one message at a time.

    What the user does replaces what stands there, a question too; what ends by itself meanwhile waits for his answer
    (:meth:`after_question`, :meth:`tell_error`, :meth:`tell_text`).

    Args:
        place: a ``QWidget`` with a vertical layout.
        name: what the object names begin with.
        after: the widget before it in the keyboard's order.
    """

    def __init__(self, place: Any, name: str, after: Any) -> None:
        self._place, self._name, self._after = place, name, after
        self._frame: Any = None
        self._text = ""
        self._waiting: deque[Callable[[], None]] = deque()
        self.is_question = False

    @property
    def text(self) -> str:
        """What stands there, as plain text; empty for nothing."""
        return self._text

    def clear(self) -> None:
        if self._frame is not None:
            self._place.layout().removeWidget(self._frame)
            self._frame.hide()
            self._frame.deleteLater()
            self._frame = None
        self._text, self.is_question = "", False

    def drop_question(self) -> None:
        """Take away what stands there, such as a question that needs no answer any more, and tell what has waited."""
        self.clear()
        self.tell_waiting()

    def after_question(self, tell: Callable[[], None]) -> None:
        """Have something shown or asked here now, or where a question stands, once that is answered."""
        self._waiting.append(tell)
        self.tell_waiting()

    def tell_waiting(self) -> None:
        """Tell what has waited for a question that is gone: one thing, and the next when that is taken away."""
        told = False
        while self._waiting and not self.is_question and not (told and self._text):
            self._waiting.popleft()()
            told = True

    def tell_error(self, error: MedAISegError) -> None:
        """Show what something that went on by itself has failed with, after the question where one stands."""
        self.after_question(lambda: self.show_error(error))

    def tell_text(self, kind: Kind, text: str, details: str = "") -> None:
        """Show what came of something that went on by itself, after the question where one stands."""
        self.after_question(lambda: self.show_text(kind, text, details))

    def show_error(self, error: MedAISegError, details: str = "") -> None:
        """What happened, on what, and the remedy."""
        where = f"<b>{escape(error.where)}</b>: " if error.where else ""
        what = error.what if error.where else error.what[:1].upper() + error.what[1:]
        remedy = f"<br>{escape(error.remedy)}" if error.remedy else ""
        lines = f"{where}{escape(what)}{remedy}".replace("\n", "<br>")
        self._show(Kind.ERROR, lines, str(error), details=details)

    def show_text(self, kind: Kind, text: str, details: str = "") -> None:
        self._show(kind, escape(text).replace("\n", "<br>"), text, details=details)

    def ask(
        self,
        question: str,
        yes: str,
        on_yes: Callable[[], None],
        *,
        no: str = "",
        on_no: Callable[[], None] | None = None,
    ) -> None:
        """A question with two buttons; whichever is pressed, the question goes first."""
        self._show(Kind.QUESTION, escape(question).replace("\n", "<br>"), question, closable=False)
        self.is_question = True
        row = qt.QHBoxLayout()
        row.addStretch(1)
        before = self._after
        for text, name, action in ((yes, "Yes", on_yes), (no or _("Cancel"), "No", on_no)):
            button = qt.QPushButton(text, self._frame)
            button.objectName = f"{self._name}{name}Button"
            button.toolTip = as_written(text)
            button.connect("clicked()", self._answer(action))
            row.addWidget(button)
            qt.QWidget.setTabOrder(before, button)
            before = button
        self._frame.layout().addLayout(row)

    def _answer(self, action: Callable[[], None] | None) -> Callable[[], None]:
        def answered() -> None:
            self.clear()
            if action is not None:
                action()
            self.tell_waiting()

        return answered

    def _show(self, kind: Kind, rich_text: str, plain_text: str, *, details: str = "", closable: bool = True) -> None:
        self.clear()
        self._text = plain_text
        frame = qt.QFrame(self._place)
        frame.objectName = f"{self._name}Frame"
        frame.setFrameShape(qt.QFrame.StyledPanel)
        column = qt.QVBoxLayout(frame)
        row = qt.QHBoxLayout()
        row.addWidget(icon_label(frame, kind))
        row.addWidget(self._label(frame, rich_text), 1)
        if closable:
            row.addWidget(self._close_button(frame))
        column.addLayout(row)
        if details:
            column.addWidget(self._details(frame, details))
        self._place.layout().addWidget(frame)
        self._frame = frame

    def _label(self, frame: Any, rich_text: str) -> Any:
        label = qt.QLabel(frame)
        label.objectName = f"{self._name}Label"
        label.setTextFormat(qt.Qt.RichText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
        label.setText(rich_text)
        return label

    def _close_button(self, frame: Any) -> Any:
        button = qt.QToolButton(frame)
        button.objectName = f"{self._name}CloseButton"
        button.setAutoRaise(True)
        button.setIcon(frame.style().standardIcon(qt.QStyle.SP_TitleBarCloseButton))
        button.toolTip = _("Take this message away")
        button.connect("clicked()", self.drop_question)
        return button

    def _details(self, frame: Any, details: str) -> Any:
        group = ctk.ctkCollapsibleGroupBox(frame)
        group.objectName = f"{self._name}DetailsGroup"
        group.setTitle(_("Details"))
        text = qt.QPlainTextEdit(group)
        text.objectName = f"{self._name}DetailsText"
        text.setReadOnly(True)
        text.setPlainText(details)
        text.setMaximumHeight(140)
        qt.QVBoxLayout(group).addWidget(text)
        group.collapsedHeight = 0
        group.collapsed = True
        return group
