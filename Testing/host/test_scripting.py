"""The recipes for Slicer's Python console run as they are written, on the real worker."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from MedAISegLib.slicer_io import session as session_module

from Testing.classifiers import write_classifier
from Testing.host.driver import wait_until

pytest.importorskip("torch", reason="torch is not installed")
pytestmark = [pytest.mark.engine, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def console(slicer_app, tmp_path, monkeypatch):
    """A Python console in which recipes are run; gives its names."""
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    monkeypatch.chdir(tmp_path)
    slicer_app.load_module(ROOT / "MedAISeg" / "MedAISeg.py")
    slicer_app.startup_completed()
    shutil.copytree(ROOT / "MedAISeg" / "Resources" / "Models" / "hippocampus", tmp_path / "archived" / "mine")
    shutil.make_archive("my-model", "zip", tmp_path / "archived", "mine")
    write_classifier(tmp_path / "density-classes")
    names = {"slicer": slicer_app.slicer}
    yield names
    session_module.close_session()


def recipes():
    text = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
    section = text.partition("## In Slicer's Python console")[2].partition("## Outside Slicer")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_the_recipes_run_as_they_are_written(console, tmp_path, capsys):
    for number, recipe in enumerate(recipes()):
        exec(compile(recipe, f"recipe {number + 1}", "exec"), console)
    wait_until(lambda: all(run.is_finished for run in console["logic"].session.runs), timeout=120)
    said = capsys.readouterr().out
    assert "Anterior hippocampus: " in said
    assert "done " in said
    assert "mine ready" in said
    assert "['fits']" in said
    assert "('A', 'B')" in said
    assert f"{console['table'].GetTable().GetNumberOfRows()} images" in said
    assert sum(c.probability for c in console["classified"].images[0].classes) == pytest.approx(1)
    assert console["run"].error is None
    assert {path.name for path in console["files"]} >= {"segmentation.nii.gz", "segmentation.seg.nrrd"}
    assert all(path.is_file() for path in console["files"])
    assert console["anterior"].GetSegmentation().GetNumberOfSegments() == 1
