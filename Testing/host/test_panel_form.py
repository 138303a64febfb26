"""The panel as a form: it fits beside the views, reads in the keyboard's order, and explains each of its widgets."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)

from Testing.host.panel import MODULE, ROOT, panel
from Testing.host.pythonqt import unwrap
from Testing.host.runs_in_scene import bright_volume

__all__ = ["panel"]

UI = MODULE.parent / "Resources" / "UI" / "MedAISeg.ui"
INTERACTIVE = (QAbstractButton, QAbstractItemView, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit)
SECTIONS = ("modelSection", "inputSection", "regionSection", "outputSection", "resultsSection", "advancedSection")


def unfold(panel):
    for name in SECTIONS:
        getattr(panel.ui, name).collapsed = False
    panel.settle()


def ours(panel):
    """The widgets of the .ui file and those that the panel adds; not what Qt and the stand-ins build them of."""
    found = [w for w in unwrap(panel.ui.MedAISeg).findChildren(object) if isinstance(w, INTERACTIVE)]
    return [w for w in found if not w.objectName().startswith("qt_") and not _is_a_part(w)]


def _is_a_part(widget):
    if isinstance(widget, QHeaderView):
        return True
    parent = widget.parent()
    while parent is not None:
        if isinstance(parent, (QComboBox, QLineEdit)) or type(parent).__name__ in (
            "ctkPathLineEdit",
            "qMRMLNodeComboBox",
        ):
            return True
        parent = parent.parent()
    return False


def test_it_fits_into_400_pixels_with_every_section_open(panel):
    long = bright_volume(
        panel.host.scene, "A name that is much longer than any panel is wide, as descriptions are " * 3
    )
    long_output = panel.host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Another very long name " * 6)
    long_output.GetSegmentation().AddEmptySegment("x", "Segment with a name that goes on and on and on " * 3)
    panel.ui.outputSelector.setCurrentNode(long_output)
    panel.ui.resultSelector.setCurrentNode(long_output)
    panel.select("modelTree", "Brain tumour of four sequences")
    unfold(panel)
    assert unwrap(panel.ui.MedAISeg).minimumSizeHint().width() <= 400
    assert long is not None


def test_every_widget_has_a_name_and_says_what_it_is_for(panel):
    bright_volume(panel.host.scene)
    unfold(panel)
    widgets = ours(panel)
    assert len(widgets) > 40
    assert [type(w).__name__ for w in widgets if not w.objectName()] == []
    assert [w.objectName() for w in widgets if not w.toolTip()] == []


def test_labels_lead_to_their_fields(panel):
    labels = [node for node in ET.parse(UI).iter("widget") if node.get("class") == "QLabel"]
    fields = [n for n in labels if (n.findtext("property[@name='text']/string") or "").endswith(":")]
    assert len(fields) >= 9
    assert [n.get("name") for n in fields if n.find("property[@name='buddy']") is None] == []


def test_the_keyboard_goes_through_the_panel_from_top_to_bottom(panel):
    bright_volume(panel.host.scene)
    panel.select("modelTree", "Brain tumour of four sequences")
    start = widget = unwrap(panel.ui.modelSearchBox)
    order = []
    while (widget := widget.nextInFocusChain()) is not start:
        order.append(widget.objectName())
    wanted = [
        "modelTree",
        "importModelButton",
        "inputSection",
        "inputSelector0",
        "inputSelector3",
        "oneFrameButton",
    ]
    wanted += [
        "regionSection",
        "outputSelector",
        "labelTree",
        "applyButton",
        "cancelButton",
        "resultTree",
        "editButton",
    ]
    places = [order.index(name) for name in wanted]
    assert places == sorted(places)


@pytest.mark.skipif(sys.platform == "win32", reason="the host runs on Linux")
def test_slicer_starts_without_waiting_for_the_module():
    """Beyond what Slicer itself imports, loading costs little, opens no connection and takes nothing heavy."""
    code = """
import os, socket, sys, time
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from Testing.host.application.host import Host
host = Host()
def refuse(*_): raise SystemExit("network")
socket.socket.connect = socket.getaddrinfo = refuse
before, began = set(sys.modules), time.process_time()
host.load_module(MODULE)
host.startup_completed()
spent = time.process_time() - began
heavy = [name for name in ("torch", "monai", "highdicom", "pydicom", "scipy") if name in set(sys.modules) - before]
print("SPENT", spent, heavy)
sys.stdout.flush()
os._exit(0)
""".replace("MODULE", repr(str(MODULE)))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(ROOT), timeout=300)
    line = next(line for line in done.stdout.splitlines() if line.startswith("SPENT"))
    assert float(line.split()[1]) < 0.3
    assert line.endswith("[]")
