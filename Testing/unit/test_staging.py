"""What a killed program left in a user's folder goes the next time; nothing else, and nothing still in the making."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from MedAISegLib.models import staging
from MedAISegLib.models.staging import staged_in, sweep_staging

PACKAGE_ROOT = Path(__file__).resolve().parents[2] / "MedAISeg"
FOLDER_CODE = """
import sys, time
from pathlib import Path
from MedAISegLib.models.staging import staged_in
with staged_in(Path(sys.argv[1])) as place:
    (place / "deeper").mkdir(parents=True)
    (place / "deeper" / "weights").write_text("half")
    print("begun", flush=True)
    time.sleep(600)
"""
PACK_CODE = """
import sys, time
from pathlib import Path
from MedAISegLib.models.packs import PackedModel, write_pack
from MedAISegLib.models.store import InstalledModel
def told(done, total):
    print("begun", flush=True)
    time.sleep(600)
model = InstalledModel("liver", Path(sys.argv[2]), embedded=False)
write_pack([(model, PackedModel("liver", "0" * 64))], Path(sys.argv[1]) / "pack.zip", on_bytes=told)
"""
RESULT_CODE = """
import sys, time
from pathlib import Path
from MedAISegLib.cli.interrupts import Interrupts
from MedAISegLib.cli.output import filled
with filled(Path(sys.argv[1]), Interrupts()) as folder:
    (folder / "segmentation.nii.gz").write_text("half")
    print("begun", flush=True)
    time.sleep(600)
"""

Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def begun() -> Iterator[Begin]:
    """Starts a program that is in the middle of its work."""
    processes = []

    def call(code: str, *arguments: Path) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
        assert processes[-1].stdout.readline() == b"begun\n"
        return processes[-1]

    yield call
    for process in processes:
        process.kill()
        process.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("code", [FOLDER_CODE, PACK_CODE, RESULT_CODE], ids=["folder", "pack", "result"])
def test_what_a_killed_program_left_goes_with_the_next_of_whatever_place(
    home: Path, begun: Begin, tmp_path: Path, code: str
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(bytes(100))
    place, other = tmp_path / "mine", tmp_path / "other"
    (place / ".part-0123456789abcdef").mkdir(parents=True)
    (place / "precious").write_text("stays")
    kept = names(place)
    process = begun(code, place, tmp_path / "model")
    process.kill()
    process.wait()
    assert len(names(place)) == len(kept) + 1
    with staged_in(other):
        assert names(place) == kept, "what looks alike and is not ours stays"
    assert names(home / "staging") == []


def test_nothing_is_taken_from_who_still_works(home: Path, begun: Begin, tmp_path: Path) -> None:
    begun(FOLDER_CODE, tmp_path / "mine")
    before = names(tmp_path / "mine")
    with staged_in(tmp_path / "mine") as here:
        here.mkdir()
        sweep_staging()
        assert names(tmp_path / "mine") == sorted([*before, here.name])
    assert names(tmp_path / "mine") == before


def test_what_is_moved_away_stays_and_nothing_is_noted_any_more(home: Path, tmp_path: Path) -> None:
    with staged_in(tmp_path) as place:
        place.write_text("whole")
        place.replace(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "whole"
    assert names(home / "staging") == []


@pytest.mark.parametrize("length", [1, 0, -4])
def test_half_a_record_removes_nothing(home: Path, tmp_path: Path, length: int) -> None:
    record, place = home / "staging" / "0123456789abcdef.txt", tmp_path / "mine" / ".part-0123456789abcdef"
    place.mkdir(parents=True)
    record.parent.mkdir(parents=True)
    record.write_bytes(os.fsencode(place)[: len(os.fsencode(tmp_path / "mine")) if length == 1 else length])
    sweep_staging()
    assert names(tmp_path / "mine") == [place.name]
    assert names(home / "staging") == []


def test_what_lies_on_a_drive_that_is_away_goes_when_it_is_back(home: Path, tmp_path: Path) -> None:
    record, place = home / "staging" / "0123456789abcdef.txt", tmp_path / "drive" / ".part-0123456789abcdef"
    record.parent.mkdir(parents=True)
    record.write_bytes(os.fsencode(place))
    sweep_staging()
    place.mkdir(parents=True)
    sweep_staging()
    assert names(tmp_path / "drive") == []
    assert names(home / "staging") == []


def test_it_does_without_a_data_folder_that_can_be_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(staging, "data_home", lambda: tmp_path / "file")
    with staged_in(tmp_path / "mine") as place:
        place.mkdir(parents=True)
    assert names(tmp_path / "mine") == []
