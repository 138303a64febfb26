"""What is unfinished is gone when its work ends or the process is left, and what was moved away in time stays."""

from __future__ import annotations

import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from MedAISegLib.core.disk import written_whole
from MedAISegLib.core.unfinished import remove_unfinished, unfinished


@pytest.mark.parametrize("numerator", [0, 1])
def test_what_is_there_at_the_end_is_removed_also_after_an_error(tmp_path: Path, numerator: int) -> None:
    with suppress(ZeroDivisionError), unfinished(tmp_path / "folder") as place:
        (place / "deeper").mkdir(parents=True)
        (place / "deeper" / "file").write_text("half")
        assert 1 / numerator
    assert list(tmp_path.iterdir()) == []


def test_what_is_moved_away_stays(tmp_path: Path) -> None:
    with unfinished(tmp_path / "part") as place:
        place.write_text("whole")
        place.replace(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_who_leaves_the_process_takes_all_of_it_away_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("stays")
    with unfinished(tmp_path / "folder") as folder, unfinished(tmp_path / "part") as part, unfinished(tmp_path / "no"):
        folder.mkdir()
        (folder / "file").write_text("half")
        part.write_text("half")
        remove_unfinished()
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with unfinished(tmp_path / "later"):
        pass
    (tmp_path / "later").write_text("not of anyone any more")
    remove_unfinished()
    assert (tmp_path / "later").exists()


def test_a_link_is_removed_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("stays")
    with unfinished(tmp_path / "link") as link:
        link.symlink_to(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine" / "file").exists()


def test_it_goes_while_another_thread_still_writes_into_it(tmp_path: Path) -> None:
    stop = threading.Event()

    def write(folder: Path) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                (folder / str(number)).write_text("half")
            except FileNotFoundError:
                return

    with unfinished(tmp_path / "folder") as folder:
        folder.mkdir()
        writer = threading.Thread(target=write, args=(folder,))
        writer.start()
        while not any(folder.iterdir()):
            pass
        remove_unfinished()
        stop.set()
        writer.join()
    assert list(tmp_path.iterdir()) == []


def test_a_file_written_whole_is_one_that_others_may_read_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with written_whole(tmp_path / "whole") as stream:
        stream.write(b"x")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "whole")]
    assert modes[0] == modes[1]
