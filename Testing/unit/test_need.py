"""What a run needs, from headers alone: the prepared array is the engine's, and more to do needs more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.app.need import need_of, work_of
from MedAISegLib.app.prepared_grid import prepared_grid
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.models.operations import (
    Conform,
    Operation,
    Orient,
    PadToMultiple,
    PadToSize,
    Resample,
    Resize,
    ResizeTo,
    ReverseAxes,
    Transpose,
    Zoom,
)
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Averaging,
    Channel,
    InferenceStage,
    ModelSpec,
    SegmentSpec,
    Threshold,
    WindowRule,
    Windows,
)
from segmentations import oblique_geometry


def model(*preprocessing: Operation, windows: Windows | None = None) -> ModelSpec:
    stage = InferenceStage(preprocessing, windows or Windows((16, 16, 16)), Argmax())
    return ModelSpec("m", "m", "f", (Channel("T1"),), (stage,), (SegmentSpec(1, "a"), SegmentSpec(2, "b")))


@pytest.mark.parametrize(
    "operations",
    [
        (ReverseAxes(),),
        (ReverseAxes(), Orient("RAS"), Resample((1.0, 1.3, 0.0))),
        (Orient("PIL"), Resample((2.0, 2.0, 2.0)), PadToMultiple((4, 8, 16)), PadToSize((9, 30, 3))),
        (Conform(32, 1.0, "LIA"),),
        (Transpose((1, 2, 0)), Resize((0.8, 1.7, 1.1))),
        (Orient("RAS"), Zoom((1.5, 1.5, 1.5))),
        (ResizeTo((20, 0, 9)),),
    ],
)
@pytest.mark.parametrize("shear", [0.0, 0.3])
def test_the_prepared_array_lies_where_the_engine_puts_it(operations: tuple[Operation, ...], shear: float) -> None:
    pytest.importorskip("torch")
    from MedAISegLib.core.case import Case
    from MedAISegLib.core.volume import Volume
    from MedAISegLib.engine.preparation import prepare

    affine = oblique_geometry((13, 21, 34)).affine_lps.copy()
    affine[:3, 0] += shear * affine[:3, 1]
    geometry = VolumeGeometry((13, 21, 34), affine)
    voxels = np.random.default_rng(0).normal(size=geometry.shape_kji).astype(np.float32)
    stage = model(*operations).stages[0]
    prepared = prepare(Case({"T1": Volume(voxels, geometry)}), stage)
    found = prepared_grid(stage, geometry)
    assert found.shape_kji == tuple(prepared.values.shape[1:])
    if not any(isinstance(operation, Zoom) for operation in operations):
        np.testing.assert_allclose(found.affine_lps, prepared.geometry.affine_lps, atol=1e-9)


def bytes_of(spec: ModelSpec, shape: tuple[int, int, int], *, on_gpu: bool = False) -> tuple[int, int]:
    need = need_of(spec, VolumeGeometry(shape, np.eye(4)), weights_bytes=1000, on_gpu=on_gpu)
    return need.host_bytes, need.device_bytes


def test_more_of_anything_needs_more_and_a_window_keeps_it_from_growing_with_the_scan() -> None:
    small, large = (40, 40, 40), (40, 40, 400)
    plain = model()
    assert bytes_of(plain, large)[0] > bytes_of(plain, small)[0]
    assert bytes_of(model(windows=Windows((32, 32, 32))), small)[0] > bytes_of(plain, small)[0]
    assert bytes_of(model(windows=Windows((16, 16, 16), batch=4)), small)[0] > bytes_of(plain, small)[0]
    overlapping = replace(plain, stages=(replace(plain.stages[0], decision=Threshold((1, 2))),))
    assert bytes_of(overlapping, large)[0] > 0
    whole = model(windows=Windows(None))
    grows_by = [
        bytes_of(spec, large, on_gpu=True)[1] / bytes_of(spec, small, on_gpu=True)[1] for spec in (whole, plain)
    ]
    assert grows_by[0] > 5.0 > grows_by[1]


def test_a_network_that_is_known_to_be_narrow_needs_less_and_a_wide_one_more() -> None:
    spec, geometry = model(windows=Windows((64, 64, 64), batch=4)), VolumeGeometry((40, 40, 40), np.eye(4))
    narrow, unknown, wide = (
        need_of(spec, geometry, weights_bytes=1000, on_gpu=False, widths=widths).host_bytes
        for widths in ((4.0,), (), (64.0,))
    )
    assert narrow < unknown < wide
    # Features and scores at once, for each voxel of the batch.
    assert wide - narrow >= 4 * 64**3 * 4 * 4 * (64 - 4)


def test_a_model_of_many_classes_is_widest_where_it_has_features_and_scores() -> None:
    few = model(windows=Windows((64, 64, 64)))
    many = replace(few, segments=tuple(SegmentSpec(n, str(n)) for n in range(1, 105)))
    geometry = VolumeGeometry((40, 40, 40), np.eye(4))
    of_few, of_many = (
        need_of(spec, geometry, weights_bytes=0, on_gpu=False, widths=(16.0,)).host_bytes for spec in (few, many)
    )
    assert of_many - of_few > 64**3 * 4 * (2 * 105 - 4 * 16)


def test_a_meshnet_writes_its_features_over_one_another() -> None:
    whole, geometry = model(windows=Windows(None)), VolumeGeometry((40, 40, 400), np.eye(4))
    meshnet, other = (
        need_of(replace(whole, format=kind), geometry, weights_bytes=0, on_gpu=False, widths=(21.0,)).host_bytes
        for kind in ("meshnet", "f")
    )
    assert meshnet < other


def host_bytes(spec: ModelSpec, geometry: VolumeGeometry, **given: object) -> int:
    return need_of(spec, geometry, weights_bytes=0, on_gpu=False, **given).host_bytes


def test_folds_that_are_kept_apart_need_a_ring_each() -> None:
    geometry, ring = VolumeGeometry((64, 64, 64), np.eye(4)), 3 * 16 * 64 * 64
    windows = Windows((16, 16, 16))
    by_rule = model(windows=replace(windows, rule=WindowRule.NNUNET))
    plain = model(windows=windows)
    probabilities = replace(plain, stages=(replace(plain.stages[0], averaging=Averaging(Activation.SOFTMAX)),))
    for spec, more in ((by_rule, 4 * ring * 2), (probabilities, 4 * ring * 4), (plain, 0)):
        assert host_bytes(spec, geometry, members=(5,)) - host_bytes(spec, geometry) == more


def test_a_tilt_needs_the_slices_that_one_of_the_image_crosses_and_no_more_for_a_longer_scan() -> None:
    spec = model(Resample((2.0, 1.0, 1.0)), windows=Windows((32, 32, 32)))

    def adds(slices: int) -> int:
        upright, tilted = np.eye(4), np.eye(4)
        tilted[1, 0] = 0.5
        shape = (slices, 100, 100)
        needs = [host_bytes(spec, VolumeGeometry(shape, affine)) for affine in (upright, tilted)]
        return needs[1] - needs[0]

    assert adds(800) > 3 * 100 * 100 * 4 * 20
    # What is in proportion to the scan is the input alone, on a grid that is larger by the tilt.
    assert adds(1600) - adds(800) < 800 * 100 * 100 * 4


def test_smaller_batches_and_scores_in_the_computers_memory_relieve_the_device() -> None:
    spec, geometry = model(windows=Windows((64, 64, 64), batch=4)), VolumeGeometry((64, 256, 256), np.eye(4))

    def need(**given: object) -> tuple[int, int]:
        found = need_of(spec, geometry, weights_bytes=0, on_gpu=True, **given)
        return found.host_bytes, found.device_bytes

    top, fewer, apart = need(), need(batch=1), need(batch=1, scores_on_gpu=False)
    assert top[1] > fewer[1] > apart[1]
    assert top[0] == fewer[0] < apart[0]


def test_on_a_gpu_the_network_is_in_its_memory() -> None:
    host, device = bytes_of(model(), (40, 40, 40))
    assert device == 0
    assert bytes_of(model(), (40, 40, 40), on_gpu=True)[1] > 0
    assert host > 0


def test_work_grows_with_the_voxels_and_with_every_flip() -> None:
    one, two = (VolumeGeometry(shape, np.eye(4)) for shape in ((10, 10, 10), (10, 10, 20)))
    assert work_of(model(), two) == 2 * work_of(model(), one)
    assert work_of(model().with_test_time_flips(((0,), (1,))), one) == 3 * work_of(model(), one)
