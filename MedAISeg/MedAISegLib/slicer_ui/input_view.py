"""One row for each input of the chosen models, and what does not fit below them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import qt

from ..app.checks import CheckLine, Severity
from ..slicer_io.runs import Frames
from .items import silent
from .messages import Kind, icon_label
from .parameters import ChannelKey
from .texts import _, as_written


@dataclass(frozen=True)
class InputOption:
    """An image that may be chosen; ``source`` is what a run is given."""

    text: str
    source: Any
    tool_tip: str = ""


@dataclass(frozen=True)
class InputRow:
    """A channel of a model.

    Attributes:
        group: what stands above the rows of one model; empty where there is only one.
        label: what stands before the selector.
        wants: the kind of image, for the tooltip.
        options: the images there are, whether they fit or not.
        source: what is taken now, None for none.
        reason: why.
        is_chosen: by the user; else by the program.
        is_of_study: the images come from a study of the DICOM database, not from the scene.
    """

    key: ChannelKey
    group: str
    label: str
    wants: str
    options: tuple[InputOption, ...]
    source: Any
    reason: str
    is_chosen: bool
    is_of_study: bool = False


_KINDS = {
    Severity.NOTE: Kind.INFORMATION,
    Severity.WARNING: Kind.WARNING,
    Severity.ASK: Kind.QUESTION,
    Severity.STOP: Kind.ERROR,
}


class InputView:
    """The Input section.

    Args:
        ui: the panel's widgets by name.
        on_choice: gets a channel and the image that the user wants there; None leaves it to the program again.
        on_pick: gets a channel that wants a series of the DICOM database.
        on_scene: wants the images of the scene again, instead of those of a study.
        on_frames: gets which frames of a sequence are wanted.
    """

    def __init__(
        self,
        ui: Any,
        *,
        on_choice: Callable[[ChannelKey, Any], None],
        on_pick: Callable[[ChannelKey], None],
        on_scene: Callable[[], None],
        on_frames: Callable[[Frames], None],
    ) -> None:
        self._ui = ui
        self._on_choice, self._on_pick, self._on_scene, self._on_frames = on_choice, on_pick, on_scene, on_frames
        self._rows: tuple[InputRow, ...] = ()
        self._combos: list[Any] = []
        self._checks: tuple[CheckLine, ...] = ()
        self._check_widgets: list[Any] = []
        ui.allFramesButton.connect("toggled(bool)", self._tell_frames)

    def show(self, rows: Sequence[InputRow], *, frame_count: int, frames: Frames) -> None:
        """Show the channels; ``frame_count`` is that of the sequence that an input belongs to, 0 for none."""
        rows = tuple(rows)
        if [row.key for row in rows] != [row.key for row in self._rows] or not self._combos:
            self._build(rows)
        for combo, row, before in zip(self._combos, rows, (*self._rows, *[None] * len(rows)), strict=False):
            if row != before or combo.count == 0:
                _fill(combo, row)
        self._rows = rows
        self._ui.framesRow.setVisible(frame_count > 1)
        with silent(self._ui.allFramesButton, self._ui.oneFrameButton):
            self._ui.allFramesButton.setText(_("all {count} frames").format(count=frame_count))
            button = self._ui.allFramesButton if frames is Frames.ALL else self._ui.oneFrameButton
            button.setChecked(True)

    def show_checks(self, checks: Sequence[CheckLine]) -> None:
        """Show what does not fit."""
        if tuple(checks) == self._checks:
            return
        self._checks = tuple(checks)
        place = self._ui.inputChecks
        for widget in self._check_widgets:
            place.layout().removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._check_widgets = [_check_widget(place, n, check) for n, check in enumerate(self._checks)]
        for widget in self._check_widgets:
            place.layout().addWidget(widget)

    def _build(self, rows: Sequence[InputRow]) -> None:
        form = self._ui.inputRows.layout()
        while form.rowCount():
            form.removeRow(0)
        self._combos, self._rows, group = [], (), ""
        before = self._ui.inputSection
        for n, row in enumerate(rows):
            if row.group != group:
                group = row.group
                title = qt.QLabel(group, self._ui.inputRows)
                title.objectName = f"inputGroup{n}"
                title.setTextFormat(qt.Qt.PlainText)
                form.addRow(title)
            # A label of another widget takes an ampersand for the mark of a key.
            label = qt.QLabel(f"{row.label}:".replace("&", "&&"), self._ui.inputRows)
            label.objectName = f"inputLabel{n}"
            label.setTextFormat(qt.Qt.PlainText)
            combo = qt.QComboBox(self._ui.inputRows)
            combo.objectName = f"inputSelector{n}"
            combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(8)
            label.setBuddy(combo)
            combo.connect("currentIndexChanged(int)", self._chosen(n))
            form.addRow(label, combo)
            self._combos.append(combo)
            qt.QWidget.setTabOrder(before, combo)
            before = combo
        qt.QWidget.setTabOrder(before, self._ui.oneFrameButton)

    def _chosen(self, place: int) -> Callable[[int], None]:
        def chosen(index: int) -> None:
            row = self._rows[place]
            offset = index - (row.source is None)
            if 0 <= offset < len(row.options):
                self._on_choice(row.key, row.options[offset].source)
                return
            # Until something is chosen the row stays as it was.
            _fill(self._combos[place], row)
            extra = self._combos[place].itemData(index)
            if extra == "database":
                self._on_pick(row.key)
            elif extra == "automatic":
                self._on_choice(row.key, None)
            elif extra == "scene":
                self._on_scene()

        return chosen

    def _tell_frames(self, all_frames: bool) -> None:
        self._on_frames(Frames.ALL if all_frames else Frames.ONE)


def _fill(combo: Any, row: InputRow) -> None:
    with silent(combo):
        combo.clear()
        if row.source is None:
            combo.addItem(_("choose an image"))
        for option in row.options:
            combo.addItem(option.text)
            combo.setItemData(combo.count - 1, as_written(option.tool_tip), qt.Qt.ToolTipRole)
        combo.insertSeparator(combo.count)
        combo.addItem(_("from the DICOM database…"), "database")
        if row.is_of_study:
            combo.addItem(_("from the scene again"), "scene")
        if row.is_chosen:
            combo.addItem(_("choose by itself"), "automatic")
        sources = [option.source for option in row.options]
        combo.setCurrentIndex(sources.index(row.source) if row.source in sources else 0)
    combo.toolTip = as_written(_("{wants}. {reason}").format(wants=row.wants, reason=row.reason))


def _check_widget(place: Any, number: int, check: CheckLine) -> Any:
    widget = qt.QWidget(place)
    widget.objectName = f"inputCheck{number}"
    row = qt.QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(icon_label(widget, _KINDS[check.severity]))
    label = qt.QLabel(check.text, widget)
    label.objectName = f"inputCheckLabel{number}"
    label.setTextFormat(qt.Qt.PlainText)
    label.setWordWrap(True)
    row.addWidget(label, 1)
    return widget
