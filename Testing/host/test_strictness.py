"""What the host does not model fails by name, and what goes wrong behind a module's back fails the test."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from Testing.host.driver import gil, process_events, spin, wait_until
from Testing.host.pythonqt import NotModelled

UI = (
    '<ui version="4.0"><class>T</class><widget class="QWidget" name="T">'
    '<layout class="QVBoxLayout"><item>{item}</item></layout></widget></ui>'
)


def _load(tmp_path: Path, item: str):
    import slicer

    path = tmp_path / "T.ui"
    path.write_text(UI.format(item=item))
    return slicer.util.loadUI(str(path))


def _is_recorded(slicer_app, kind: str) -> bool:
    found = bool(getattr(slicer_app.ledger, kind))
    slicer_app.ledger.clear()
    return found


def test_a_class_that_is_not_modelled_fails(slicer_app):
    import ctk
    import slicer

    with pytest.raises(NotModelled, match="ctkNoSuchWidget"):
        ctk.ctkNoSuchWidget()
    with pytest.raises(NotModelled, match="qMRMLNoSuchWidget"):
        slicer.qMRMLNoSuchWidget()
    assert _is_recorded(slicer_app, "not_modelled")


def test_a_member_of_a_stand_in_that_is_not_modelled_fails(slicer_app):
    import slicer

    widget = slicer.qMRMLWidget()
    with pytest.raises(NotModelled, match=r"qMRMLWidget\.noSuchMember"):
        _ = widget.noSuchMember
    with pytest.raises(NotModelled, match="noSuchMember"):
        widget.noSuchMember = 1
    assert _is_recorded(slicer_app, "not_modelled")


def test_a_member_that_qt_has_not_is_an_ordinary_error(slicer_app):
    import qt

    with pytest.raises(AttributeError, match="QLabel has no attribute named 'noSuchMember'"):
        _ = qt.QLabel().noSuchMember


def test_asking_whether_a_stand_in_has_an_unknown_name_is_recorded(slicer_app):
    import slicer

    assert not hasattr(slicer.qMRMLWidget(), "noSuchMember")
    assert _is_recorded(slicer_app, "not_modelled")


def test_a_name_that_only_qt_6_has_is_not_there(slicer_app):
    import qt

    assert not hasattr(qt.QFormLayout(), "setRowVisible")


def test_a_signal_that_only_qt_5_has_works_and_is_recorded(slicer_app):
    import qt

    box, texts = qt.QComboBox(), []
    box.connect("currentIndexChanged(QString)", texts.append)
    box.addItems(["a", "b"])
    assert texts == ["a"]
    assert slicer_app.ledger.qt5_only == ["signal currentIndexChanged(QString) of QComboBox"]


def test_an_unknown_class_in_a_ui_file_fails(slicer_app, tmp_path):
    with pytest.raises(NotModelled, match="ctkNoSuchWidget"):
        _load(tmp_path, '<widget class="ctkNoSuchWidget" name="w"/>')
    assert _is_recorded(slicer_app, "not_modelled")


def test_an_unknown_property_of_a_stand_in_in_a_ui_file_fails(slicer_app, tmp_path):
    item = '<widget class="qMRMLWidget" name="w"><property name="noSuch"><bool>true</bool></property></widget>'
    with pytest.raises(NotModelled, match="noSuch"):
        _load(tmp_path, item)
    assert _is_recorded(slicer_app, "not_modelled")


def test_a_connection_in_a_ui_file_is_made(slicer_app, tmp_path):
    import slicer

    path = tmp_path / "T.ui"
    path.write_text(
        '<ui version="4.0"><class>T</class><widget class="qMRMLWidget" name="T"><layout class="QVBoxLayout"><item>'
        '<widget class="qMRMLWidget" name="inner"/></item></layout></widget><connections><connection>'
        "<sender>T</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>"
        "<receiver>inner</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"
    )
    widget = slicer.util.loadUI(str(path))
    ui = slicer.util.childWidgetVariables(widget)
    widget.setMRMLScene(slicer.mrmlScene)
    assert ui.inner.mrmlScene() is slicer.mrmlScene


def test_an_exception_in_a_slot_is_recorded_and_the_next_slot_runs(slicer_app):
    import qt

    button, seen = qt.QPushButton(), []
    button.connect("clicked()", lambda: 1 / 0)
    button.connect("clicked()", lambda: seen.append(1))
    button.click()
    assert seen == [1]
    assert "ZeroDivisionError" in slicer_app.ledger.exceptions[0]
    slicer_app.ledger.clear()


def test_an_exception_in_an_observer_is_recorded(slicer_app):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    node.AddObserver("ModifiedEvent", lambda *_: 1 / 0)
    node.Modified()
    assert "ZeroDivisionError" in slicer_app.ledger.exceptions[0]
    slicer_app.ledger.clear()


def test_mrml_touched_by_another_thread_is_recorded(slicer_app):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    thread = threading.Thread(target=lambda: node.SetName("from a thread"))
    thread.start()
    thread.join()
    assert any("vtkMRMLModelNode" in text for text in slicer_app.ledger.off_thread)
    slicer_app.ledger.clear()


def test_another_thread_starves_while_the_application_is_idle(slicer_app):
    count, stop = [0], threading.Event()

    def work() -> None:
        while not stop.wait(0.001):
            count[0] += 1

    def counted_while_idle() -> int:
        before = count[0]
        spin(0.3)
        return count[0] - before

    thread = threading.Thread(target=work)
    thread.start()
    try:
        starved = counted_while_idle()
        # The heartbeat of the outer loop may let it run once.
        assert starved < 10
        with gil(held=False):
            # Other processes may leave it no processor for a while.
            assert any(counted_while_idle() > 5 * max(starved, 1) for _ in range(50))
    finally:
        stop.set()
        thread.join()


def test_another_thread_runs_while_a_timer_runs_python(slicer_app):
    import qt

    done = threading.Event()
    thread = threading.Thread(target=done.set)
    timer = qt.QTimer()
    timer.timeout.connect(done.is_set)
    timer.start(20)
    thread.start()
    wait_until(done.is_set, timeout=60)
    thread.join()


def test_delete_later_waits_until_the_present_event_is_done(slicer_app):
    import qt

    dialog = qt.QDialog()
    dialog.deleteLater()
    qt.QTimer.singleShot(20, dialog.accept)
    assert dialog.exec_() == 1
    assert dialog
    process_events()
