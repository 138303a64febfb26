"""A segmentation node into the DICOM database: under the study that its image had when the user asked for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from MedAISegLib.app.exchange import Exchange
from MedAISegLib.app.protocol import ExportReply
from MedAISegLib.core.volume import SeriesReference
from MedAISegLib.slicer_io import worker_services
from MedAISegLib.slicer_io.dicom_origin import Origin
from MedAISegLib.slicer_io.event_loop import PlainLoop
from MedAISegLib.slicer_io.pump import Pump
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.settings import MemoryStore, Settings
from placing_scene import GEOMETRY, place, source
from segmentations import organs

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer


def test_an_image_that_is_deleted_while_it_is_written_does_not_lose_the_study(tmp_path, monkeypatch):
    host = new_scene_host()
    image = source(host)
    node = place(organs(GEOMETRY), host, source_node=image).node
    stored = []

    def export_node(_node, _formats, output, **_options):
        yield None
        host.scene.RemoveNode(image)
        return ExportReply({worker_services.DICOM_SEG: (Path(output) / "a.dcm",)}, ())

    monkeypatch.setattr(worker_services, "export_node", export_node)
    monkeypatch.setattr(worker_services, "origin_of", lambda _: Origin(series=SeriesReference("1.2.3", "1.2.3.4")))
    monkeypatch.setattr(worker_services, "insert_segmentation", lambda path, study: stored.append((path.name, study)))
    monkeypatch.setattr(worker_services, "reading_notice", lambda: None)
    pump = Pump(PlainLoop())
    worker = SimpleNamespace(ask=None)
    services = worker_services.WorkerServices(pump, worker, Exchange(tmp_path), Settings(MemoryStore()))
    pump.wait(services.export_to_database(node))
    assert stored == [("a.dcm", "1.2.3")]
