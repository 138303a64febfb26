"""Faster ways to run a network: chosen by a measurement, taken only where the labels agree."""

from __future__ import annotations

import gc
import json
import weakref

import numpy as np
import pytest
import torch
from MedAISegLib.core.errors import Cancelled, UsageError
from MedAISegLib.core.progress import CancelToken
from MedAISegLib.engine.backends import AUTOMATIC, Wanted, choosing, ways, window_chooser
from MedAISegLib.engine.backends.agreement import Agreement, compare
from MedAISegLib.engine.backends.reduced_precision import tensor_float_32
from MedAISegLib.engine.backends.ways import ONEDNN, Backend, Precision, Way, ways_on
from MedAISegLib.engine.run import segment
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Channel,
    InferenceStage,
    ModelSpec,
    Restore,
    SegmentSpec,
    Threshold,
    Windows,
)
from ways_runs import WINDOWS, AboveHalf, case, clocked, putting, run

pytestmark = pytest.mark.engine
CPU = torch.device("cpu")
BF16 = Way(Backend.EAGER, Precision.BF16)


@pytest.fixture
def clock(monkeypatch, tmp_path):
    return clocked(monkeypatch, tmp_path)


@pytest.fixture
def other_way(monkeypatch):
    return putting(monkeypatch)


def test_the_faster_way_takes_the_windows_after_the_first_and_the_result_says_so(clock, other_way):
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    other_way(fast)
    result = run(plain)
    assert (plain.windows, fast.windows) == (1, WINDOWS)
    assert result.backend == "eager fp32, onednn fp32"
    np.testing.assert_array_equal(result.layers[0], case().first.voxels > 0.5)
    assert result.notices == ()


def test_what_another_way_holds_goes_with_the_run(clock, monkeypatch):
    made = []

    def build(*_):
        fast = AboveHalf(clock, takes_s=0.3)
        made.append(weakref.ref(fast))
        return fast

    monkeypatch.setattr(window_chooser, "built", build)
    monkeypatch.setattr(choosing, "ways_on", lambda *_: (ONEDNN,))
    gc.disable()
    try:
        run(AboveHalf(clock))
        assert [one() for one in made] == [None]
    finally:
        gc.enable()


def test_what_was_found_is_remembered_for_the_next_run(clock, other_way, tmp_path):
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    other_way(fast)
    run(plain)
    (kept,) = json.loads((tmp_path / "fastest.json").read_text()).values()
    assert kept["way"] == "onednn fp32"
    assert kept["seconds"] == {"eager fp32": 1.0, "onednn fp32": 0.3}
    assert run(plain).backend == "onednn fp32"
    assert plain.windows == 1


def test_a_way_that_is_slower_is_remembered_as_such(clock, other_way):
    plain, slow = AboveHalf(clock), AboveHalf(clock, takes_s=1.2)
    other_way(slow)
    assert run(plain).backend == "eager fp32"
    tried = slow.windows
    assert run(plain).backend == "eager fp32"
    assert slow.windows == tried


def test_another_version_of_torch_is_measured_anew(clock, other_way, monkeypatch):
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    other_way(fast)
    run(plain)
    monkeypatch.setattr(torch, "__version__", "99.0")
    run(plain)
    assert plain.windows == 2


def test_a_damaged_record_is_measured_anew(clock, other_way, tmp_path):
    (tmp_path / "fastest.json").write_text("[1, 2")
    other_way(AboveHalf(clock, takes_s=0.3))
    assert "onednn" in run(AboveHalf(clock)).backend


def test_a_way_that_changes_labels_beyond_the_bound_is_refused(clock, other_way):
    plain, wrong = AboveHalf(clock), AboveHalf(clock, threshold=-0.5, takes_s=0.1)
    other_way(wrong)
    result = run(plain)
    assert result.backend == "eager fp32"
    assert wrong.windows == 1
    np.testing.assert_array_equal(result.layers[0], case().first.voxels > 0.5)


def test_fewer_bits_wait_for_a_window_with_labels_and_are_compared_in_every_case(clock, other_way):
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    other_way(fast, BF16)
    images = case()
    images.first.voxels[:9] *= 0.4
    images.first.voxels[:, :, :8] *= 0.4
    assert run(plain, images=images).backend == "eager fp32, eager bf16"
    first = plain.windows
    assert 1 < first < WINDOWS
    assert fast.windows == WINDOWS - first + 1
    run(plain, images=images)
    assert plain.windows == 2 * first
    fast.threshold = -0.5
    result = run(plain, images=images)
    assert result.backend == "eager fp32"
    np.testing.assert_array_equal(result.layers[0], images.first.voxels > 0.5)


def test_a_way_that_fails_is_given_up_and_it_is_said(clock, other_way):
    plain = AboveHalf(clock)
    other_way(AboveHalf(clock, fails=RuntimeError("no kernel image\nfor this device")))
    result = run(plain)
    assert result.backend == "eager fp32"
    assert [notice.code for notice in result.notices] == ["backend-failed"]
    assert "no kernel image" in result.notices[0].message


def test_a_remembered_way_that_fails_in_a_later_run_is_given_up_too(clock, other_way):
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    other_way(fast)
    run(plain)
    fast.fails = RuntimeError("broken")
    result = run(plain)
    assert result.backend == "eager fp32"
    assert [notice.code for notice in result.notices] == ["backend-failed"]
    np.testing.assert_array_equal(result.layers[0], case().first.voxels > 0.5)


