"""The memory of a run does not grow with the scan, beyond the image and the labels: a guard that is not a stopwatch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine import slabs
from MedAISegLib.engine.run import segment
from MedAISegLib.engine.steps import resize
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Blending,
    Channel,
    Decision,
    Ensemble,
    InferenceStage,
    ModelSpec,
    Regions,
    Restore,
    RestoreOrder,
    SegmentSpec,
    Threshold,
    WindowRule,
    Windows,
)

from Testing.live_tensors import LiveTensors

pytestmark = pytest.mark.engine

CLASSES, SLICES, PLANE, WINDOW = 24, 160, 48, 16
NETWORK_PLANE = PLANE // 2
SLICE_BYTES = CLASSES * NETWORK_PLANE**2 * 4
WINDOW_BYTES = CLASSES * WINDOW**3 * 4
TILE_VALUES = 1 << 16


TILT = 0.2


class Tilt(NamedTuple):
    """Of one axis (0, 1, 2) of the array towards another."""

    axis: int
    towards: int


class Bands(torch.nn.Module):
    """Class n where the value is near n; counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        centres = torch.arange(float(CLASSES)).view(1, CLASSES, 1, 1, 1)
        self.register_buffer("factors", 2 * centres)
        self.register_buffer("offsets", -(centres**2))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.calls += len(batch)
        return batch[:, :1] * self.factors + self.offsets


