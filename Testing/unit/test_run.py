"""A case through the engine: memory ladder, cancelling, devices."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import Cancelled, ModelError, ResourceError, UsageError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import CancelToken, Progress, RunStage
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.device import choose_device
from MedAISegLib.engine.memory import climb_down, foreseen
from MedAISegLib.engine.run import segment
from MedAISegLib.engine.windows import Placement
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows

pytestmark = pytest.mark.engine
CPU = torch.device("cpu")


class AboveHalf(torch.nn.Module):
    """Class 1 where the value is above 0.5; runs out of memory above a batch size."""

    def __init__(self, largest_batch=99, wait_s=0.0):
        super().__init__()
        self.layer = torch.nn.Identity()
        self.largest_batch, self.wait_s = largest_batch, wait_s

    def forward(self, batch):
        if len(batch) > self.largest_batch:
            raise torch.OutOfMemoryError("CUDA out of memory")
        time.sleep(self.wait_s)
        return torch.cat([0.5 - self.layer(batch), batch - 0.5], dim=1)


def case():
    voxels = np.zeros((12, 16, 20), np.float32)
    voxels[2:7, 3:9, 11:19] = 1.0
    affine = np.array([[0, 0, -0.8, 3], [0, 1.1, 0, 4], [2.0, 0, 0, -5], [0, 0, 0, 1]])
    return Case({"image": Volume(voxels, VolumeGeometry((12, 16, 20), affine))})


TO_RAS = (op.ReverseAxes(), op.Orient("RAS"))


def spec(batch=1, operations=TO_RAS):
    stage = InferenceStage(tuple(operations), Windows((8, 8, 8), batch=batch), Argmax())
    return ModelSpec("m", "m", "test", (Channel("image"),), (stage,), (SegmentSpec(1, "thing"),))


def test_labels_lie_where_the_values_are_on_the_source_grid():
    result = segment(case(), spec(), ((AboveHalf(),),), device="cpu")
    np.testing.assert_array_equal(result.layers[0], case().first.voxels.astype(np.uint8))
    assert result.device == "cpu"


def test_short_memory_halves_the_batch_and_changes_no_label():
    result = segment(case(), spec(batch=8), ((AboveHalf(largest_batch=2),),), device="cpu")
    np.testing.assert_array_equal(result.layers[0], case().first.voxels.astype(np.uint8))
    assert [notice.code for notice in result.notices] == ["memory-ladder"] * 2
    assert "2 window" in result.notices[-1].message


def test_when_no_rung_fits_the_error_says_what_to_do():
    with pytest.raises(ResourceError, match=r"not enough memory.*region"):
        segment(case(), spec(batch=2), ((AboveHalf(largest_batch=0),),), device="cpu")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:80] DefaultCPUAllocator: not enough memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        MemoryError(),
    ],
    ids=["CUDA", "Linux", "Windows", "C++", "cuBLAS", "cuDNN", "Python"],
)
def test_a_shortage_is_known_by_what_each_library_says(error):
    def attempt(placement):
        if placement.batch > 1:
            raise error
        return "done"

    assert climb_down(attempt, Placement(2, CPU, CPU))[0] == "done"


def test_any_other_failure_is_not_taken_for_one():
    def attempt(_):
        raise RuntimeError("Expected all tensors to be on the same device")

    with pytest.raises(RuntimeError, match="same device"):
        climb_down(attempt, Placement(2, CPU, CPU))


def test_the_ladder_ends_on_the_cpu():
    gpu = torch.device("meta")
    tried = []

    def attempt(placement):
        tried.append((placement.batch, placement.accumulate.type, placement.compute.type))
        if placement.compute != CPU:
            raise RuntimeError("CUDA error: out of memory")
        return "done"

    given, placement, notices = climb_down(attempt, Placement(2, gpu, gpu))
    assert given == "done"
    assert (placement.batch, placement.compute, placement.accumulate) == (1, CPU, CPU)
    assert tried == [
        (2, "meta", "meta"),
        (1, "meta", "meta"),
        (1, "cpu", "meta"),
        (1, "cpu", "cpu"),
    ]
    assert len(notices) == 3


GPU = torch.device("meta")


def begun_on(fits):
    """The first placement that is tried on a device whose foreseen memory suffices for some only, and what is said."""

    def shortage(placement):
        return "" if fits(placement) else "About 8.0 GB would be needed and 6.0 are free"

    with foreseen(shortage):
        found, _, notices = climb_down(lambda placement: placement, Placement(4, GPU, GPU))
    return found, [notice.message for notice in notices]


def test_a_run_begins_on_the_first_rung_that_is_foreseen_to_fit():
    assert begun_on(lambda _: True) == (Placement(4, GPU, GPU), [])
    found, said = begun_on(lambda placement: placement.batch <= 2)
    assert found == Placement(2, GPU, GPU)
    assert said == ["About 8.0 GB would be needed and 6.0 are free; the network saw 2 window(s) at a time."]
    found, said = begun_on(lambda placement: placement.accumulate == CPU)
    assert found == Placement(1, GPU, CPU)
    assert "1 window(s) at a time, and scores were added up in the computer's memory." in said[0]


def test_a_foresight_refuses_no_run_and_takes_no_network_off_its_device():
    for fits in (lambda _: False, lambda placement: placement.compute == CPU):
        found, said = begun_on(fits)
        assert found == Placement(1, GPU, CPU)
        assert len(said) == 1


def test_below_the_rung_that_was_foreseen_memory_that_is_short_in_fact_is_climbed_down_for():
    def attempt(placement):
        if placement.batch > 1:
            raise RuntimeError("CUDA error: out of memory")
        return "done"

    with foreseen(lambda placement: "" if placement.batch <= 4 else "Too much"):
        found, placement, notices = climb_down(attempt, Placement(8, CPU, CPU))
    assert (found, placement.batch) == ("done", 1)
    assert [notice.message.partition(";")[0] for notice in notices] == [
        "Too much",
        "Memory was short",
        "Memory was short",
    ]


def test_other_errors_are_not_taken_for_short_memory():
    def attempt(_):
        raise RuntimeError("expected 4 channels")

    with pytest.raises(RuntimeError, match="4 channels"):
        climb_down(attempt, Placement(4, CPU, CPU))


def test_cancel_stops_within_a_second():
    token = CancelToken()
    threading.Timer(0.3, token.cancel).start()
    started = time.perf_counter()
    with pytest.raises(Cancelled):
        segment(case(), spec(), ((AboveHalf(wait_s=0.1),),), device="cpu", progress=Progress(cancel=token))
    assert time.perf_counter() - started < 1.3


def test_cancel_is_seen_between_the_layers_of_one_forward_pass():
    token = CancelToken()
    seen = []

    class Layer(torch.nn.Module):
        def forward(self, batch):
            seen.append(1)
            token.cancel()
            return batch

    network = torch.nn.Sequential(Layer(), Layer(), AboveHalf())
    with pytest.raises(Cancelled):
        segment(case(), spec(), ((network,),), device="cpu", progress=Progress(cancel=token))
    assert len(seen) == 1
    assert not any(layer._forward_pre_hooks for layer in network.modules())


def test_progress_rises_and_stages_are_timed():
    events = []
    progress = Progress(events.append)
    segment(case(), spec(), ((AboveHalf(),),), device="cpu", progress=progress)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert {RunStage.PREPARE, RunStage.INFER, RunStage.POSTPROCESS} <= set(progress.timings_s)


def test_the_case_is_left_as_it_was():
    given = case()
    before = given.first.voxels.copy()
    stages = (op.ReverseAxes(), op.MinMax(-1, 1), op.ZScore(nonzero=True), op.CropForeground())
    segment(given, spec(operations=stages), ((AboveHalf(),),), device="cpu")
    np.testing.assert_array_equal(given.first.voxels, before)


def test_networks_for_another_number_of_stages_are_refused():
    with pytest.raises(ModelError, match="1 stages"):
        segment(case(), spec(), ((AboveHalf(),), (AboveHalf(),)), device="cpu")


@pytest.mark.parametrize("text", ["gpu", "cuda:x", ""])
def test_a_text_that_names_no_device_is_refused(text):
    with pytest.raises(UsageError, match="no device"):
        choose_device(text)


def test_a_device_that_is_absent_is_named_with_what_there_is():
    with pytest.raises(ResourceError, match=r"cuda:77.*cpu"):
        choose_device("cuda:77")
