"""Classes of Qt that a module subclasses in Python."""

from __future__ import annotations

import gc

from Testing.host.driver import process_events, spin


def test_an_overridden_event_is_called_and_can_call_the_base(slicer_app):
    import qt

    class Label(qt.QLabel):
        def __init__(self):
            super().__init__("text")
            self.sizes = []

        def resizeEvent(self, event):
            self.sizes.append(event.size().width())
            super().resizeEvent(event)

    label = Label()
    label.resize(123, 20)
    label.show()
    process_events()
    assert 123 in label.sizes
    assert label.text == "text"


def test_an_event_filter_sees_wrapped_objects(slicer_app):
    import qt

    seen = []

    class Filter(qt.QObject):
        def eventFilter(self, watched, event):
            seen.append((watched, event.type()))
            return False

    watcher, label = Filter(), qt.QLabel("a")
    label.installEventFilter(watcher)
    label.show()
    process_events()
    assert any(thing is label and kind == qt.QEvent.Show for thing, kind in seen)


def test_an_exception_in_an_override_is_recorded(slicer_app):
    import qt

    class Label(qt.QLabel):
        def resizeEvent(self, event):
            raise ValueError("in an event")

    label = Label()
    label.show()
    label.resize(50, 50)
    process_events()
    assert "in an event" in slicer_app.ledger.exceptions[0]
    slicer_app.ledger.clear()


def test_python_attributes_live_as_long_as_the_widget(slicer_app):
    import qt

    class Label(qt.QLabel):
        pass

    parent = qt.QWidget()
    child = Label(parent)
    child.mine = 5
    del child
    gc.collect()
    assert parent.children()[0].mine == 5


def test_a_layout_keeps_what_is_added_to_it(slicer_app):
    import qt

    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    for text in "abc":
        layout.addWidget(qt.QLabel(text))
    gc.collect()
    assert [layout.itemAt(index).widget().text for index in range(layout.count())] == ["a", "b", "c"]


def test_a_widget_without_a_parent_dies_with_its_last_reference(slicer_app):
    import qt

    gone = []
    label = qt.QLabel("a")
    label.connect("destroyed()", lambda: gone.append(1))
    del label
    gc.collect()
    spin(0.01)
    assert gone == [1]


def test_a_mixin_beside_a_widget_is_constructed(slicer_app):
    import qt
    from slicer.util import VTKObservationMixin

    class Panel(qt.QWidget, VTKObservationMixin):
        def __init__(self):
            qt.QWidget.__init__(self)
            VTKObservationMixin.__init__(self)

    panel = Panel()
    assert panel.Observations == []


def test_a_model_in_python_feeds_a_view(slicer_app):
    import qt

    class Model(qt.QAbstractTableModel):
        def rowCount(self, parent=None):
            return 2

        def columnCount(self, parent=None):
            return 1

        def data(self, index, role):
            return f"row {index.row()}" if role == qt.Qt.DisplayRole else None

    model, view = Model(), qt.QTableView()
    view.setModel(model)
    assert model.index(1, 0).data() == "row 1"
    assert view.model() is model


def test_a_subclass_without_a_parent_dies_with_its_last_reference(slicer_app):
    import qt

    class Label(qt.QLabel):
        pass

    gone = []
    label = Label()
    label.connect("destroyed()", lambda: gone.append(1))
    del label
    spin(0.01)
    assert gone == [1]
