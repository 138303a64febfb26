"""Signals: connected by signature or by attribute, each slot with the arguments that PythonQt gives it."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import shiboken6
from PySide6.QtCore import SIGNAL, QMetaMethod, QMetaObject, QObject

from .conversion import keep_while_alive, wrap
from .errors import LEDGER, NotModelled
from .methods import builtin_qt_slot, live_native
from .qt5 import Qt5Signal, qt5_signal

ALL_SIGNALS_RECORDED = frozenset({
    "ctkCheckBox", "ctkCheckableComboBox", "ctkCollapsibleButton", "ctkCollapsibleGroupBox", "ctkComboBox",
    "ctkDirectoryButton", "ctkDoubleSlider", "ctkDoubleSpinBox", "ctkErrorLogWidget", "ctkFittedTextBrowser",
    "ctkMenuButton", "ctkMessageBox", "ctkPathLineEdit", "ctkPushButton", "ctkRangeWidget", "ctkSearchBox",
    "ctkSliderWidget", "qMRMLCheckableNodeComboBox", "qMRMLMarkupsROIWidget", "qMRMLNodeComboBox",
    "qMRMLSegmentEditorWidget", "qMRMLSegmentSelectorWidget", "qMRMLSegmentationShow3DButton",
    "qMRMLSegmentsTableView", "qMRMLSliderWidget", "qMRMLSpinBox", "qMRMLSubjectHierarchyComboBox",
    "qMRMLSubjectHierarchyTreeView", "qMRMLTreeView", "qMRMLVolumeThresholdWidget", "qMRMLWidget",
})  # fmt: skip
"""Stand-ins whose every signal is known from the application: any other does not exist there either."""
_CONNECTIONS = "_pythonqt_connections"


@dataclass(frozen=True)
class SignalSignature:
    """``seen``: the C++ signature that modules know; ``native``: PySide6's for the same signal."""

    seen: str
    native: str


def signals_of(kind: type) -> dict[str, SignalSignature]:
    """All signals of a class by the C++ signature, those of the base classes last."""
    found = kind.__dict__.get("_pythonqt_signals")
    if found is None:
        found = _collect(kind)
        kind._pythonqt_signals = found  # type: ignore[attr-defined]
    return found


def _collect(kind: type) -> dict[str, SignalSignature]:
    meta: QMetaObject = kind.staticMetaObject  # type: ignore[attr-defined]
    declared = [text for base in kind.__mro__ for text in base.__dict__.get("CXX_SIGNALS", ())]
    found: dict[str, SignalSignature] = {}
    for index in reversed(range(meta.methodCount())):
        method = meta.method(index)
        if method.methodType() is not QMetaMethod.MethodType.Signal:
            continue
        native = bytes(method.methodSignature().data()).decode()
        if "PyObject" in native:
            name, count = native.partition("(")[0], native.count("PyObject")
            for text in declared:
                cxx = normalized(text)
                if cxx.partition("(")[0] == name and cxx.count(",") == native.count(",") and count:
                    found.setdefault(cxx, SignalSignature(cxx, native))
        else:
            found.setdefault(native, SignalSignature(native, native))
    return found


def normalized(signature: str) -> str:
    return bytes(QMetaObject.normalizedSignature(signature).data()).decode()


class Relay:
    """The slot that Qt calls; it trims the arguments, and prints and records what the callable raises."""

    def __init__(self, callable_: Callable[..., Any], adapt: Callable[..., tuple[Any, ...]] | None = None) -> None:
        self.callable = callable_
        self.limit = argument_limit(callable_)
        self.adapt = adapt

    def __call__(self, *arguments: Any) -> None:
        if self.adapt is not None:
            arguments = self.adapt(*arguments)
        taken = arguments if self.limit is None else arguments[: self.limit]
        try:
            self.callable(*(wrap(each) for each in taken))
        except BaseException:  # noqa: BLE001  PythonQt prints whatever a slot raises
            LEDGER.record_exception()


