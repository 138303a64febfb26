"""A network that OpenVINO has converted: made when asked for or while nothing runs, kept, and judged as any way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from MedAISegLib.core.errors import Cancelled, ResourceError, UsageError
from MedAISegLib.core.progress import CancelToken, never
from MedAISegLib.engine.backends import (
    Wanted,
    conversion,
    conversion_process,
    happened,
    remembered,
    trial,
    ways,
)
from MedAISegLib.engine.backends.converted import ConvertedNetwork, checksum_of
from MedAISegLib.engine.backends.ways import OPENVINO
from small_networks import two_classes
from ways_runs import HASH, Clock, run

pytest.importorskip("openvino", reason="an optional package")
pytestmark = pytest.mark.engine
FORCED = Wanted.of("openvino", "auto")
PLACE = remembered.Place(HASH, 0, 0, (1, 1, 8, 8, 8), torch.device("cpu"))


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    monkeypatch.setattr(trial, "_ENOUGH", 5)
    monkeypatch.setattr(conversion, "_failed_for_now", {})
    return tmp_path


@pytest.fixture
def network() -> torch.nn.Module:
    return two_classes()


class OneSlice(torch.nn.Module):
    """As networks of flat windows are run: an axis is taken away before and given back."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv3d(1, 2, (1, 3, 3), padding=(0, 1, 1))
        self.flat = torch.nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        slices = [self.flat(self.layer(values)[:, :, n]) for n in range(values.shape[2])]
        return torch.stack(slices, dim=2)