def test_too_little_memory_is_left_to_the_memory_ladder(clock, other_way):
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    other_way(fast)
    run(plain)
    fast.fails = torch.OutOfMemoryError("out of memory")
    with pytest.raises(Exception, match="not enough memory"):
        run(plain)


def test_a_cancel_while_measuring_is_heard_and_nothing_is_remembered(clock, other_way, tmp_path):
    token = CancelToken()
    fast = AboveHalf(clock)
    other_way(fast)
    plain = AboveHalf(clock)
    plain.register_forward_hook(lambda *_: token.cancel())
    with pytest.raises(Cancelled):
        run(plain, cancel=token)
    assert fast.windows == 0
    assert not (tmp_path / "fastest.json").exists()


def test_the_layers_of_every_way_poll_for_a_cancel(clock, other_way):
    token = CancelToken()
    plain, fast = AboveHalf(clock), AboveHalf(clock, takes_s=0.3)
    fast.register_forward_pre_hook(lambda *_: token.cancel())
    other_way(fast)
    with pytest.raises(Cancelled):
        run(plain, cancel=token)
    assert fast.windows == 1


def test_what_the_user_lays_down_is_taken_although_it_is_slower(clock, other_way, tmp_path):
    plain, slow = AboveHalf(clock), AboveHalf(clock, takes_s=3.0)
    other_way(slow)
    assert run(plain, Wanted.of("onednn", "auto")).backend == "eager fp32, onednn fp32"
    assert (plain.windows, slow.windows) == (1, WINDOWS)
    assert run(plain, Wanted.of("eager", "fp32")).backend == "eager fp32"
    assert not (tmp_path / "fastest.json").exists()


def test_fewer_bits_that_the_user_lays_down_are_taken_and_what_they_change_is_said(clock, other_way):
    plain, wrong = AboveHalf(clock), AboveHalf(clock, threshold=-0.5)
    other_way(wrong, BF16)
    result = run(plain, Wanted.of("auto", "bf16"))
    assert [notice.code for notice in result.notices] == ["labels-change"]
    assert result.backend == "eager fp32, eager bf16"


def test_words_that_are_no_backend_and_what_a_device_has_not_are_named(monkeypatch):
    monkeypatch.setattr(ways, "can_convert", lambda: False)
    with pytest.raises(UsageError, match="tensorrt"):
        Wanted.of("tensorrt", "auto")
    with pytest.raises(UsageError, match="eager fp32, onednn fp32, eager bf16"):
        ways_on(CPU, Wanted.of("auto", "tf32"))


def test_sixteen_bits_on_a_cpu_only_for_who_asks():
    assert BF16 not in ways_on(CPU, AUTOMATIC)
    assert ways_on(CPU, Wanted.of("auto", "bf16")) == (BF16,)


def test_a_gpu_is_offered_fewer_bits(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    offered = ways_on(torch.device("cuda:0"), AUTOMATIC)
    assert [way.precision for way in offered] == [Precision.TF32, Precision.FP16, Precision.BF16]
    assert not any(way.exact for way in offered)


def test_tf32_is_put_back_even_after_an_error():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    def fail():
        assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.allow_tf32 is not before[0]
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"), tensor_float_32(allowed=not before[0]):
        fail()
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before


class Flags(torch.nn.Module):
    """Notes whether torch may round to fewer bits while it runs."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def forward(self, batch):
        self.seen.add((torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()))
        return torch.cat([0.5 - batch, batch - 0.5], dim=1)


@pytest.mark.parametrize("size", [(8, 8, 8), None])
@pytest.mark.parametrize("wanted", [AUTOMATIC, Wanted(precision=Precision.FP32), Wanted(Backend.EAGER)])
def test_32_bits_are_32_bits_although_torch_lets_convolutions_round(clock, monkeypatch, size, wanted):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.set_float32_matmul_precision("medium")
    stage = InferenceStage((), Windows(size, overlap=(0.0, 0.0, 0.0)), Argmax())
    described = ModelSpec("m", "m", "test", (Channel("image"),), (stage,), (SegmentSpec(1, "thing"),))
    network = Flags()
    segment(case(), described, [[network]], device="cpu", wanted=wanted)
    found = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    assert network.seen == {(False, "highest")}
    assert (torch.backends.cudnn.allow_tf32, found) == (True, "medium")


def test_labels_are_compared_by_the_stages_own_decision():
    plain = torch.tensor([0.4, -0.4, 2.0, -3.0]).reshape(1, 1, 4, 1, 1)
    other = torch.tensor([-0.1, -0.4, 2.0, -3.0]).reshape(1, 1, 4, 1, 1)
    stage = InferenceStage((), Windows((4, 1, 1)), Threshold((1,)), Restore(Activation.SIGMOID))
    agreement = compare(plain, other, stage)
    assert (agreement.changed, agreement.foreground, agreement.holds) == (1, 2, False)
    assert compare(plain, plain, stage).holds


def test_a_class_without_a_label_of_its_own_is_no_foreground():
    everywhere = torch.full((1, 1, 4, 1, 1), 3.0)
    scores = torch.cat([everywhere, -everywhere], dim=1)
    stage = InferenceStage((), Windows((4, 1, 1)), Threshold((0, 1)), Restore(Activation.SIGMOID))
    assert compare(scores, -scores, stage) == Agreement(4, 0)
    assert not compare(scores, -scores, stage).holds
