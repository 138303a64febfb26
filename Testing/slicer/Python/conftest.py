"""The tests of this folder are for ctest and the application; here each runs in the emulated one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

MODULE = Path(__file__).parents[3] / "MedAISeg" / "MedAISeg.py"


@pytest.fixture(autouse=True)
def application(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Started as ctest starts it: in testing mode, without a main window, the module among the loaded ones."""
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    pytest.importorskip("PySide6")
    pytest.importorskip("slicer_core")
    from Testing.host.application.host import Host

    host = Host(testing=True, main_window=False)
    # It is the main window that makes it.
    host.application._managers["layoutManager"] = None
    try:
        host.load_module(MODULE)
        host.startup_completed()
        yield
        host.quit()
        failures = host.ledger.failures()
    finally:
        host.stop()
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.host)
