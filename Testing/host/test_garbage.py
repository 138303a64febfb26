"""Objects of Qt go in the main thread: not where Python's garbage collector happens to run."""

from __future__ import annotations

import gc
import threading
import weakref

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from Testing.host.pythonqt import unwrap


class _Knot:
    """Refers to itself, so that only the collector takes it."""

    def __init__(self, native: QObject) -> None:
        self.native, self.itself = native, self


def _allocate_in_a_thread():
    """As much as makes the collector run of itself."""
    kept: list[list[int]] = []
    thread = threading.Thread(target=lambda: kept.extend([n] for n in range(10 * gc.get_threshold()[0])))
    thread.start()
    thread.join()


def test_a_reader_thread_does_not_take_what_the_main_thread_has_let_go(slicer_app):
    widget = QWidget()
    forgotten = weakref.ref(_Knot(widget))
    _allocate_in_a_thread()
    assert forgotten() is not None
    gc.collect()
    assert forgotten() is None


def test_the_collector_is_on_again_when_the_application_has_ended(slicer_app):
    assert not gc.isenabled()
    slicer_app.stop()
    assert gc.isenabled()


def test_panels_and_dialogs_are_gone_with_the_application_whoever_knows_them(slicer_app):
    import qt

    editor = slicer_app.enter("SegmentEditor").editor
    slicer_app.enter("Data")
    dialog = qt.QDialog()
    known = [unwrap(editor), unwrap(editor).window(), unwrap(dialog), slicer_app.main_window]
    slicer_app.stop()
    assert [shiboken6.isValid(each) for each in known] == [False] * len(known)
    assert [each for each in QApplication.topLevelWidgets() if each.parent() is None] == []
