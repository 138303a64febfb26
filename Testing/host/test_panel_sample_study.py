"""What a newcomer does: open the module, try it, apply, edit, export; with the real model in a real worker."""

from __future__ import annotations

import sys

import pytest

from Testing.host.driver import wait_until
from Testing.host.panel import open_panel
from Testing.host.runs_in_scene import segment_names, segmentations

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HEAVY = ("torch", "monai", "highdicom")


@pytest.fixture
def panel(slicer_app, monkeypatch, tmp_path):
    from MedAISegLib.slicer_io import session

    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    opened = open_panel(slicer_app)
    yield opened
    slicer_app.quit()
    session.close_session()


def test_from_the_first_start_to_an_export(panel, tmp_path, monkeypatch):
    import qt
    import slicer

    before = {name for name in HEAVY if name in sys.modules}
    assert panel.ui.welcomeFrame.visible
    panel.click("tryItButton")
    panel.settle()
    assert not panel.ui.welcomeFrame.visible
    assert panel.ui.applyButton.enabled
    panel.click("applyButton")
    panel.wait_for_runs()
    (node,) = segmentations(panel.host.scene)
    assert segment_names(node) == ["Anterior hippocampus", "Posterior hippocampus"]
    volumes_ml = [float(row[1]) for row in panel.rows("resultTree")]
    assert all(0.5 < volume_ml < 5 for volume_ml in volumes_ml)
    assert "Hippocampus T1 MR segmentation" in panel.ui.provenanceLabel.text
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path), raising=False)
    actions = {action.text: action for action in panel.ui.exportButton.menu().actions()}
    actions["NIfTI label image…"].trigger()
    wait_until(lambda: "Written to" in panel.message("result"), timeout=200)
    assert list(tmp_path.glob("*.nii.gz"))
    panel.click("editButton")
    assert slicer.util.selectedModule() == "SegmentEditor"
    assert {name for name in HEAVY if name in sys.modules} == before
