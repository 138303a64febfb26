"""The emulated application as a fixture: a fresh scene and fresh settings for each test, one QApplication for all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def slicer_app(request: pytest.FixtureRequest) -> Iterator[object]:
    """A started application (``Testing.host.application.host.Host``).

    The test fails at its end if anything was not modelled, a slot raised, MRML was touched off the main thread, a
    signal did not exist or a dialog was left unanswered; a test that wants one of these clears ``slicer_app.ledger``.
    ``@pytest.mark.parametrize("slicer_app", [{"testing": True}], indirect=True)`` passes options of ``Host``.
    """
    pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    pytest.importorskip("slicer")
    from Testing.host.application.host import Host

    host = Host(**getattr(request, "param", {}))
    try:
        yield host
    finally:
        host.stop()
    failures = host.ledger.failures()
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


@pytest.fixture
def scene(slicer_app):
    return slicer_app.scene


@pytest.fixture
def volume(scene):
    """A volume in the scene in which the small worker's model finds something."""
    from Testing.host.runs_in_scene import bright_volume

    return bright_volume(scene)


@pytest.fixture
def session(slicer_app, monkeypatch):
    """The session of the process, with a small worker that thresholds instead of the real one."""
    from MedAISegLib.slicer_io import session as session_module
    from MedAISegLib.slicer_io import worker_link

    from Testing.host.runs_in_scene import threshold_command

    monkeypatch.setattr(worker_link, "worker_command", threshold_command)
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    yield session_module.session()
    session_module.close_session()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test of the application in the application's event loop."""
    if "slicer_app" not in pyfuncitem.fixturenames:
        return None
    from Testing.host.application.loop import inside_loop

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    inside_loop(lambda: pyfuncitem.obj(**arguments))
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "slicer_app" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.host)