def argument_limit(callable_: Any) -> int | None:
    """How many arguments PythonQt leaves; None for all, as partials and callable objects get them."""
    if isinstance(callable_, builtin_qt_slot):
        return _limit_of_slot(callable_)
    bound = isinstance(callable_, types.MethodType)
    function = callable_.__func__ if bound else callable_
    if not isinstance(function, types.FunctionType) or function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return max(function.__code__.co_argcount - bound, 0)


def _limit_of_slot(slot: builtin_qt_slot) -> int | None:
    from .overloads import overloads_of

    native = slot._wrapper.__dict__.get("_native") if slot._wrapper is not None else None
    function = getattr(type(native), slot._name, None)
    overloads = overloads_of(function) if function is not None and callable(function) else ()
    return max((len(each.parameters) for each in overloads), default=None)


def connect(wrapper: Any, signature: str, callable_: Any) -> bool:
    """False, as PythonQt returns, for a signal that the object has not; that is recorded."""
    native = live_native(wrapper, "connect a signal of")
    wanted = normalized(signature)
    known = signals_of(type(native)).get(wanted)
    old = qt5_signal(type(native), wanted) if known is None else None
    if known is None and old is None:
        name = wrapper.className()
        if name.startswith(("q", "ctk")) and name not in ALL_SIGNALS_RECORDED:
            raise NotModelled(f"signal {signature} of {name}")
        LEDGER.unknown_signals.append(f"{signature} of {name}")
        return False
    if not callable(callable_):
        return True
    adapt = None
    if old is not None:
        LEDGER.qt5_only.append(f"signal {wanted} of {wrapper.className()}")
        known, adapt = SignalSignature(wanted, old.native), _adapter(native, old)
    assert known is not None
    relay = Relay(callable_, adapt)
    QObject.connect(native, SIGNAL(known.native), relay)
    _records(native).append((wanted, callable_, known.native, relay))
    return True


def _adapter(native: QObject, old: Qt5Signal) -> Callable[..., tuple[Any, ...]]:
    return lambda *arguments: old.adapt(native, *arguments)


def disconnect(wrapper: Any, signature: str, callable_: Any = None) -> bool:
    """Without a callable all of the signal's are removed; False if there was none."""
    native = live_native(wrapper, "disconnect a signal of")
    wanted = normalized(signature)
    records = _records(native)
    chosen = [each for each in records if each[0] == wanted and (callable_ is None or each[1] == callable_)]
    for record in chosen:
        QObject.disconnect(native, SIGNAL(record[2]), record[3])
        records.remove(record)
    return bool(chosen)


def _records(native: QObject) -> list[tuple[str, Any, str, Relay]]:
    records: list[tuple[str, Any, str, Relay]] | None = native.__dict__.get(_CONNECTIONS)
    if records is None:
        records = []
        native.__dict__[_CONNECTIONS] = records
        if not shiboken6.createdByPython(native):
            # Its Python side remembers the connections.
            keep_while_alive(native)
    return records


def forget_connections(native: QObject) -> None:
    """Takes off what modules connected: the application object outlives each start."""
    for _signature, _callable, signal, relay in _records(native):
        QObject.disconnect(native, SIGNAL(signal), relay)
    _records(native).clear()


class Signal:
    """A signal of one object; the first declared signature is the one that ``connect`` takes."""

    def __init__(self, name: str, owner: str, wrapper: Any) -> None:
        self._name, self._owner, self._wrapper = name, owner, wrapper

    def _signature(self) -> str:
        native = live_native(self._wrapper, "use a signal of")
        mine = [text for text in signals_of(type(native)) if text.partition("(")[0] == self._name]
        return next((text for text in reversed(mine)), f"{self._name}()")

    def connect(self, callable_: Any) -> bool:
        return connect(self._wrapper, self._signature(), callable_)

    def disconnect(self, callable_: Any = None) -> bool:
        return disconnect(self._wrapper, self._signature(), callable_)

    def emit(self, *arguments: Any) -> None:
        from .conversion import unwrap

        native = live_native(self._wrapper, "emit a signal of")
        getattr(native, self._name).emit(*(unwrap(each) for each in arguments))

    __call__ = emit

    def __repr__(self) -> str:
        return f"<qt signal {self._name} of {self._owner} instance at {id(self._wrapper):#x}>"
