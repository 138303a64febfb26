"""A body in noisy air, a network that finds it, and what was seen of such air before."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine import air_record
from MedAISegLib.engine.air_windows import AirWindows
from MedAISegLib.engine.run import segment
from MedAISegLib.models.spec import (
    Argmax,
    Channel,
    InferenceStage,
    ModelSpec,
    Windows,
)

SHAPE = (16, 20, 60)
WINDOWS = Windows((8, 8, 8), (0.5, 0.5, 0.5))
BODY = (slice(3, 13), slice(6, 14), slice(8, 22))
LEVEL = 0.2


class Above(torch.nn.Module):
    """A label where values are above a level; scores differ from window to window, and it counts these."""

    def __init__(self, level=LEVEL, sigmoid=False):
        super().__init__()
        self.level, self.sigmoid, self.windows = level, sigmoid, 0

    def forward(self, batch):
        self.windows += len(batch)
        image = batch[:, :1]
        return image - self.level if self.sigmoid else torch.cat([self.level - image, image - self.level], dim=1)


def voxels(seed):
    """A body in air with noise; 123 of the 168 windows hold none of the body."""
    values = np.random.default_rng(seed).normal(0.0, 0.01, SHAPE).astype(np.float32)
    values[BODY] += 1.0
    return values


def case(values):
    return Case({"image": Volume(values, VolumeGeometry(values.shape, np.eye(4)))})


def model(stage=None, **changes):
    stage = stage or InferenceStage((), WINDOWS, Argmax())
    return ModelSpec("m", "m", "test", (Channel("image"),), (stage,), (), **{"sha256": "abc", **changes})


def run(values, spec=None, networks=None, **options):
    return segment(case(values), spec or model(), [networks or [Above()]], device="cpu", **options)


def known_air(spec=None, images=5):
    """What is kept where nothing was found in air on as many images."""
    spec = spec or model()
    record = air_record.AirRecord(spec.sha256, 0, spec.stages[0].windows)
    for number in range(images):
        record.add(f"image {number}", 20)
    return record


def kept(home):
    (entry,) = json.loads((home / "air.json").read_text()).values()
    return entry


def plain(values, spec=None, networks=None):
    """Labels with every window computed."""
    return run(values, replace(spec or model(), sha256=""), networks).layers


def calibrated_air(values, finds=lambda _: False):
    return AirWindows(values, finds, known_air())