class TwoResults(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return values, -values


class OfAKindUnknownToIt(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.special.airy_ai(values)


class ThroughNumpy(torch.nn.Module):
    """What is computed outside of torch is not traced, but kept as the numbers that came out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(values.detach().numpy() * 2.0)


class NotToBeTraced(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        raise ValueError("it takes other windows")


def files(home: Path) -> list[str]:
    return sorted(path.suffix for path in home.glob("converted/*/*"))


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "conversion_process" in " ".join(child.cmdline())]


def test_who_asks_for_it_gets_the_same_labels_by_it_and_it_is_made_once(network, home, monkeypatch):
    plain = run(network, Wanted.of("eager", "auto"))
    result = run(network, FORCED)
    assert (result.backend, result.notices) == ("eager fp32, openvino fp32", ())
    np.testing.assert_array_equal(result.layers, plain.layers)
    assert files(home) == [".network"]
    monkeypatch.setattr(happened, "convert", None)
    assert str(OPENVINO) in run(network, FORCED).backend


@pytest.mark.usefixtures("converted_here")
@pytest.mark.parametrize("shape", [(1, 1, 8, 12, 16), (1, 1, 1, 16, 16)])
def test_scores_are_those_of_the_plain_network(shape, home):
    torch.manual_seed(1)
    plain = OneSlice().eval()
    place = remembered.Place(HASH, 0, 0, shape, torch.device("cpu"))
    conversion.convert(plain, place, never)
    converted, file = ConvertedNetwork(), conversion.converted_at(place)
    assert file is not None
    assert converted.open(file) == ""
    windows = torch.rand(3, *shape[1:])
    with torch.inference_mode():
        torch.testing.assert_close(converted(windows), plain(windows), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("converted_here")
def test_it_is_compared_in_the_next_run_once_it_is_there_and_taken_where_it_is_faster(network, monkeypatch):
    assert "openvino" not in run(network).backend
    conversion.convert(network, PLACE, never)
    # By a clock on which it takes no time.
    clock = Clock()
    monkeypatch.setattr(trial, "time", clock)
    network.register_forward_hook(lambda *_: setattr(clock, "now_s", clock.now_s + 1.0))
    assert run(network).backend == "eager fp32, openvino fp32"
    assert run(network).backend == "openvino fp32"


@pytest.mark.usefixtures("converted_here")
def test_it_is_not_used_any_more_where_openvino_is_no_longer_installed(network, monkeypatch):
    conversion.convert(network, PLACE, never)
    file = conversion.converted_at(PLACE)
    assert file is not None
    name = f"{OPENVINO} {checksum_of(file)[:16]}"
    remembered.remember(PLACE, name, {"eager fp32": 1.0, "onednn fp32": 0.9, name: 0.5}, {})
    assert run(network).backend == str(OPENVINO)
    monkeypatch.setattr(ways, "can_convert", lambda: False)
    assert "openvino" not in run(network).backend
    with pytest.raises(UsageError, match="pip install"):
        run(network, FORCED)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (TwoResults(), "several arrays"),
        (ThroughNumpy(), "something else"),
        (OfAKindUnknownToIt(), "airy"),
        (NotToBeTraced(), "it takes other windows"),
    ],
)
def test_what_cannot_be_converted_is_told_with_the_reason_and_not_tried_again(other, reason, home, monkeypatch):
    conversion.convert(other, PLACE, never)
    assert files(home) == [".txt"]
    assert reason in conversion.why_not_converted(PLACE)
    monkeypatch.setattr(happened, "convert", None)
    plain = torch.nn.Conv3d(1, 2, 1)
    result = run(plain, FORCED)
    assert result.backend == "eager fp32"
    (notice,) = result.notices
    assert notice.code == "backend-not-taken"
    assert reason in notice.message


@pytest.mark.usefixtures("converted_here")
def test_a_damaged_file_is_removed_and_the_run_goes_on(network, home):
    run(network, FORCED)
    (file,) = home.glob("converted/*/*.network")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert "openvino" not in run(network).backend
    assert files(home) == []


@pytest.mark.usefixtures("converted_here")
def test_a_network_that_is_converted_anew_is_compared_anew(network, home):
    """Whatever was found out about the one that lay there before."""
    conversion.convert(network, PLACE, never)
    (file,) = home.glob("converted/*/*.network")
    name = f"{OPENVINO} {checksum_of(file)[:16]}"
    remembered.remember(PLACE, name, {"eager fp32": 1.0, "onednn fp32": 0.9, name: 0.5}, {})
    with torch.no_grad():
        network[-1].weight.neg_()
        conversion.convert(network, PLACE, never)
        network[-1].weight.neg_()
    result = run(network)
    np.testing.assert_array_equal(result.layers, run(network, Wanted.of("eager", "auto")).layers)
    assert "openvino" not in result.backend


@pytest.mark.usefixtures("converted_here")
def test_what_was_chosen_without_it_does_not_hold_once_it_is_there(network, home):
    conversion.convert(network, PLACE, never)
    run(network)
    (file,) = home.glob("converted/*/*.network")
    content = file.read_bytes()
    file.unlink()
    run(network)
    file.write_bytes(content)
    run(network)
    (found,) = json.loads((home / "fastest.json").read_text()).values()
    assert any(name.startswith(str(OPENVINO)) for name in found["seconds"])


def test_a_killed_process_is_not_held_against_the_network_in_another_session(network, home, monkeypatch):
    def kill() -> None:
        for child in children():
            child.kill()

    conversion.convert(network, PLACE, kill)
    assert files(home) == []
    assert "ended" in conversion.why_not_converted(PLACE)
    monkeypatch.setattr(conversion, "_failed_for_now", {})
    assert conversion.why_not_converted(PLACE) == ""


def test_the_process_reads_no_module_of_the_folder_that_a_user_works_in(network, home, monkeypatch):
    (home / "json.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(home)
    conversion.convert(network, PLACE, never)
    assert files(home) == [".network"]


def test_nothing_is_begun_where_the_disk_is_nearly_full(network, home, monkeypatch):
    monkeypatch.setattr(conversion, "_SPACE_BYTES", 1 << 60)
    with pytest.raises(ResourceError, match="free space"):
        run(network, FORCED)
    assert files(home) == []


def test_a_cancelled_conversion_leaves_neither_files_nor_a_process(network, home):
    def cancel_once_it_compiles() -> None:
        if children():
            raise Cancelled

    with pytest.raises(Cancelled):
        conversion.convert(network, PLACE, cancel_once_it_compiles)
    assert children() == []
    assert [path for path in home.glob("converted/**/*") if path.is_file()] == []


def test_a_run_is_cancelled_while_a_network_is_converted_for_it(network, monkeypatch):
    cancel = CancelToken()
    monkeypatch.setattr(conversion, "_compile", lambda *args: cancel.cancel() or args[-1]())
    with pytest.raises(Cancelled):
        run(network, FORCED, cancel)


class Endless:
    """A request that is not done before it is told to stop."""

    cancelled = False

    def set_input_tensor(self, _tensor) -> None: ...

    def start_async(self) -> None: ...

    def wait_for(self, _ms: int) -> bool:
        return False

    def cancel(self) -> None:
        self.cancelled = True

    def wait(self) -> None:
        raise RuntimeError("Infer Request was canceled")


def test_a_window_is_given_up_between_two_moments():
    converted = ConvertedNetwork()
    converted._request = Endless()

    def cancel(_: torch.nn.Module) -> None:
        raise Cancelled

    with trial.before_each_layer([converted], cancel), pytest.raises(Cancelled):
        converted(torch.zeros(1, 1, 4, 4, 4))
    assert converted._request.cancelled


def test_nobody_is_told_that_it_was_used(network, tmp_path, monkeypatch):
    telemetry = pytest.importorskip("openvino_telemetry")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the makers of OpenVINO would be told")

    monkeypatch.setattr(telemetry.Telemetry, "__new__", refuse)
    window = torch.zeros(1, 1, 8, 8, 8)
    torch.jit.save(torch.jit.trace(network, window), tmp_path / "traced.pt")
    np.save(tmp_path / "window.npy", window.numpy())
    np.save(tmp_path / "scores.npy", network(window).detach().numpy())
    names = ("traced.pt", "made", "window.npy", "scores.npy")
    conversion_process.main(*(str(tmp_path / name) for name in names), "1")
    assert (tmp_path / "made").stat().st_size > 0