def scan(slices: int, tilt: Tilt | None = None) -> Case:
    """Slabs of even values with ragged borders; twice as fine in the plane as the network's grid.

    Args:
        tilt: of an axis towards another, as a gantry has it.
    """
    k, j, i = np.meshgrid(np.arange(slices), np.arange(PLANE), np.arange(PLANE), indexing="ij")
    voxels = ((k // 9 + j // 14 + (i + k % 3) // 17) % CLASSES).astype(np.int16)
    affine = np.diag([1.0, 0.5, 0.5, 1.0])
    if tilt is not None:
        affine[tilt.towards, tilt.axis] = TILT * affine[tilt.axis, tilt.axis]
    return Case({"CT": Volume(voxels, VolumeGeometry(voxels.shape, affine), "CT")})


def stage(decision: Decision, order: RestoreOrder, **windows: object) -> InferenceStage:
    active = Activation.SOFTMAX if isinstance(decision, Argmax) else Activation.SIGMOID
    given = {"overlap": (0.5,) * 3, "blending": Blending.GAUSSIAN, **windows}
    return InferenceStage(
        (op.Resample((1.0, 1.0, 1.0)),), Windows((WINDOW,) * 3, **given), decision, Restore(active, order)
    )


def model(*stages: InferenceStage, painted: bool = True) -> ModelSpec:
    segments = tuple(SegmentSpec(n, str(n)) for n in range(1, CLASSES))
    merged = tuple(range(len(stages))) if len(stages) > 1 and painted else ()
    return ModelSpec("m", "m", "f", (Channel("CT"),), stages, segments, merged=merged)


def measured(spec: ModelSpec, slices: int, members: int = 1, tilt: Tilt | None = None) -> tuple[LiveTensors, int]:
    """What torch held in a run, and how often a network was called."""
    networks = tuple(tuple(Bands() for _ in range(members)) for _ in spec.stages)
    case = scan(slices, tilt)
    with LiveTensors() as live:
        layers = segment(case, spec, networks, device="cpu").layers
    assert len(np.unique(layers)) > 3
    return live, sum(network.calls for group in networks for network in group)


@cache
def peak_bytes(order: RestoreOrder, slices: int, tilt: Tilt | None = None) -> int:
    return measured(model(stage(Argmax(), order)), slices, tilt=tilt)[0].peak_bytes


def image_bytes(slices: int) -> int:
    """In 32 bits as it came, half resampled, and on the network's grid."""
    return slices * (PLANE**2 + 2 * NETWORK_PLANE**2) * 4


LABELS = tuple(range(CLASSES))
SCORES_FIRST, LABELS_FIRST = RestoreOrder.SCORES_THEN_DECIDE, RestoreOrder.DECIDE_THEN_LABELS
RUNS: dict[str, tuple[Callable[[], ModelSpec], int]] = {
    "scores first": (lambda: model(stage(Argmax(), SCORES_FIRST)), 1),
    "labels first": (lambda: model(stage(Argmax(), LABELS_FIRST)), 1),
    "thresholds": (lambda: model(stage(Threshold((0, *LABELS[1:])), SCORES_FIRST)), 1),
    "thresholds, labels first": (lambda: model(stage(Threshold((0, *LABELS[1:])), LABELS_FIRST)), 1),
    "regions": (lambda: model(stage(Regions(LABELS), SCORES_FIRST)), 1),
    "test-time flips": (lambda: model(stage(Argmax(), SCORES_FIRST, test_time_flips=((0,), (1, 2)))), 1),
    "three folds": (lambda: model(stage(Argmax(), SCORES_FIRST)), 3),
    "two folds by the rule of nnU-Net": (lambda: model(stage(Argmax(), SCORES_FIRST, rule=WindowRule.NNUNET)), 2),
    "two parts": (lambda: model(*[stage(Argmax(LABELS), SCORES_FIRST)] * 2), 1),
}


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slabs, "_TILE_VALUES", {"cpu": TILE_VALUES})


@pytest.mark.parametrize("name", RUNS)
def test_a_run_holds_its_image_one_ring_and_the_scores_of_a_window(name: str) -> None:
    make, members = RUNS[name]
    spec = make()
    apart = members if spec.stages[0].windows.rule is WindowRule.NNUNET else 1
    flips = len(spec.stages[0].windows.test_time_flips)
    live, calls = measured(spec, SLICES, members)
    layers = CLASSES if isinstance(spec.stages[0].decision, Threshold) else 1
    labels = layers * 2 * WINDOW * PLANE**2
    windows_at_hand = WINDOW_BYTES * (3 + members)
    bound = image_bytes(SLICES) + apart * WINDOW * SLICE_BYTES + windows_at_hand + 4 * TILE_VALUES * 4 + labels
    assert live.peak_bytes <= bound < SLICES * SLICE_BYTES
    assert live.largest_bytes <= max(SLICES * PLANE**2 * 4, apart * WINDOW * SLICE_BYTES)
    windows = 2 * 2 * (SLICES // (WINDOW // 2) - 1)
    assert calls == windows * members * (1 + flips) * len(spec.stages)


def test_more_slices_take_no_more_than_their_image() -> None:
    short, long = (peak_bytes(SCORES_FIRST, slices) for slices in (SLICES // 2, SLICES))
    assert long - short <= image_bytes(SLICES) - image_bytes(SLICES // 2)


@pytest.mark.parametrize(
    "tilt", [Tilt(0, 1), *(pytest.param(other, marks=pytest.mark.slow) for other in (Tilt(1, 0), Tilt(2, 1)))]
)
@pytest.mark.parametrize("order", list(RestoreOrder))
def test_a_tilted_scan_takes_more_only_for_the_slices_that_one_of_its_own_crosses(
    tilt: Tilt, order: RestoreOrder
) -> None:
    upright, tilted = (peak_bytes(order, SLICES, tilted) for tilted in (None, tilt))
    half = peak_bytes(order, SLICES // 2, tilt)
    # On a tilted image's own grid each slice lies on so many of the network's, and what comes is a window's step deep.
    crossed = TILT * NETWORK_PLANE + 4 + WINDOW
    assert tilted <= upright + 1.5 * crossed * SLICE_BYTES
    assert tilted - half <= 1.5 * (image_bytes(SLICES) - image_bytes(SLICES // 2))


def test_a_thin_scan_takes_memory_for_its_slices_not_for_the_window() -> None:
    live, _ = measured(model(stage(Argmax(), SCORES_FIRST)), 3)
    assert live.largest_bytes <= WINDOW_BYTES
    assert live.peak_bytes <= image_bytes(3) + 3 * SLICE_BYTES + 4 * WINDOW_BYTES + 4 * TILE_VALUES * 4


def cascade(of_labels: bool) -> ModelSpec:
    """Two steps; the second is given a channel for each label of the first, or the image alone."""
    first = replace(stage(Argmax(LABELS), SCORES_FIRST), preprocessing=(op.Resize((1.0, 1.0, 1.0)),))
    return model(first, replace(first, labels_of=0 if of_labels else None), painted=False)


def test_a_cascade_holds_the_labels_of_its_first_step_and_no_channel_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resize, "PIECE_VALUES", TILE_VALUES)
    with_labels, alone = (measured(cascade(of_labels), SLICES)[0] for of_labels in (True, False))
    # The labels, what is made of them at a time, and a window of all channels.
    labels, share, windows = SLICES * NETWORK_PLANE**2, 3 * 8 * TILE_VALUES, 2 * WINDOW_BYTES
    assert with_labels.peak_bytes <= alone.peak_bytes + labels + share + windows
    assert with_labels.largest_bytes == alone.largest_bytes < SLICES * SLICE_BYTES


@pytest.mark.slow
def test_an_ensemble_of_flat_and_deep_windows_takes_no_more_for_more_slices_than_its_images() -> None:
    deep = stage(Argmax(LABELS), SCORES_FIRST)
    flat = replace(deep, windows=replace(deep.windows, size=(1, WINDOW, WINDOW), overlap=(0.0, 0.5, 0.5)))
    spec = replace(model(flat, deep, painted=False), ensemble=Ensemble((0, 1), deep.decision))
    short, long = (measured(spec, slices)[0].peak_bytes for slices in (SLICES // 4, SLICES // 2))
    assert long - short <= 2 * (image_bytes(SLICES // 2) - image_bytes(SLICES // 4)) < SLICES // 4 * SLICE_BYTES
