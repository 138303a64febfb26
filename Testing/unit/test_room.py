"""What is free for a run, and how the run is made to fit into it before it begins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import Progress
from MedAISegLib.core.volume import Volume
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows

torch = pytest.importorskip("torch")
formats = pytest.importorskip("MedAISegLib.formats")
segment = pytest.importorskip("MedAISegLib.app.segment")
job = pytest.importorskip("MedAISegLib.app.job")
need = pytest.importorskip("MedAISegLib.app.need")
room = pytest.importorskip("MedAISegLib.app.room")
windows = pytest.importorskip("MedAISegLib.engine.windows")
warm_models = pytest.importorskip("MedAISegLib.app.warm_models")

pytestmark = pytest.mark.engine

CPU, GPU = torch.device("cpu"), torch.device("cuda")
GEOMETRY = VolumeGeometry((40, 40, 40), np.eye(4))
STAGE = InferenceStage((), Windows((32, 32, 32), batch=8), Argmax())
SPEC = ModelSpec("m", "m", "test", (Channel("image"),), (STAGE,), (SegmentSpec(1, "thing"),))


class AboveZero(torch.nn.Module):
    """Class 1 where the image is above 0; keeps the largest batch that it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def forward(self, values: Any) -> Any:
        self.largest = max(self.largest, len(values))
        return torch.cat([-values, values], dim=1)


def model() -> Any:
    return segment.LoadedModel(SPEC, ((AboveZero(),),))


def case() -> Case:
    voxels = np.random.default_rng(0).normal(size=GEOMETRY.shape_kji).astype(np.float32)
    return Case({"image": Volume(voxels, GEOMETRY)})


def needed(batch: int, **given: Any) -> Any:
    return need.need_of(SPEC, GEOMETRY, weights_bytes=0, batch=batch, **{"on_gpu": False, **given})


def free(monkeypatch: pytest.MonkeyPatch, available: int, own: int) -> None:
    """Memory that is free, and what this process holds."""
    monkeypatch.setattr(room.psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
    monkeypatch.setattr(room.psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=own))


def run() -> tuple[Any, int, list[str]]:
    loaded = model()
    segmentation, result = segment.run(job.SegmentationJob("m", device="cpu"), case(), model=loaded)
    said = [notice.message for notice in result.notices if notice.code == "memory-ladder"]
    return segmentation.layers, loaded.networks[0][0].largest, said


def test_a_run_begins_with_as_many_windows_at_once_as_are_foreseen_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, needed(8).host_bytes, 0)
    expected, largest, said = run()
    assert (largest, said) == (8, [])
    free(monkeypatch, needed(2).host_bytes - 1, 2)
    layers, largest, said = run()
    assert largest == 2
    assert [text.partition("; ")[2] for text in said] == ["the network saw 2 window(s) at a time."]
    assert "of memory would be needed" in said[0]
    np.testing.assert_array_equal(layers, expected)


def test_no_run_is_refused_for_what_is_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, *_ = run()
    free(monkeypatch, 0, 0)
    layers, largest, said = run()
    assert (largest, len(said)) == (1, 1)
    np.testing.assert_array_equal(layers, expected)


def test_what_a_device_lacks_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    top = needed(8, on_gpu=True)
    relieved = needed(1, on_gpu=True, scores_on_gpu=False)
    placements = [windows.Placement(8, GPU, GPU), windows.Placement(1, GPU, CPU)]
    device_is_short = room.shortage_in(room.Room(relieved.host_bytes, top.device_bytes - 1), model(), GEOMETRY)
    assert "on the device" in device_is_short(placements[0])
    assert device_is_short(placements[1]) == ""
    host_is_short = room.shortage_in(room.Room(relieved.host_bytes - 1, top.device_bytes), model(), GEOMETRY)
    assert host_is_short(placements[0]) == ""
    assert "on the device" not in host_is_short(placements[1]) != ""


def test_what_the_process_holds_is_free_but_for_what_it_keeps_for_other_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1000, 500)
    assert room.free_room(CPU, (), 200) == room.Room(1300, 0)
    monkeypatch.setattr(room, "device_memory", lambda _: (70, 100))
    assert room.free_room(GPU, (), 0) == room.Room(1500, 70)


def test_warm_models_tell_what_they_keep_beside_one() -> None:
    kept = warm_models.WarmModels()
    assert kept.networks_of("a") == ()
    for sha256 in ("a", "b"):
        spec = ModelSpec("m", "m", "test", (Channel("image"),), (STAGE,), SPEC.segments, sha256=sha256)
        source = formats.ModelSource(spec, lambda: ((torch.nn.Linear(1000, 1, bias=False),),))
        networks = kept.get(source, Progress()).networks
    assert kept.networks_of("b") == networks
    assert kept.bytes_beside("b") == 4000
    assert kept.bytes_beside("c") == 8000
