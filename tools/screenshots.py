"""Draws the panel in each of its states, and what the views show, by the emulated application.

    python tools/screenshots.py [--output FOLDER] [--width 400]

The pictures of a real run need torch; the others are made with a small worker that needs nothing. Those of README
are copied into Resources/Screenshots.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

FOR_README = ("application.png", "panel-first-start.png", "panel-results.png", "panel-four-channels.png")
SCREENSHOTS = ROOT / "Resources" / "Screenshots"


class Camera:
    """Takes the pictures of one start of the application."""

    def __init__(self, panel: Any, folder: Path, width: int) -> None:
        self.panel, self._folder, self._width = panel, folder, width

    def take(self, name: str, *, dark: bool = False) -> Path:
        from Testing.host.driver import panel_picture

        self.panel.settle()
        path = self._folder / f"panel-{name}.png"
        panel_picture(self.panel.host, path, width=self._width, dark=dark)
        print(path.name, flush=True)
        return path

    def take_view(self, name: str, view: Any) -> Path:
        from Testing.host.widgets.rendering import write_picture

        path = self._folder / f"view-{name}.png"
        view.forceRender()
        write_picture(view.renderWindow(), path)
        print(path.name, flush=True)
        return path


@contextmanager
def application(folder: Path, width: int, *, small_worker: bool) -> Iterator[Camera]:
    """A fresh application with the module's panel."""
    from Testing.host.application.host import Host
    from Testing.host.panel import open_panel, use_small_worker

    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, {"MEDAISEG_HOME": home}):
        os.environ.setdefault("MEDAISEG_PYTHON", sys.executable)
        patches: list[Any] = []
        if small_worker:
            use_small_worker(lambda where, name, value: patches.append(patch.object(where, name, value)))
        for each in patches:
            each.start()
        host = Host()
        try:
            yield Camera(open_panel(host), folder, width)
            host.quit()
        finally:
            host.stop()
            for each in patches:
                each.stop()


def of_a_run(camera: Camera) -> None:
    """The way of a newcomer, with the embedded model."""
    from Testing.host.driver import wait_until

    panel = camera.panel
    # The catalogue is read in pieces.
    wait_until(lambda: len(panel.rows("modelTree")) > 2, timeout=60)
    camera.take("first-start")
    camera.take("first-start-dark", dark=True)
    panel.click("tryItButton")
    camera.take("ready")
    panel.click("applyButton")
    wait_until(lambda: panel.ui.progressBar.value > 60, timeout=300)
    camera.take("running")
    panel.wait_for_runs()
    panel.click("show3DButton")
    node = panel.ui.resultSelector.currentNode()
    wait_until(lambda: node.GetSegmentation().ContainsRepresentation("Closed surface"), timeout=60)
    results = camera.take("results")
    camera.take("results-dark", dark=True)
    panel.ui.provenanceGroup.collapsed = False
    camera.take("provenance")
    panel.ui.provenanceGroup.collapsed = True
    panel.ui.advancedSection.collapsed = False
    wait_until(lambda: panel.ui.deviceSelector.count > 1, timeout=60)
    camera.take("advanced")
    compose(results, views(camera))


def of_an_export(camera: Camera, place: Path) -> None:
    """A model is written as a bundle to be shared; then something is there already."""
    from Testing.host.driver import wait_until

    panel = camera.panel
    panel.ui.advancedSection.collapsed = True
    action = next(each for each in panel.find("moreModelsMenu").actions() if each.objectName == "exportModelAction")
    for name, words in (("exported", "Written to"), ("not-exported", "not empty")):
        panel.host.answer(str(place))
        action.trigger()
        wait_until(lambda words=words: words in panel.message("model"), timeout=300)
        camera.take(name)


