"""The segments as they are now, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import qt

from ..core.classification import ImageClasses
from ..slicer_io.class_table import ATTRIBUTE, TABLE_CLASS
from .class_view import ClassView, class_table
from .items import Switch, colour_icon, fit_height, silent, stretch_first_column, tree_item
from .messages import MessageView
from .texts import _, as_written


@dataclass(frozen=True)
class ResultLine:
    """A segment; ``volume_ml`` and ``mean`` are None where they are not known for it as it is now."""

    name: str
    color_rgb: tuple[int, int, int]
    volume_ml: float | None
    mean: float | None
    state: str


@dataclass(frozen=True)
class Results:
    """What the section shows.

    Attributes:
        hint: a sentence where there is no table.
        not_found: names that the model looked for in vain.
        is_stale: volumes and means have to be computed again.
        why_no_dicom: why DICOM SEG cannot be written; empty where it can.
        why_no_revert: why the last run cannot be taken back; empty where it can.
        provenance: rich text.
        images: of a classification, which has no lines.
        why_no_segments: why there is nothing to show in 3D, to edit or to export; empty where there may be.
    """

    node: Any
    lines: tuple[ResultLine, ...] = ()
    images: tuple[ImageClasses, ...] = ()
    why_no_segments: str = ""
    hint: str = ""
    not_found: tuple[str, ...] = ()
    is_stale: bool = False
    is_shown_in_3d: bool = False
    why_no_dicom: str = ""
    why_no_revert: str = ""
    provenance: str = ""


class ExportKind(Enum):
    """The entries of the export menu."""

    DICOM_DATABASE = "dicom database"
    DICOM_FOLDER = "dicom-seg"
    NIFTI = "nifti"
    NRRD = "seg.nrrd"
    STL = "stl"
    OBJ = "obj"
    TABLE = "tables"


class ResultActions(Protocol):
    """What the buttons ask for."""

    def choose_result(self, node: Any) -> None: ...

    def show_in_3d(self, is_wanted: bool) -> None: ...

    def edit_result(self) -> None: ...

    def export_result(self, kind: ExportKind) -> None: ...

    def recompute_result(self) -> None: ...

    def revert_run(self) -> None: ...


class ResultsView:
    """The Results section."""

    def __init__(self, ui: Any, actions: ResultActions) -> None:
        self._ui = ui
        self.messages = MessageView(ui.resultMessages, "resultMessage", ui.revertButton)
        self._shown: tuple[ResultLine, ...] | None = None
        self._images: tuple[ImageClasses, ...] = ()
        self._classes = ClassView(ui)
        self._segments = Switch(ui.show3DButton, ui.editButton, ui.exportButton, ui.recomputeButton)
        self._menu = qt.QMenu(ui.exportButton)
        self._menu.objectName = "exportMenu"
        self._menu.toolTipsVisible = True
        self._dicom_actions = self._fill_menu(actions)
        ui.exportButton.setMenu(self._menu)
        stretch_first_column(ui.resultTree)
        # Other tables of the scene are nobody's result here.
        ui.resultSelector.addAttribute(TABLE_CLASS, ATTRIBUTE)
        ui.resultSelector.connect("currentNodeChanged(vtkMRMLNode*)", actions.choose_result)
        ui.show3DButton.connect("toggled(bool)", actions.show_in_3d)
        ui.editButton.connect("clicked()", actions.edit_result)
        ui.copyTableButton.connect("clicked()", self._copy)
        ui.recomputeButton.connect("clicked()", actions.recompute_result)
        ui.revertButton.connect("clicked()", actions.revert_run)

    def show(self, results: Results) -> None:
        """Show a segmentation's segments, or the classes of images."""
        ui = self._ui
        if ui.resultSelector.currentNode() is not results.node:
            with silent(ui.resultSelector):
                ui.resultSelector.setCurrentNode(results.node)
        if results.lines != self._shown:
            self._shown = results.lines
            self._fill(results.lines)
        has_lines = bool(results.lines)
        ui.resultTree.setVisible(has_lines)
        ui.resultHintLabel.setText(results.hint)
        ui.resultHintLabel.setVisible(bool(results.hint))
        ui.notFoundLabel.setText(_("Not found: {names}").format(names=", ".join(results.not_found)))
        ui.notFoundLabel.setVisible(bool(results.not_found))
        self._images = results.images
        self._classes.show(results.images)
        self._segments.set(results.why_no_segments, enabled=has_lines)
        ui.copyTableButton.enabled = has_lines or bool(results.images)
        ui.recomputeButton.setVisible(has_lines and results.is_stale)
        with silent(ui.show3DButton):
            ui.show3DButton.checked = results.is_shown_in_3d
        ui.revertButton.enabled = not results.why_no_revert
        ui.revertButton.toolTip = as_written(results.why_no_revert) or _(
            "Brings back the segments as they were before the last run"
        )
        for action in self._dicom_actions:
            action.setEnabled(not results.why_no_dicom)
            action.setToolTip(as_written(results.why_no_dicom) or _("With the source images' patient and study"))
        ui.provenanceLabel.setText(results.provenance)
        ui.provenanceFrame.setVisible(bool(results.provenance))

    def table(self) -> str:
        """The table as tab-separated lines, for a spreadsheet."""
        if self._images:
            return class_table(self._images)
        lines = [(_("Segment"), _("Volume (mL)"), _("Mean"), _("State"))]
        lines += [(line.name, _number(line.volume_ml), _number(line.mean), line.state) for line in self._shown or ()]
        return "\n".join("\t".join(cell.replace("\t", " ") for cell in line) for line in lines)

    def _fill_menu(self, actions: ResultActions) -> tuple[Any, ...]:
        texts = {
            ExportKind.DICOM_DATABASE: _("DICOM segmentation into the DICOM database"),
            ExportKind.DICOM_FOLDER: _("DICOM segmentation to a folder…"),
            ExportKind.NIFTI: _("NIfTI label image…"),
            ExportKind.NRRD: _("NRRD, Slicer's own (.seg.nrrd)…"),
            ExportKind.STL: _("Surfaces, STL…"),
            ExportKind.OBJ: _("Surfaces, OBJ…"),
            ExportKind.TABLE: _("Table of volumes and means, CSV…"),
        }
        entries = []
        for kind, text in texts.items():
            action = qt.QAction(text, self._menu)
            action.setObjectName(f"export{kind.name.title().replace('_', '')}Action")
            action.connect("triggered()", _calling(actions.export_result, kind))
            self._menu.addAction(action)
            entries.append(action)
        return tuple(entries[:2])

    def _fill(self, lines: Sequence[ResultLine]) -> None:
        tree = self._ui.resultTree
        tree.clear()
        for line in lines:
            item = tree_item([line.name, _number(line.volume_ml), _number(line.mean), line.state])
            item.setIcon(0, colour_icon(line.color_rgb))
            for column in (1, 2):
                item.setTextAlignment(column, qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            tree.addTopLevelItem(item)
        fit_height(tree, at_least=2, at_most=12)

    def _copy(self) -> None:
        qt.QApplication.clipboard().setText(self.table())


def _calling(action: Callable[[ExportKind], None], kind: ExportKind) -> Callable[[], None]:
    # A default argument would be overwritten by what the signal carries.
    return lambda: action(kind)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
