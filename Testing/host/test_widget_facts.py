"""The stand-ins for ctk's and qMRML's widgets do what the genuine widgets were seen to do, and have no member more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from Testing.host import facts

NOT_REPRODUCED = {
    "w003": "the type of a signal object, which is PythonQt's own",
    "w015": "the type of a slot object, likewise",
    "w058": "a name that ctk does not have: the host cannot know, and says that it is not modelled",
    "w059": "a name that a widget does not have: likewise",
    "w060": "likewise, when it is set",
    "w061": "widgets of DICOM browsers and of languages",
}
"""Fact to what of it the host does not have."""

CLASSES_NOT_MODELLED = {
    "ctkErrorLogWidget": "the window of the error log, which no module shows",
    "qMRMLTreeView": "in Slicer itself only subclasses of it are left in use",
}
"""Recorded class to the reason why there is no stand-in."""

OF_ANOTHER_QT = ("html",)
"""Properties of Qt's own classes whose default is another one in Qt 6."""

_SEGMENT_ID = re.compile(r"2\.25\.\d+|S_[A-Za-z0-9]+")


@pytest.fixture
def recorded(shared_data: Path) -> list[dict[str, Any]]:
    file = shared_data.parent / facts.FILE
    if not file.is_file():
        pytest.skip("the recorded facts are not here")
    return list(facts.load_facts(file))


@pytest.fixture
def namespace(slicer_app: Any) -> dict[str, Any]:
    import slicer

    from Testing.host.driver import spin

    return facts.namespace_for(slicer, spin)


def _anonymous(value: Any) -> Any:
    """Segment IDs are other ones each time."""
    if isinstance(value, str):
        return _SEGMENT_ID.sub("<SEGMENT>", value)
    if isinstance(value, list):
        return [_anonymous(each) for each in value]
    if isinstance(value, dict):
        return {key: _anonymous(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize("run", ["b", "c", "e"])
def test_widgets_answer_as_recorded(slicer_app, namespace, recorded, run):
    chosen = [
        fact
        for fact in recorded
        if fact["area"] == "widgets"
        and fact["run"] == run
        and "crashed" not in fact
        and fact["id"] not in NOT_REPRODUCED
    ]
    outcomes = facts.run_facts(chosen, namespace, {namespace["tmp"]: "<TMP>"})
    found = {}
    for fact in chosen:
        outcome = outcomes[fact["id"]]
        same = facts.Outcome(_anonymous(outcome.result), outcome.raised, outcome.printed, outcome.complained)
        found[fact["id"]] = facts.differences(_anonymous(fact), same)
    assert {name: words for name, words in found.items() if words} == {}
    slicer_app.ledger.clear()


def _dumps(recorded: list[dict[str, Any]], area: str) -> dict[str, Any]:
    """Class to its dump, without Qt's own classes."""
    dumps = {fact["id"][3:]: fact["result"] for fact in recorded if fact["area"] == area}
    return {name: dump for name, dump in dumps.items() if not name.startswith("Q")}


def _native(name: str) -> Any:
    from Testing.host.registry import stand_in

    return stand_in(f"{'ctk' if name.startswith('ctk') else 'slicer'}.{name}")


def test_every_recorded_class_is_modelled_or_listed(recorded):
    missing = {name for name in _dumps(recorded, "widgets.properties") if _native(name) is None}
    assert missing == set(CLASSES_NOT_MODELLED)


def _own_properties(kind: Any) -> dict[str, Any]:
    """Properties that the stand-in declares itself, without those of its class in Qt."""
    base = next(each for each in kind.__mro__ if each.__module__.startswith("PySide6"))
    inherited = base.staticMetaObject.propertyCount()
    meta = kind.staticMetaObject
    return {meta.property(i).name(): meta.property(i) for i in range(inherited, meta.propertyCount())}


def test_no_stand_in_has_a_property_that_the_genuine_widget_lacks(recorded):
    extra = {}
    for name, dump in _dumps(recorded, "widgets.properties").items():
        kind = _native(name)
        if kind is not None:
            extra[name] = sorted(set(_own_properties(kind)) - set(dump))
    assert {name: names for name, names in extra.items() if names} == {}


def test_properties_have_the_recorded_defaults_and_can_be_written_where_the_genuine_ones_can(slicer_app, recorded):
    from Testing.host.pythonqt import wrap

    wrong = {}
    for name, dump in _dumps(recorded, "widgets.properties").items():
        kind = _native(name)
        if kind is None:
            continue
        widget = kind()
        for key, wanted in dump.items():
            index = kind.staticMetaObject.indexOfProperty(key)
            if index < 0 or key in OF_ANOTHER_QT:
                continue
            declared = kind.staticMetaObject.property(index)
            value = facts.described(getattr(wrap(widget), key), {})
            comparable = not isinstance(wanted["default"], dict) or "repr" not in wanted["default"]
            if comparable and value != wanted["default"]:
                wrong[f"{name}.{key}"] = f"is {value!r}, should be {wanted['default']!r}"
            elif declared.isWritable() != wanted["writable"]:
                wrong[f"{name}.{key}"] = f"writable is {declared.isWritable()}"
    assert wrong == {}


def test_no_stand_in_has_a_signal_that_the_genuine_widget_lacks(recorded):
    from Testing.host.pythonqt.signals import signals_of

    wrong = {}
    for name, dump in _dumps(recorded, "widgets.metaobject").items():
        kind = _native(name)
        if kind is None:
            continue
        base = next(each for each in kind.__mro__ if each.__module__.startswith("PySide6"))
        own = set(signals_of(kind)) - set(signals_of(base))
        unknown = sorted(signature for signature in own if signature not in dump["signals"])
        missing = sorted(set(dump["signals"]) - set(signals_of(kind)) - _of_qt_5(dump))
        if unknown or missing:
            wrong[name] = {"unknown": unknown, "missing": missing}
    assert wrong == {}


def _of_qt_5(dump: dict[str, Any]) -> set[str]:
    """Signals of Qt 5's own classes that Qt 6 no longer has."""
    gone = {"currentIndexChanged(QString)", "activated(QString)", "highlighted(QString)", "highlighted(QUrl)"}
    return gone & set(dump["signals"])


def _public_methods(kind: Any) -> set[str]:
    own = [base for base in kind.__mro__ if base.__module__.startswith("Testing.")]
    names = {
        name for base in own for name, value in vars(base).items() if callable(value) and not isinstance(value, type)
    }
    base = next(each for each in kind.__mro__ if each.__module__.startswith("PySide6"))
    return {name for name in names if not name.startswith("_") and not hasattr(base, name)}


def test_no_stand_in_has_a_method_that_the_genuine_widget_lacks(recorded):
    from PySide6.QtCore import Property, Signal

    extra = {}
    for name, dump in _dumps(recorded, "widgets.metaobject").items():
        kind = _native(name)
        if kind is None:
            continue
        known = {text.partition("(")[0] for group in ("slots", "invokable") for text in dump.get(group, ())}
        found = {
            method
            for method in _public_methods(kind)
            if not isinstance(getattr(kind, method), (Property, Signal)) and method not in known
        }
        if found:
            extra[name] = sorted(found)
    assert extra == {}
