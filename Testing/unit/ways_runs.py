"""Small runs in which one network stands for the plain way and another for a faster one."""

from __future__ import annotations

import numpy as np
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import Progress
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.backends import AUTOMATIC, choosing, trial, window_chooser
from MedAISegLib.engine.backends.ways import ONEDNN
from MedAISegLib.engine.run import segment
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows

HASH = "0" * 64
WINDOWS = 8


class AboveHalf(torch.nn.Module):
    """Class 1 where the value is above a threshold. Counts its windows; may fail, or be slow by the test's clock."""

    def __init__(self, clock, threshold=0.5, takes_s=1.0, fails=None):
        super().__init__()
        self.clock, self.threshold, self.takes_s, self.fails = clock, threshold, takes_s, fails
        self.layer = torch.nn.Identity()
        self.windows = 0

    def forward(self, batch):
        if self.fails is not None:
            raise self.fails
        self.windows += 1
        self.clock.now_s += self.takes_s
        return torch.cat([self.threshold - self.layer(batch), batch - self.threshold], dim=1)


class Clock:
    now_s = 0.0

    def process_time(self):
        return self.now_s

    perf_counter = process_time


def clocked(monkeypatch, tmp_path):
    """A clock that networks move, and a data folder without records."""
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    clock = Clock()
    monkeypatch.setattr(trial, "time", clock)
    # As if a handful of voxels were a thousand: windows here are small.
    monkeypatch.setattr(trial, "_ENOUGH", 5)
    return clock


def putting(monkeypatch):
    """Puts a network in the place of what the techniques would make."""

    def put(network, way=ONEDNN):
        monkeypatch.setattr(window_chooser, "built", lambda plain, asked: network if asked == way else None)
        monkeypatch.setattr(choosing, "ways_on", lambda device, wanted: (way,) if wanted.allows(way) else ())

    return put


def case():
    # Nowhere even, since an even window is computed but once.
    voxels = np.linspace(0, 0.4, 16**3, dtype=np.float32).reshape(16, 16, 16)
    voxels[4:12, 3:9, 2:13] = 1.0
    return Case({"image": Volume(voxels, VolumeGeometry((16, 16, 16), np.eye(4)))})


def spec(sha256=HASH, batch=1):
    stage = InferenceStage((), Windows((8, 8, 8), overlap=(0.0, 0.0, 0.0), batch=batch), Argmax())
    return ModelSpec("m", "m", "test", (Channel("image"),), (stage,), (SegmentSpec(1, "thing"),), sha256=sha256)


def run(plain, wanted=AUTOMATIC, cancel=None, images=None, batch=1):
    progress = Progress(cancel=cancel) if cancel else Progress()
    return segment(images or case(), spec(batch=batch), [[plain]], device="cpu", wanted=wanted, progress=progress)
