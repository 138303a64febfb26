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
from MedAISegLib.engine.patient_outline import PatientOutline
from MedAISegLib.engine.prepared import Prepared
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
LEVEL = -800.0
SPACING_MM = 10.0


class Above(torch.nn.Module):
    """A label where values are above a level, in HU; scores differ from window to window, and it counts these."""

    def __init__(self, level=LEVEL, sigmoid=False):
        super().__init__()
        self.level, self.sigmoid, self.windows = level, sigmoid, 0

    def forward(self, batch):
        self.windows += len(batch)
        image = batch[:, :1]
        return image - self.level if self.sigmoid else torch.cat([self.level - image, image - self.level], dim=1)


def voxels(seed):
    """A body in air with noise; 84 of the 168 windows lie in the air around it."""
    values = np.random.default_rng(seed).normal(-1000.0, 10.0, SHAPE).astype(np.float32)
    values[BODY] += 1000.0
    # No two patients have the same outline.
    values[BODY[0].start, BODY[1].start, BODY[2].start + seed % 14] -= 1000.0
    return values


def case(values):
    return Case({"image": Volume(values, VolumeGeometry(values.shape, np.diag([SPACING_MM] * 3 + [1.0])))})


def model(stage=None, **changes):
    stage = stage or InferenceStage((), WINDOWS, Argmax())
    return ModelSpec("m", "m", "test", (Channel("image", "CT", "HU"),), (stage,), (), **{"sha256": "abc", **changes})


def run(values, spec=None, networks=None, **options):
    return segment(case(values), spec or model(), [networks or [Above()]], device="cpu", **options)


def known_air(spec=None, images=20):
    """What is kept where nothing was found in air on as many images."""
    spec = spec or model()
    record = air_record.AirRecord(spec.sha256, 0, spec.stages[0].windows)
    for number in range(images):
        record.add(f"image {number}")
    return record


def kept(home):
    (entry,) = json.loads((home / "air.json").read_text()).values()
    return entry


def plain(values, spec=None, networks=None):
    """Labels with every window computed."""
    return run(values, replace(spec or model(), sha256=""), networks).layers


def calibrated_air(values, finds=lambda _: False):
    """Of (channel, k, j, i) values that are their own prepared image."""
    only = case(values[0].numpy())
    return AirWindows(lambda: PatientOutline(only.first), Prepared(values, only.geometry), finds, known_air())
