"""Modal dialogs are answered by the test, or fail it; they never hang it."""

from __future__ import annotations

import pytest

from Testing.host.application import dialogs


def test_a_question_gets_the_answer_that_waits(slicer_app):
    import qt
    import slicer

    slicer_app.answer(qt.QMessageBox.No)
    assert qt.QMessageBox.question(slicer.util.mainWindow(), "t", "q") == qt.QMessageBox.No
    assert slicer_app.dialogs_shown == ["q"]


def test_a_button_is_pressed_by_its_text(slicer_app):
    import qt

    box = qt.QMessageBox()
    box.setText("Choose")
    mine = box.addButton("Mine", qt.QMessageBox.AcceptRole)
    box.addButton("Other", qt.QMessageBox.RejectRole)
    slicer_app.answer("Mine")
    box.exec_()
    assert box.clickedButton() == mine


def test_a_dialog_is_given_to_the_test_when_it_is_shown(slicer_app):
    import qt

    dialog = qt.QDialog()
    seen = []
    slicer_app.answer(lambda shown: (seen.append(shown.visible), shown.accept()))
    assert dialog.exec_() == 1
    assert seen == [True]


def test_slicers_own_confirmation_is_answered(slicer_app):
    import slicer

    slicer_app.answer("OK")
    assert slicer.util.confirmOkCancelDisplay("Go on?")


@pytest.mark.parametrize("slicer_app", [{"testing": True}], indirect=True)
def test_testing_mode_shows_no_dialog(slicer_app):
    import slicer

    # That it is not confirmed either was recorded in the application.
    assert not slicer.util.confirmYesNoDisplay("Go on?")
    assert slicer_app.dialogs_shown == []


def test_a_file_dialog_returns_what_waits(slicer_app):
    import qt

    slicer_app.answer("/a/b.nrrd")
    assert qt.QFileDialog.getOpenFileName(None, "Open") == "/a/b.nrrd"


def test_a_dialog_that_nobody_answers_is_closed_and_recorded(slicer_app, monkeypatch):
    import qt

    monkeypatch.setattr(dialogs, "patience", 0.1)
    box = qt.QMessageBox()
    box.setText("Anybody there?")
    box.exec_()
    assert slicer_app.ledger.unanswered == ["Anybody there?"]
    slicer_app.ledger.clear()


def test_a_wrong_answer_is_recorded_and_does_not_hang(slicer_app):
    import qt

    slicer_app.answer("No such button")
    box = qt.QMessageBox()
    box.setStandardButtons(qt.QMessageBox.Ok)
    box.exec_()
    assert "No such button" in slicer_app.ledger.exceptions[0]
    slicer_app.ledger.clear()


@pytest.mark.parametrize("slicer_app", [{"testing": True, "main_window": False}], indirect=True)
def test_without_a_main_window_there_is_none(slicer_app):
    import slicer

    assert slicer.util.mainWindow() is None
    assert slicer.app.testingEnabled()
