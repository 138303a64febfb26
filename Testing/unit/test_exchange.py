"""Folders of voxels between two processes: what is written comes back, what is private stays so, leftovers go."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exchanged import record_volume
from MedAISegLib.app import exchange as exchange_module
from MedAISegLib.app.exchange import (
    Exchange,
    create_array,
    create_array_in_pieces,
    open_array,
    record_segmentation,
    release,
    segmentation_of,
    volume_of,
)
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.messages import read_client_line, request_line
from MedAISegLib.app.protocol import ArrayFile, SegmentRequest
from MedAISegLib.core.errors import Cancelled, ResourceError
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.segmentation import AlgorithmType
from MedAISegLib.core.volume import SeriesReference, Volume
from segmentations import oblique_geometry, organs

OWNER = """
import sys, time
from pathlib import Path
from MedAISegLib.app.exchange import Exchange
exchange = Exchange(Path(sys.argv[1]))
(exchange.new_folder() / "voxels").write_bytes(b"x")
print("ready", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def volume() -> Volume:
    geometry = oblique_geometry()
    voxels = np.arange(np.prod(geometry.shape_kji), dtype=">i2").reshape(geometry.shape_kji)
    series = SeriesReference("1.2", "1.2.3", "1.2.4", "1.2.5", ("1.2.6",), (Path("säge") / "a b.dcm",))
    return Volume(voxels, geometry, "PT", "ä b", series, {"Units": "BQML"}, (Notice("code", "text"),))


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", "<f8", "|u1", "<u2", "|b1"])
def test_an_array_comes_back_with_its_type_and_order(tmp_path: Path, dtype: str) -> None:
    record, array = create_array(tmp_path, "a", np.dtype(dtype), (2, 3, 4))
    assert not array.any()
    array[:] = np.arange(24).reshape(2, 3, 4) % 2
    release(array)
    assert record == ArrayFile("a", dtype, (2, 3, 4))
    again = open_array(tmp_path, record)
    np.testing.assert_array_equal(again, np.arange(24).reshape(2, 3, 4) % 2)
    assert again.dtype == np.dtype(dtype)
    with pytest.raises(ValueError, match="read-only"):
        again[0, 0, 0] = 1


def test_a_volume_comes_back_through_its_folder_and_the_protocol(tmp_path: Path, volume: Volume) -> None:
    request = SegmentRequest(tmp_path, SegmentationJob("m"), {"T1": record_volume(tmp_path, "T1", volume)})
    told = read_client_line(request_line(1, request)).request
    assert isinstance(told, SegmentRequest)
    found = volume_of(told.folder, told.channels["T1"])
    np.testing.assert_array_equal(found.voxels, volume.voxels)
    np.testing.assert_array_equal(found.geometry.affine_lps, volume.geometry.affine_lps)
    assert replace(found, voxels=volume.voxels, geometry=volume.geometry, attributes={}) is not None
    assert (found.modality, found.description, found.series, dict(found.attributes), found.notices) == (
        volume.modality, volume.description, volume.series, dict(volume.attributes), volume.notices,
    )  # fmt: skip


def test_a_segmentation_comes_back_with_its_layers(tmp_path: Path) -> None:
    segmentation = organs(oblique_geometry(), overlap=True)
    first, *others = segmentation.segments
    segmentation = replace(segmentation, segments=(replace(first, algorithm_type=AlgorithmType.MANUAL), *others))
    found = segmentation_of(tmp_path, record_segmentation(tmp_path, "labels", segmentation))
    np.testing.assert_array_equal(found.layers, segmentation.layers)
    assert found.segments == segmentation.segments


def test_writing_is_stopped_between_slices(tmp_path: Path, volume: Volume) -> None:
    calls = []

    def poll() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        record_volume(tmp_path, "a", volume, poll)
    assert len(calls) == 3


def test_a_file_of_another_size_or_none_is_refused(tmp_path: Path) -> None:
    record, _ = create_array(tmp_path, "a", np.uint8, (2, 3))
    with pytest.raises(ResourceError, match="wrong size"):
        open_array(tmp_path, replace(record, shape=(2, 4)))
    with pytest.raises(ResourceError):
        open_array(tmp_path, replace(record, name="b"))


@pytest.mark.parametrize(
    "record", [ArrayFile("../a", "|u1", (1,)), ArrayFile("/a", "|u1", (1,)), ArrayFile("a", "|O", (1,))]
)
def test_a_record_reaches_no_other_folder_and_holds_no_objects(tmp_path: Path, record: ArrayFile) -> None:
    with pytest.raises(ValueError, match="cannot be exchanged"):
        open_array(tmp_path, record)


def test_a_full_disk_is_told_before_anything_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exchange_module.os, "posix_fallocate", full)
    with pytest.raises(ResourceError, match="the disk is full"):
        create_array(tmp_path, "a", np.uint8, (2, 3))


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a file system in memory")
def test_an_array_larger_than_a_real_disk_is_refused_and_the_process_lives() -> None:
    room = os.statvfs("/dev/shm")
    exchange = Exchange(Path("/dev/shm"))
    try:
        with pytest.raises(ResourceError, match="the disk is full"):
            create_array(exchange.new_folder(), "a", np.uint8, (room.f_blocks * room.f_frsize + 1,))
    finally:
        exchange.close()


