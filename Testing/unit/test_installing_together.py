"""Several programs that change the store at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("filelock", reason="filelock is not installed")

from MedAISegLib.core.errors import Cancelled, ResourceError
from MedAISegLib.models import receipts
from MedAISegLib.models.kept_records import change_record, read_record
from MedAISegLib.models.locking import held

from Testing.unit.publisher import publishing

PACKAGE_ROOT = Path(receipts.__file__).parents[2]
INSTALLS = """
import sys
from pathlib import Path
from MedAISegLib.models.installing import install_folder
from MedAISegLib.models.origins import Receipt
from MedAISegLib.models.receipts import record_installation
source, name = Path(sys.argv[1]), sys.argv[2]
def verify(folder):
    return lambda: record_installation(folder.name, name, Receipt(name))
for _ in range(5):
    install_folder(source, overwrite=True, verify=verify)
    install_folder(source, overwrite=True, verify=verify, model_id=name)
"""
FETCHES = """
import hashlib, sys
from MedAISegLib.models.download import Network, Remote
from MedAISegLib.models.kept_downloads import downloaded
from MedAISegLib.models.transfer import Policy
address, checksum = sys.argv[1:]
polled = 0
def poll():
    global polled
    polled += 1
    if polled == 2:
        print("under way", flush=True)
network = Network(policy=Policy(lambda url: url.startswith(address), pause_s=0.01))
with downloaded(Remote(address + "/m.zip", checksum), "m.zip", network=network, poll=poll) as got:
    print(hashlib.sha256(got.path.read_bytes()).hexdigest())
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_last_of_them_wins_and_no_record_is_lost(tmp_path: Path, home: Path) -> None:
    sources = []
    for number in range(3):
        source = tmp_path / f"{number}" / "model"
        source.mkdir(parents=True)
        for name in ("a", "b", "c"):
            (source / name).write_text(str(number) * 100_000)
        sources.append(source)
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    processes = [
        subprocess.Popen([sys.executable, "-c", INSTALLS, str(source), f"own{n}"], env=environment)
        for n, source in enumerate(sources)
    ]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    found = {path.name: {file.read_text()[0] for file in path.iterdir()} for path in (home / "models").iterdir()}
    assert set(found) == {"model", "own0", "own1", "own2"}
    assert all(len(numbers) == 1 for numbers in found.values()), "a model is of one source, never mixed"
    noted = {name: entry["sha256"] for name, entry in read_record("installed.json").items()}
    assert noted.pop("model") == f"own{found['model'].pop()}", "and of the source that is noted"
    assert noted == {name: name for name in ("own0", "own1", "own2")}


@pytest.mark.parametrize("is_known", [True, False], ids=["checksum", "no checksum"])
def test_of_two_that_want_the_same_file_one_fetches_it(is_known: bool) -> None:
    pytest.importorskip("pooch", reason="pooch is not installed")
    content = os.urandom(400_000)
    sha256 = hashlib.sha256(content).hexdigest()
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), "NO_PROXY": "127.0.0.1"}
    with publishing() as publisher:
        publisher.files["/m.zip"], publisher.faults = content, ["stall"]
        command = [sys.executable, "-c", FETCHES, publisher.address, f"sha256:{sha256}" if is_known else ""]

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

        with start() as first:
            while not publisher.asked:
                assert first.poll() is None
                time.sleep(0.01)
            with start() as second:
                assert second.stdout is not None
                assert second.stdout.readline() == "under way\n", "it has asked for the lock and not got it"
                publisher.released.set()
                said = [process.communicate(timeout=120)[0].split()[-1] for process in (first, second)]
        assert said == [sha256, sha256]
        assert publisher.asked == [("/m.zip", ""), ("/m.zip", "bytes=200000-")]


def test_records_of_many_threads_are_all_kept() -> None:
    def note(number: int) -> None:
        change_record("r.json", lambda content: content.update({str(number): number}))

    threads = [threading.Thread(target=note, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_record("r.json")) == 12


def test_who_waits_can_be_stopped_and_is_told_why() -> None:
    def stop() -> None:
        raise Cancelled

    entered, leave = threading.Event(), threading.Event()

    def keep() -> None:
        with held("models"):
            entered.set()
            leave.wait(10)

    keeper = threading.Thread(target=keep)
    keeper.start()
    entered.wait(10)
    with pytest.raises(ResourceError, match="another program"), held("models", wait_s=0.3):
        pass
    with pytest.raises(Cancelled), held("models", stop):
        pass
    leave.set()
    keeper.join()
    with held("models", wait_s=0.3):
        pass


def test_a_process_that_dies_holds_no_lock(home: Path) -> None:
    code = (
        "import time\nfrom MedAISegLib.models.locking import held\n"
        "with held('models'):\n    print('held', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.kill()
    begin = time.perf_counter()
    with held("models", wait_s=5):
        assert time.perf_counter() - begin < 5


def test_records_are_whole_json(home: Path) -> None:
    change_record("r.json", lambda content: content.update({"ü": 1}))
    assert json.loads((home / "r.json").read_text(encoding="utf-8")) == {"ü": 1}
    assert sorted(path.name for path in home.iterdir()) == ["r.json", "records.lock"]
