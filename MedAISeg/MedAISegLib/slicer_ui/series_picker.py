"""A series of Slicer's DICOM database: patient, study, series, inside the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..slicer_io import dicom_database
from ..slicer_io.dicom_database import SeriesRow
from .items import fit_height, key_of, silent, stretch_first_column, tree_item
from .parameters import ChannelKey
from .texts import _, readable_modality


class SeriesPicker:
    """The frame that opens below the inputs.

    Args:
        ui: the panel's widgets by name.
        on_chosen: gets the channel and the series that the user wants there.
        on_study: gets the series of a study among which each channel is to find its own.
    """

    def __init__(
        self,
        ui: Any,
        *,
        on_chosen: Callable[[ChannelKey, SeriesRow], None],
        on_study: Callable[[tuple[SeriesRow, ...]], None],
    ) -> None:
        self._ui, self._on_chosen, self._on_study = ui, on_chosen, on_study
        self._key: ChannelKey = ("", "")
        self._modality = ""
        self._series: dict[str, SeriesRow] = {}
        stretch_first_column(ui.seriesTree)
        ui.pickerFrame.hide()
        ui.patientSelector.connect("currentIndexChanged(int)", self._show_studies)
        ui.studySelector.connect("currentIndexChanged(int)", self._show_series)
        ui.allModalitiesCheckBox.connect("toggled(bool)", self._show_series)
        ui.seriesTree.connect("itemSelectionChanged()", self._enable)
        ui.seriesTree.connect("itemDoubleClicked(QTreeWidgetItem*,int)", self._choose)
        ui.chooseSeriesButton.connect("clicked()", self._choose)
        ui.matchStudyButton.connect("clicked()", self._match_study)
        ui.closePickerButton.connect("clicked()", self.close)

    def open(self, key: ChannelKey, channel: str, modality: str) -> None:
        """Let the user choose a series for a channel that wants a modality (empty for any)."""
        ui = self._ui
        self._key, self._modality = key, modality
        ui.pickerTitleLabel.setText(_("A series of the DICOM database for {channel}").format(channel=channel))
        problem = dicom_database.database_problem(dicom_database.database_state())
        ui.pickerStateLabel.setText(str(problem) if problem else "")
        ui.pickerStateLabel.setVisible(problem is not None)
        ui.pickerChoices.setVisible(problem is None)
        ui.chooseSeriesButton.setVisible(problem is None)
        ui.matchStudyButton.setVisible(problem is None)
        ui.allModalitiesCheckBox.setVisible(bool(modality))
        with silent(ui.patientSelector, ui.allModalitiesCheckBox):
            ui.allModalitiesCheckBox.checked = False
            ui.patientSelector.clear()
            for patient in dicom_database.patients():
                ui.patientSelector.addItem(patient.label, patient.patient)
        ui.pickerFrame.show()
        self._show_studies()
        (ui.patientSelector if problem is None else ui.closePickerButton).setFocus()

    def close(self) -> None:
        self._ui.pickerFrame.hide()
        self._series = {}

    def _show_studies(self) -> None:
        selector = self._ui.studySelector
        patient = self._ui.patientSelector.currentData
        with silent(selector):
            selector.clear()
            for study in dicom_database.studies(str(patient)) if patient is not None else ():
                text = " ".join(part for part in (study.date, study.description) if part)
                selector.addItem(text or _("Unnamed study"), study.study_uid)
        self._show_series()

    def _show_series(self) -> None:
        tree = self._ui.seriesTree
        study = self._ui.studySelector.currentData
        rows = dicom_database.series(str(study)) if study is not None else ()
        everything = bool(self._ui.allModalitiesCheckBox.checked) or not self._modality
        shown = [row for row in rows if everything or row.modality == self._modality]
        self._series = {row.series_uid: row for row in shown}
        tree.clear()
        for row in shown:
            title = dicom_database.series_title(row)
            tree.addTopLevelItem(tree_item([title, row.modality, str(row.instances)], key=row.series_uid))
        if rows and not shown:
            text = _("This study has no {kind} series.").format(kind=readable_modality(self._modality))
            self._ui.pickerStateLabel.setText(text)
        self._ui.pickerStateLabel.setVisible(
            bool(rows and not shown) or not self._ui.pickerChoices.isVisibleTo(self._ui.pickerFrame)
        )
        fit_height(tree, at_least=3, at_most=8)
        if len(shown) == 1:
            tree.setCurrentItem(tree.topLevelItem(0))
        self._enable()

    def _enable(self) -> None:
        self._ui.chooseSeriesButton.enabled = bool(self._ui.seriesTree.selectedItems())
        self._ui.matchStudyButton.enabled = bool(self._series)

    def _match_study(self) -> None:
        rows = tuple(self._series.values())
        self.close()
        self._on_study(rows)

    def _choose(self) -> None:
        selected = self._ui.seriesTree.selectedItems()
        row = self._series.get(key_of(selected[0])) if selected else None
        if row is not None:
            key = self._key
            self.close()
            self._on_chosen(key, row)