def test_where_the_system_cannot_reserve_space_zeros_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(exchange_module.os, "posix_fallocate", unsupported)
    record, array = create_array(tmp_path, "a", np.uint8, (3, 1 << 20))
    assert (tmp_path / record.name).stat().st_size == 3 << 20
    assert not array.any()


@pytest.mark.parametrize("can_reserve", [True, False])
def test_the_space_of_a_large_array_is_taken_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_reserve: bool
) -> None:
    taken: list[int] = []
    pieces: list[int] = []

    def reserve(file: int, start: int, length: int) -> None:
        taken.append(length)
        os.truncate(file, start + length)

    write = os.write
    if can_reserve:
        monkeypatch.setattr(exchange_module.os, "posix_fallocate", reserve)
    else:
        monkeypatch.delattr(exchange_module.os, "posix_fallocate")
        monkeypatch.setattr(exchange_module.os, "write", lambda file, data: count(write(file, data)))

    def count(written: int) -> int:
        taken.append(written)
        return written

    for _ in create_array_in_pieces(tmp_path, "a", np.uint8, (5, 9 << 20)):
        pieces.append(sum(taken))
        taken.clear()
    assert sum(pieces) == 45 << 20
    assert max(pieces) <= 16 << 20
    assert (tmp_path / "a").stat().st_size == 45 << 20


def test_space_that_the_disk_has_not_is_not_begun_to_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []
    monkeypatch.setattr(exchange_module.os, "posix_fallocate", lambda *place: begun.append(place))
    more = exchange_module.shutil.disk_usage(tmp_path).total  # what is free changes under the test
    with pytest.raises(ResourceError, match="the disk is full"):
        create_array(tmp_path, "a", np.uint8, (more,))
    assert begun == []


def test_folders_are_private_and_gone_in_the_end(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    assert list(tmp_path.iterdir()) == []
    first, second = exchange.new_folder(), exchange.new_folder()
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in (first, second, first.parent)} == {0o700}
    (first / "voxels").write_bytes(b"x")
    exchange.remove(first)
    assert not first.exists()
    assert second.exists()
    exchange.close()
    assert list(tmp_path.iterdir()) == []
    assert exchange.new_folder().is_dir()
    exchange.close()
    exchange.close()


def test_a_folder_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path / "exchange")
    exchange.new_folder()
    with pytest.raises(ValueError, match="no folder of this exchange"):
        exchange.remove(tmp_path)
    exchange.close()


def test_a_folder_that_cannot_be_made_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResourceError) as caught:
        Exchange(tmp_path / "file" / "below").new_folder()
    assert "file" in caught.value.where


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    owners = [
        subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in "ab"
    ]
    own = Exchange(tmp_path)
    mine = own.new_folder()
    try:
        for owner in owners:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "ready\n"
        owners[0].kill()
        owners[0].wait()
        assert Exchange.sweep(tmp_path) == 1
        assert mine.exists()
        left = [(path / "owner").read_text() for path in tmp_path.glob("MedAISeg-*")]
        assert sorted(left) == sorted([str(os.getpid()), str(owners[1].pid)])
    finally:
        own.close()
        for owner in owners:
            owner.kill()
            owner.wait()
            assert owner.stdout is not None
            owner.stdout.close()
    assert Exchange.sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_just_being_made_is_swept_only_when_it_is_old(tmp_path: Path) -> None:
    young, old = tmp_path / "MedAISeg-young", tmp_path / "MedAISeg-old"
    for folder in (young, old):
        folder.mkdir()
        (folder / "owner").touch()
    yesterday = time.time() - 2 * 24 * 3600
    os.utime(old, (yesterday, yesterday))
    assert Exchange.sweep(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["MedAISeg-young"]


def test_a_link_is_not_followed_by_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "owner").write_text("1")
    (tmp_path / "MedAISeg-link").symlink_to(tmp_path / "mine")
    assert Exchange.sweep(tmp_path) == 0
    assert (tmp_path / "mine" / "owner").exists()
