"""Models for flat images on volumes: each slice as if it were the only one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from MedAISegLib.app.need import need_of, work_of
from MedAISegLib.app.prepared_grid import prepared_grid
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import Progress
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.run import segment
from MedAISegLib.formats.slice_network import SliceNetwork
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Channel,
    CropToLabels,
    InferenceStage,
    ModelSpec,
    Restore,
    SegmentSpec,
    Windows,
)

pytestmark = pytest.mark.engine

OBLIQUE = np.array([[0.2, 0.3, -0.8, 3], [-0.1, 1.0, 0.3, 4], [1.9, 0.1, 0.2, -5], [0, 0, 0, 1]])


class Flat(torch.nn.Module):
    """Class 1 where the first channel is above one half and the last one is not; takes (batch, channel, b, c)."""

    def forward(self, batch):
        assert batch.ndim == 4
        score = torch.minimum(batch[:, :1] - 0.5, 0.5 - batch[:, -1:] if batch.shape[1] > 1 else batch[:, :1])
        return torch.cat([-score, score], dim=1)


STAGE = InferenceStage(
    (op.ReverseAxes(), op.ResizeTo((12, 20, 0), floored_labels=True), op.MinMax()),
    Windows((0, 0, 1)),
    Argmax(),
    Restore(Activation.NONE),
    (op.KeepLargestComponent(),),
    slicewise=True,
)
GEOMETRY = VolumeGeometry((5, 9, 11), OBLIQUE)
VOXELS = (np.random.default_rng(2).random((5, 9, 11)) * [[[1]], [[10]], [[100]], [[1]], [[5]]]).astype(np.float32)


def spec(*channels: str) -> ModelSpec:
    segments = (SegmentSpec(1, "found"),)
    return ModelSpec("flat", "Flat", "x", tuple(map(Channel, channels)), (STAGE,), segments)


def labels(case: Case, progress: Progress | None = None) -> np.ndarray:
    network = SliceNetwork(Flat(), 2)
    return segment(case, spec(*case.channels), ((network,),), device="cpu", progress=progress).layers


def test_a_volume_gives_what_its_slices_give_one_by_one() -> None:
    volume = Volume(VOXELS, GEOMETRY)
    alone = [labels(Case({"a": volume.window((k, 0, 0), (1, 9, 11))})) for k in range(5)]
    together = labels(Case({"a": volume}))
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))
    # Brightness, and the largest component, are those of each slice.
    assert all(plane.any() for plane in together[0])


def test_a_channel_on_another_grid_is_sampled_where_each_slice_lies() -> None:
    finer = VolumeGeometry((10, 9, 11), OBLIQUE @ np.diag([0.5, 1, 1, 1]))
    other = Volume(VOXELS.repeat(2, axis=0)[:, ::-1], finer)
    same = Volume(VOXELS[:, ::-1], GEOMETRY)
    first = Volume(VOXELS, GEOMETRY)
    np.testing.assert_array_equal(labels(Case({"a": first, "b": other})), labels(Case({"a": first, "b": same})))


def test_progress_never_falls_over_the_slices() -> None:
    seen: list[float] = []
    labels(Case({"a": Volume(VOXELS, GEOMETRY)}), Progress(lambda event: seen.append(event.fraction)))
    assert seen == sorted(seen)
    assert len({round(fraction, 2) for fraction in seen}) > 5


def test_what_a_run_needs_is_that_of_one_slice() -> None:
    tall = VolumeGeometry((500, 900, 1100), OBLIQUE)
    assert prepared_grid(STAGE, tall).shape_kji == (12, 20, 1)
    assert work_of(spec("a"), tall) == 500 * 12 * 20
    assert need_of(spec("a"), tall, weights_bytes=0, on_gpu=False).host_bytes > 0


def test_such_a_stage_does_not_follow_another() -> None:
    with pytest.raises(ValueError, match="by itself"):
        replace(STAGE, crop=CropToLabels(0))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slice_may_lie_across_any_axis(axis: int) -> None:
    shape = [6, 7, 8]
    shape[axis] = 1
    values = torch.rand(2, 1, *shape)
    flat = Flat()(values.squeeze(axis + 2)).unsqueeze(axis + 2)
    torch.testing.assert_close(SliceNetwork(Flat(), axis)(values), flat)
