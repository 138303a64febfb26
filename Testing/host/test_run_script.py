"""``run.py`` says by its exit status what became of a module."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
MODULE = Path(__file__).parents[2] / "MedAISeg"
SOURCE = """
import ctk, qt, slicer
from slicer.ScriptedLoadableModule import *

class Example(ScriptedLoadableModule):
    pass

class ExampleWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.layout.addWidget(qt.QPushButton("Apply"))
        {statement}
"""


def _run(folder: Path, statement: str, *options: str) -> subprocess.CompletedProcess[str]:
    file = folder / "Example.py"
    file.write_text(SOURCE.format(statement=statement))
    command = [sys.executable, str(RUN), str(file), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.host
@pytest.mark.parametrize(
    ("statement", "status", "said"),
    [
        ("pass", 0, ""),
        ("ctk.ctkNoSuchWidget()", 3, "not modelled: ctk.ctkNoSuchWidget"),
        ("slicer.qMRMLWidget().noSuchMember", 3, "not modelled: qMRMLWidget.noSuchMember"),
        ("qt.QTimer.singleShot(0, lambda: slicer.qMRMLWidget().noSuch); slicer.app.processEvents()", 3, "noSuch"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("qt.QLabel().noSuchMember", 1, "QLabel has no attribute named 'noSuchMember'"),
        ("slicer.util.confirmYesNoDisplay('Really?')", 0, "a dialog was shown: Really?"),
        ("import github; slicer.done = github.Github", 0, ""),
        ("import github; github.Github()", 3, "not modelled: github.Github"),
        ("slicer.util.pip_install('anything')", 3, "not modelled: slicer.util.pip_install"),
    ],
)
def test_the_status_tells_fine_crash_and_not_modelled_apart(tmp_path, statement, status, said):
    done = _run(tmp_path, statement)
    assert done.returncode == status, done.stderr
    assert said in done.stderr


@pytest.mark.host
def test_the_panel_is_drawn_as_wide_as_asked_with_text_that_can_be_read(tmp_path):
    from PySide6.QtGui import QImage

    picture = tmp_path / "panel.png"
    for look in ([], ["--dark"]):
        done = _run(tmp_path, "pass", "--screenshot", str(picture), "--width", "420", *look)
        assert done.returncode == 0, done.stderr
        image = QImage(str(picture))
        assert image.width() == 420
        colors = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
        assert len(colors) > 20


@pytest.mark.host
def test_the_module_is_shown_from_a_folder_with_a_space_and_an_umlaut_that_cannot_be_written(tmp_path):
    folder = shutil.copytree(MODULE, tmp_path / "mö dul x", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    own = {"PYTHONPATH": str(folder), "MEDAISEG_HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    picture = tmp_path / "Bild ü.png"
    command = [sys.executable, str(RUN), str(folder / "MedAISeg.py"), "--screenshot", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **own})
    for path in everything:
        path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 10_000
    assert sorted(folder.rglob("*")) == sorted(everything[1:])
