"""Long work is stopped soon, wherever it is, and leaves nothing behind."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import Cancelled, InputError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.progress import CancelToken
from MedAISegLib.core.quantities import PADDING_VALUES, check_finite, padding_to_air, to_suv_bw
from MedAISegLib.core.volume import Volume
from MedAISegLib.exporters.stopping import stoppable
from MedAISegLib.readers import list_images
from phantom import Phantom, straight, write_series

LONGEST_S = 60.0


class StopAfter:
    """A poll that raises from its n-th call on."""

    def __init__(self, calls: int) -> None:
        self.calls, self._limit = 0, calls

    def __call__(self) -> None:
        self.calls += 1
        if self.calls >= self._limit:
            raise Cancelled


def busy(seconds: float = LONGEST_S) -> None:
    stop_s = time.monotonic() + seconds
    while time.monotonic() < stop_s:
        sum(range(100))


def test_work_of_a_library_is_stopped_where_it_is() -> None:
    token = CancelToken()
    threading.Timer(0.2, token.cancel).start()
    started_s = time.monotonic()
    with pytest.raises(Cancelled):
        stoppable(busy, token.raise_if_cancelled)
    assert time.monotonic() - started_s < LONGEST_S / 2


def test_work_that_is_not_stopped_gives_its_result_or_its_error_and_leaves_no_thread() -> None:
    threads = threading.active_count()
    assert stoppable(lambda: 3, CancelToken().raise_if_cancelled) == 3
    with pytest.raises(ZeroDivisionError):
        stoppable(lambda: 1 / 0, CancelToken().raise_if_cancelled)
    assert threading.active_count() == threads


def test_a_library_that_turns_the_stop_into_something_else_does_not_hide_it() -> None:
    token = CancelToken()
    threading.Timer(0.2, token.cancel).start()

    def swallowing() -> None:
        try:
            busy()
        except Cancelled as error:
            raise ValueError("With tag (0008,0005) got exception") from error

    with pytest.raises(Cancelled):
        stoppable(swallowing, token.raise_if_cancelled)


def test_a_stop_that_comes_as_the_work_ends_is_raised_here_and_never_later() -> None:
    for n in range(20):
        token = CancelToken()
        timer = threading.Timer(0.1 + 0.001 * n, token.cancel)
        timer.start()
        try:
            stoppable(lambda: busy(0.11), token.raise_if_cancelled)
        except Cancelled:
            assert token.is_cancelled
        busy(0.01)
        timer.join()


@pytest.mark.parametrize("stage", ["walk", "recognise", "headers"])
def test_listing_a_folder_is_stopped_between_files(tmp_path: Path, stage: str) -> None:
    count = 30
    write_series(tmp_path, Phantom(straight(count)))
    calls = {"walk": 5, "recognise": count + 5, "headers": 2 * count + 5}[stage]
    poll = StopAfter(calls)
    with pytest.raises(Cancelled):
        list_images(tmp_path, poll=poll)
    assert poll.calls == calls
    whole = StopAfter(10**9)
    list_images(tmp_path, poll=whole)
    assert whole.calls >= 3 * count


def ct(values: np.ndarray, **attributes: str) -> Volume:
    return Volume(values, VolumeGeometry(values.shape, np.eye(4)), "CT", attributes=attributes)


def test_values_are_looked_at_slice_by_slice() -> None:
    values = np.full((9, 4, 5), -2000.0, dtype=np.float32)
    for work in (check_finite, padding_to_air):
        poll = StopAfter(4)
        with pytest.raises(Cancelled):
            work(ct(values), poll)
        assert poll.calls == 4
    activity = ct(values, Units="BQML", DecayCorrection="ADMIN", PatientWeight="70", RadionuclideTotalDose="3e8")
    with pytest.raises(Cancelled):
        to_suv_bw(activity, StopAfter(4))


def test_padding_becomes_air_in_every_slice_and_the_image_itself_stays() -> None:
    values = np.zeros((3, 2, 2), dtype=np.int16)
    values[0, 0, 0], values[1, 1, 1], values[2, 0, 1], values[2, 1, 1] = -2000, -1500, -1024, 40
    values.setflags(write=False)
    found = padding_to_air(ct(values, **{PADDING_VALUES: "-1024\\-1000"}))
    assert found.voxels[[0, 1, 2, 2], [0, 1, 0, 1], [0, 1, 1, 1]].tolist() == [-1024, -1024, -1024, 40]
    assert found.voxels.dtype == np.int16
    assert "2 voxels" in found.notices[0].message
    assert values[0, 0, 0] == -2000


def test_one_value_that_is_no_number_in_the_last_slice_is_found() -> None:
    values = np.zeros((3, 2, 2), dtype=np.float32)
    values[2, 1, 1] = np.nan
    with pytest.raises(InputError, match="1 of its 12"):
        check_finite(ct(values))
