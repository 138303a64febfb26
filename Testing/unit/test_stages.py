"""Models of several stages: a rough first one to crop by, a cascade, and parts that paint one result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import Progress, RunStage
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.run import segment
from MedAISegLib.engine.slabs import whole_box
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import (
    Argmax,
    Channel,
    CropToLabels,
    InferenceStage,
    ModelSpec,
    SegmentSpec,
    WindowRule,
    Windows,
)

pytestmark = pytest.mark.engine

OBLIQUE = np.array([[0.2, 0.3, -0.8, 3], [-0.1, 1.0, 0.3, 4], [1.9, 0.1, 0.2, -5], [0, 0, 0, 1]])


class Above(torch.nn.Module):
    """Class 1 where the first channel is above a level; keeps the shapes that it has seen."""

    def __init__(self, level):
        super().__init__()
        self.level, self.seen = level, []

    def forward(self, batch):
        self.seen.append(tuple(batch.shape[1:]))
        return torch.cat([self.level - batch[:, :1], batch[:, :1] - self.level], dim=1)


class Repeats(torch.nn.Module):
    """The label whose channel, after the image's, is 1."""

    def forward(self, batch):
        return torch.cat([torch.full_like(batch[:, :1], 0.4), batch[:, 1:]], dim=1)


def case():
    voxels = np.full((12, 16, 20), 0.1, np.float32)
    voxels[2:7, 3:9, 11:19] = 1.0
    voxels[3:5, 4:6, 12:15] = 2.0
    return Case({"image": Volume(voxels, VolumeGeometry((12, 16, 20), OBLIQUE))})


WHOLE = InferenceStage((), Windows(None), Argmax((0, 1)))


def spec(*stages, merged=(), labels=(1,)):
    segments = tuple(SegmentSpec(value, f"thing {value}") for value in labels)
    return ModelSpec("m", "m", "test", (Channel("image"),), stages, segments, merged=merged)


def test_a_later_stage_sees_the_box_of_the_earlier_ones_labels_with_a_margin():
    fine = Above(1.5)
    two = spec(WHOLE, replace(WHOLE, crop=CropToLabels(0, margin_mm=2.0)))
    result = segment(case(), two, ((Above(0.5),), (fine,)), device="cpu")
    # 5, 6 and 8 voxels of 1.9, 1.05 and 0.88 mm, and on each side whole voxels within 2 mm, or the edge.
    assert fine.seen == [(1, 7, 8, 11)]
    np.testing.assert_array_equal(result.layers[0], case().first.voxels > 1.5)


def test_a_crop_may_cut_off_what_is_behind_the_point():
    """Of -1.8 as of 1.8, as whole numbers are made of fractions in C."""
    image = case()
    image.first.voxels[3, 4, 12:14] = 1.8, -1.8
    for whole, expected in ((False, [True, False]), (True, [False, False])):
        two = spec(WHOLE, replace(WHOLE, crop=CropToLabels(0, whole_numbers=whole)))
        layer = segment(image, two, ((Above(0.5),), (Above(1.5),)), device="cpu").layers[0]
        assert layer[3, 4, 12:14].astype(bool).tolist() == expected
        two = spec(WHOLE, replace(WHOLE, crop=CropToLabels(0, whole_numbers=whole)))
        layer = segment(image, two, ((Above(0.5),), (Above(-1.5),)), device="cpu").layers[0]
        assert layer[3, 4, 13] == whole
    assert image.first.voxels[3, 4, 12] == np.float32(1.8)


def test_where_the_rough_stage_finds_nothing_the_next_is_not_run():
    fine = Above(0.5)
    result = segment(case(), spec(WHOLE, replace(WHOLE, crop=CropToLabels(0))), ((Above(9.0),), (fine,)), device="cpu")
    assert fine.seen == []
    assert not result.layers.any()
    assert [notice.code for notice in result.notices] == ["nothing-to-crop-to"]


def test_parts_paint_one_result_each_with_its_own_values():
    parts = spec(replace(WHOLE, paints=(0, 300)), replace(WHOLE, paints=(0, 7)), merged=(0, 1), labels=(300, 7))
    result = segment(case(), parts, ((Above(0.5),), (Above(1.5),)), device="cpu")
    values = case().first.voxels
    np.testing.assert_array_equal(result.layers[0], np.where(values > 1.5, 7, np.where(values > 0.5, 300, 0)))
    assert result.layers.dtype == np.uint16


def test_a_cascades_second_network_is_given_the_labels_where_they_are():
    turned = (op.Transpose((1, 2, 0)), op.CropForeground(0.5), op.PadToSize((20, 20, 20)))
    second = InferenceStage(turned, Windows(None), Argmax((0, 1)), labels_of=0)
    result = segment(case(), spec(WHOLE, second), ((Above(0.5),), (Repeats(),)), device="cpu")
    np.testing.assert_array_equal(result.layers[0], case().first.voxels > 0.5)


def network_input(prepared):
    return prepared.labels.beside(prepared.values, whole_box(prepared.shape))


def test_labels_of_a_cascade_turn_with_an_image_that_is_oriented_anew():
    stage = InferenceStage((op.Orient("SLA"), op.CropForeground(0.5)), Windows(None), Argmax((0, 1)), labels_of=0)
    labels = (case().first.voxels > 1.5).astype(np.uint8)
    values = network_input(prepare(case(), stage, labels=labels))
    torch.testing.assert_close(values[1], (values[0] > 1.5).float())


def test_labels_of_a_cascade_are_resampled_each_by_its_share_of_a_voxel():
    grid = VolumeGeometry((6, 8, 8), np.diag([2.0, 1.0, 1.0, 1.0]))
    voxels = np.ones((6, 8, 8), np.float32)
    labels = np.zeros((6, 8, 8), np.uint8)
    labels[:, 2:6, :4] = 2
    labels[:, 2:6, 4:] = 1
    stage = InferenceStage((op.Resize((2.0, 2.0, 2.0)),), Windows(None), Argmax((0, 1, 2)), labels_of=0)
    values = network_input(prepare(Case({"image": Volume(voxels, grid)}), stage, labels=labels))
    assert values.shape == (3, 6, 4, 4)
    np.testing.assert_array_equal(values[2, 0].numpy(), [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(values[1, 0].numpy(), [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]])


def test_progress_runs_once_from_none_to_all_over_the_stages():
    seen = []
    windows = replace(WHOLE, windows=Windows((8, 8, 8), rule=WindowRule.NNUNET))
    segment(case(), spec(windows, windows), ((Above(0.5),),) * 2, device="cpu", progress=Progress(seen.append))
    infer = [event.fraction for event in seen if event.stage is RunStage.INFER]
    assert [event.fraction for event in seen] == sorted(event.fraction for event in seen)
    halfway = infer[len(infer) // 2]
    assert infer[0] + 0.3 < halfway < infer[-1] - 0.3
