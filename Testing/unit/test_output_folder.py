"""The output folder is checked before a run, and filled in one go or not at all."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from MedAISegLib.cli.interrupts import Interrupts
from MedAISegLib.cli.output import check_output, filled
from MedAISegLib.core.errors import Cancelled, ResourceError, UsageError


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def write_and(output: Path, interrupts: Interrupts, end) -> None:
    with filled(output, interrupts) as folder:
        (folder / "a.txt").write_text("new")
        end()


def raises(error):
    def fail():
        raise error

    return fail


def test_a_new_folder_appears_with_all_its_files(tmp_path):
    with filled(tmp_path / "deep" / "result", Interrupts()) as folder:
        (folder / "a.txt").write_text("a")
    assert everything_below(tmp_path) == ["deep", "deep/result", "deep/result/a.txt"]


def test_files_of_the_user_stay_and_those_of_a_run_are_replaced(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "old.dcm").write_text("old")
    with filled(tmp_path, Interrupts()) as folder:
        (folder / "a.txt").write_text("new")
        (folder / "study").mkdir()
        (folder / "study" / "new.dcm").write_text("new")
    assert everything_below(tmp_path) == ["a.txt", "mine.txt", "study", "study/new.dcm"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_file_that_this_run_would_have_replaced_does_not_outlive_it(tmp_path):
    (tmp_path / "segmentation_liver.stl").write_text("of an earlier run")
    (tmp_path / "mine.stl").write_text("mine")
    with filled(tmp_path, Interrupts(), replaced=["segmentation_liver.stl", "a.txt"]) as folder:
        (folder / "a.txt").write_text("new")
    assert everything_below(tmp_path) == ["a.txt", "mine.stl"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_when_the_block_fails(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error):
        write_and(tmp_path, Interrupts(), end=raises(error))
    assert everything_below(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_cancelled_run_moves_nothing(tmp_path):
    interrupts = Interrupts()
    with pytest.raises(Cancelled):
        write_and(tmp_path / "result", interrupts, end=interrupts.cancel.cancel)
    assert everything_below(tmp_path) == []


def test_an_existing_file_stops_the_run_before_it_begins_unless_it_may_be_replaced(tmp_path):
    (tmp_path / "segments.csv").write_text("old")
    with pytest.raises(UsageError, match=r"segments\.csv.*--overwrite"):
        check_output(tmp_path, ["segments.csv", "segmentation.dcm"], overwrite=False)
    check_output(tmp_path, ["segments.csv"], overwrite=True)
    assert everything_below(tmp_path) == ["segments.csv"]


def test_the_check_makes_nothing(tmp_path):
    check_output(tmp_path / "deep" / "result", ["a"], overwrite=False)
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, below):
    (tmp_path / "result").write_text("a file")
    with pytest.raises(ResourceError, match="place of this folder"):
        check_output(tmp_path / "result" / below, ["a"], overwrite=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_does_not_poll(number):
    interrupts = Interrupts()
    with pytest.raises(KeyboardInterrupt), interrupts.listening():
        os.kill(os.getpid(), number)
    assert interrupts.cancel.is_cancelled


def test_a_signal_while_files_are_moved_waits_for_the_end(tmp_path):
    interrupts = Interrupts()
    with interrupts.listening(), interrupts.deferred():
        os.kill(os.getpid(), signal.SIGINT)
        (tmp_path / "done").write_text("whole")
    assert interrupts.cancel.is_cancelled
    assert (tmp_path / "done").exists()


def test_the_signals_belong_to_their_former_owner_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts().listening():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
