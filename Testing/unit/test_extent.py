"""How fine and how large a piece of the patient a model looks at."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.models.extent import is_clearly_larger, window_extent_mm, working_spacing_mm
from MedAISegLib.models.operations import Conform, MinMax, Operation, Orient, Resample
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows


def spec(*steps: Operation, window: tuple[int, int, int] | None = (10, 20, 0)) -> ModelSpec:
    stage = InferenceStage(steps, Windows(window), Argmax())
    return ModelSpec("m", "M", "test", (Channel("image"),), (stage,), (SegmentSpec(1, "lung"),))


def test_the_last_spacing_that_images_are_brought_to_counts() -> None:
    assert working_spacing_mm(spec(Orient("RAS"), Resample((1.5, 1.5, 2.0)), MinMax())) == (1.5, 1.5, 2.0)
    assert working_spacing_mm(spec(Resample((1.5, 1.5, 2.0)), Resample((3.0, 3.0, 4.0)))) == (3.0, 3.0, 4.0)
    assert working_spacing_mm(spec(Conform(256, 0.8, axis_codes="RAS"))) == (0.8, 0.8, 0.8)
    assert working_spacing_mm(spec(Orient("RAS"))) is None


def test_the_window_is_as_large_as_its_voxels_and_0_stands_for_the_whole_image() -> None:
    assert window_extent_mm(spec(Resample((1.5, 2.0, 3.0)))) == (15.0, 40.0, 0.0)
    assert window_extent_mm(spec(Resample((1.5, 2.0, 3.0)), window=None)) is None
    assert window_extent_mm(spec(Orient("RAS"))) is None


@pytest.mark.parametrize(
    ("shape", "larger"), [((10, 20, 30), False), ((30, 20, 10), False), ((16, 20, 30), True), ((10, 20, 46), True)]
)
def test_an_image_is_larger_where_one_length_is_whichever_way_its_axes_run(
    shape: tuple[int, int, int], larger: bool
) -> None:
    assert is_clearly_larger(VolumeGeometry(shape, np.eye(4)), (30.0, 10.0, 20.0)) is larger
    assert not is_clearly_larger(VolumeGeometry(shape, np.eye(4)), (0.0, 0.0, 0.0))