def views(camera: Camera) -> list[Path]:
    """What the slice and 3D views show, in the order of the conventional layout."""
    import slicer

    image = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    slicer.util.setSliceViewerLayers(background=image, fit=True)
    slicer.util.resetThreeDViews()
    layout = slicer.app.layoutManager()
    bounds = [0.0] * 6
    camera.panel.ui.resultSelector.currentNode().GetRASBounds(bounds)
    middle = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    for name in ("Yellow", "Green", "Red"):
        layout.sliceWidget(name).mrmlSliceNode().JumpSliceByOffsetting(*middle)
    return [
        camera.take_view("axial", layout.sliceWidget("Red").sliceView()),
        camera.take_view("surfaces", layout.threeDWidget(0).threeDView()),
        camera.take_view("coronal", layout.sliceWidget("Green").sliceView()),
        camera.take_view("sagittal", layout.sliceWidget("Yellow").sliceView()),
    ]


def compose(panel_path: Path, view_paths: list[Path]) -> None:
    """The panel and the four views side by side, as the application has them."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QColor, QImage, QPainter

    panel = QImage(str(panel_path))
    side = (panel.height() - 4) // 2
    whole = QImage(panel.width() + 2 * (side + 4), panel.height(), QImage.Format.Format_RGB32)
    whole.fill(QColor("#202020"))
    painter = QPainter(whole)
    painter.drawImage(0, 0, panel)
    for n, path in enumerate(view_paths):
        fitted = QImage(str(path)).scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        )
        left, top = (fitted.width() - side) // 2, (fitted.height() - side) // 2
        x, y = panel.width() + 4 + (n % 2) * (side + 4), (n // 2) * (side + 4)
        painter.drawImage(x, y, fitted, left, top, side, side)
    painter.end()
    whole.save(str(panel_path.with_name("application.png")))


def of_choices(camera: Camera) -> None:
    """Models, inputs, region and output, and what the panel says when something is wrong."""
    from Testing.host.driver import wait_until
    from Testing.host.runs_in_scene import bright_volume

    panel = camera.panel
    for name in (
        "12: AX T1 post Gd",
        "11: AX T1",
        "13: AX T2 FLAIR with a name that no selector can show",
        "14: AX T2",
    ):
        bright_volume(panel.host.scene, name)
    panel.settle()
    panel.select("modelTree", "Brain tumour of four sequences")
    panel.ui.modelSearchBox.text = "brain"
    camera.take("four-channels")
    panel.ui.modelSearchBox.clear()
    panel.select("modelTree", "Whole body")
    panel.ui.labelsGroup.collapsed = panel.ui.modelDetailsGroup.collapsed = False
    camera.take("many-structures")
    panel.ui.labelsGroup.collapsed = panel.ui.modelDetailsGroup.collapsed = True
    panel.select("modelTree", "Lesions in PET")
    panel.click("applyButton")
    camera.take("question")
    panel.select("modelTree", "Model that dies")
    panel.click("applyButton")
    panel.wait_for_runs()
    camera.take("failure")
    panel.select("modelTree", "Bright things")
    panel.click("applyButton")
    panel.wait_for_runs()
    panel.ui.outputSelector.setCurrentNode(panel.ui.resultSelector.currentNode())
    panel.ui.regionSection.collapsed = False
    panel.settle()
    panel.click("drawRegionButton")
    camera.take("region-and-output")
    panel.select("modelTree", "Model that slow")
    panel.click("applyButton")
    panel.click("applyButton")
    wait_until(lambda: panel.ui.queueTree.visible, timeout=60)
    camera.take("queue")
    panel.click("cancelButton")
    panel.wait_for_runs()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, help="default: build/screenshots, and those of README into Resources")
    parser.add_argument("--width", type=int, default=400, help="of the panel in pixels (default: %(default)s)")
    options = parser.parse_args()
    folder = options.output or ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with application(folder, options.width, small_worker=True) as camera:
        of_choices(camera)
    with application(folder, options.width, small_worker=False) as camera:
        of_a_run(camera)
        with tempfile.TemporaryDirectory() as place:
            of_an_export(camera, Path(place))
    if options.output is None:
        SCREENSHOTS.mkdir(exist_ok=True)
        for name in FOR_README:
            shutil.copy2(folder / name, SCREENSHOTS / name)
    sys.stdout.flush()
    # Objects of Qt, VTK and the module die in no good order when Python ends.
    os._exit(0)


if __name__ == "__main__":
    main()
