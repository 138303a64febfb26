"""What was downloaded is kept until the model is installed; what dies in the middle leaves nothing that stays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.errors import Cancelled, ModelError, NameTakenError, NotTrustedError, ResourceError
from MedAISegLib.models import catalogue, kept_downloads, room, scratch
from MedAISegLib.models.kept_downloads import kept_bytes, sweep_downloads
from MedAISegLib.models.locking import held
from MedAISegLib.models.receipts import receipt_of
from MedAISegLib.models.scratch import scratch_folder
from MedAISegLib.models.store import installed_models, models_home
from MedAISegLib.models.store_progress import Meter, StoreProgress, StoreStage

from Testing.unit.publisher import Publisher, publishing
from Testing.unit.small_store import small_store

LARGE = os.urandom(1_000_000)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_store(tmp_path, monkeypatch)


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """Offers a model of two parts."""
    with publishing() as server:
        files = []
        for part in ("one", "two"):
            with zipfile.ZipFile(tmp_path / f"{part}.zip", "w") as archive:
                archive.writestr(f"{part}/weights", LARGE)
                archive.writestr(f"{part}/model.json", json.dumps({"name": part}))
            server.files[f"/{part}.zip"] = (tmp_path / f"{part}.zip").read_bytes()
            files.append({"url": server.url(f"/{part}.zip"), "folder": "" if part == "one" else "second"})
        entry = {"id": "parts", "name": "Parts", "publisher": "P", "format": "test", "source": "p", "files": files}
        path = tmp_path / "catalogue.json"
        path.write_text(json.dumps({"models": [], "published": [entry], "structures": {}}), encoding="utf-8")
        monkeypatch.setattr(catalogue, "catalogue_file", lambda: path)
        yield server


def options(publisher: Publisher, **more: bool) -> InstallOptions:
    return InstallOptions(network=publisher.network, **more)


def asked(publisher: Publisher) -> list[str]:
    return [path for path, _ in publisher.asked]


def test_parts_become_one_folder_and_nothing_is_kept(publisher: Publisher) -> None:
    told: list[StoreProgress] = []
    install_model("parts", options(publisher), tell=told.append)
    assert sorted(path.name for path in (models_home() / "parts").iterdir()) == ["model.json", "second", "weights"]
    assert kept_bytes() == 0
    assert [path.name for path in models_home().iterdir()] == ["parts"]
    parts = {(progress.stage, progress.part) for progress in told}
    assert {(StoreStage.DOWNLOAD, 1), (StoreStage.DOWNLOAD, 2), (StoreStage.CHECK, 1)} <= parts


def test_a_later_try_fetches_only_the_part_that_is_missing(publisher: Publisher) -> None:
    publisher.faults = ["", 500, 500, 500, 500]
    with pytest.raises(ResourceError, match="goes on"):
        install_model("parts", options(publisher))
    assert kept_bytes() > 1_000_000
    assert list(models_home().iterdir()) == []
    publisher.asked.clear()
    install_model("parts", options(publisher))
    assert asked(publisher) == ["/two.zip"]


def test_a_part_that_cannot_be_used_is_not_kept(publisher: Publisher) -> None:
    publisher.files["/two.zip"] = b"PK damaged"
    with pytest.raises(ModelError, match="damaged"):
        install_model("parts", options(publisher))
    assert kept_bytes() == 0


def test_a_question_after_the_download_costs_no_second_one(publisher: Publisher, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("one/model.json", json.dumps({"name": "one", "own_code": True}))
    publisher.files["/one.zip"] = (tmp_path / "one.zip").read_bytes()
    with pytest.raises(NotTrustedError):
        install_model(publisher.url("/one.zip"), options(publisher))
    assert list(models_home().iterdir()) == []
    publisher.asked.clear()
    _, notices = install_model(publisher.url("/one.zip"), options(publisher, trust=True))
    assert asked(publisher) == []
    assert [notice.code for notice in notices] == ["first-download"], "its hash is told to whom it is installed for"
    with pytest.raises(NameTakenError):
        install_model(publisher.url("/one.zip"), options(publisher, trust=True))
    assert kept_bytes() > 0
    _, notices = install_model(publisher.url("/one.zip"), options(publisher, trust=True, overwrite=True))
    assert (kept_bytes(), notices) == (0, ()), "it is known already"


def test_no_room_is_found_out_before_anything_is_stored(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda _: 256 * 2**20 + 1_500_000)
    with pytest.raises(ResourceError, match="no room for the model: 2 MB"):
        install_model("parts", options(publisher))
    assert kept_bytes() == 0


def test_a_quota_is_held_against_what_the_server_says(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "0.0005")
    with pytest.raises(ResourceError, match="allows"):
        install_model("parts", options(publisher))
    assert kept_bytes() == 0


def test_a_quota_is_held_against_all_parts_before_the_last_one_is_stored(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAISEG_QUOTA_GB", "0.0015")
    with pytest.raises(ResourceError, match="allows"):
        install_model("parts", options(publisher))
    assert asked(publisher) == ["/one.zip", "/two.zip"]
    assert 1_000_000 < kept_bytes() < 1_200_000, "of the second nothing was stored"


def test_two_installations_at_once_give_one_whole_model(publisher: Publisher) -> None:
    outcomes: list[object] = []

    def install() -> None:
        try:
            outcomes.append(install_model("parts", options(publisher))[0].id)
        except NameTakenError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=install) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(str, outcomes)) == sorted(["parts", *[str(NameTakenError)] * 2])
    assert (models_home() / "parts" / "second" / "weights").read_bytes() == LARGE
    assert [path.name for path in models_home().iterdir()] == ["parts"]


def test_who_has_installed_a_file_does_not_wait_for_others_that_use_it(publisher: Publisher) -> None:
    key, done = kept_downloads.key_of(kept_downloads.Remote(publisher.url("/two.zip"))), threading.Event()

    def use(progress: StoreProgress) -> None:
        if progress.stage is StoreStage.CHECK:
            threading.Thread(target=hold).start()
            assert used.wait(20)

    def hold() -> None:
        with held(f"downloads/{key}-use"):
            used.set()
            done.wait(20)

    used = threading.Event()
    model, notices = install_model("parts", options(publisher), tell=use)
    done.set()
    assert receipt_of(model).files
    assert len(notices) == 2


def test_a_cancel_is_heard_while_another_holds_the_file(publisher: Publisher) -> None:
    key = kept_downloads.key_of(kept_downloads.Remote(publisher.url("/one.zip")))

    def stop() -> None:
        raise Cancelled

    with held(f"downloads/{key}-use"), pytest.raises(Cancelled):
        install_model("parts", options(publisher), poll=stop)


def test_what_nobody_goes_on_with_is_deleted(publisher: Publisher, home: Path) -> None:
    publisher.faults = ["cut", 404]
    with pytest.raises(ModelError):
        kept_downloads_of(publisher)
    assert kept_bytes() > 0
    sweep_downloads(30)
    assert kept_bytes() > 0
    for path in (home / "downloads").rglob("*"):
        os.utime(path, (time.time() - 40 * 86_400,) * 2)
    sweep_downloads(30)
    assert [path for path in (home / "downloads").iterdir() if path.suffix != ".lock"] == []


def left_long_ago(home: Path, key: str) -> Path:
    """A whole download and the part of another, which nobody has come back for."""
    folder = home / "downloads" / key
    folder.mkdir(parents=True)
    for path in (folder / "m.zip", folder.with_name(f"{key}.part")):
        path.write_bytes(b"m")
        os.utime(path, (time.time() - 40 * 86_400,) * 2)
    return folder


def test_what_others_take_away_while_it_is_swept_is_let_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [left_long_ago(home, key) for key in ("a1", "b2", "c3")]
    inside = kept_downloads._inside

    def then_gone(folder: Path) -> list[Path]:
        found = inside(folder)
        for gone in folders[1:]:
            shutil.rmtree(gone, ignore_errors=True)
            gone.with_name(f"{gone.name}.part").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(kept_downloads, "_inside", then_gone)
    sweep_downloads(30)
    assert kept_bytes() == 0


def test_what_somebody_goes_on_with_is_not_swept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left_long_ago(home, "used")
    resumed = left_long_ago(home, "resumed").with_name("resumed.part")

    @contextmanager
    def held_after_another(name: str, **how: float) -> Iterator[None]:
        """Until now another program has held it, and gone on with it."""
        with held(name, **how):
            resumed.touch()
            yield

    monkeypatch.setattr(kept_downloads, "held", held_after_another)
    with held("downloads/used-use"):
        sweep_downloads(30)
    assert (home / "downloads" / "used" / "m.zip").is_file()
    assert resumed.is_file()


def kept_downloads_of(publisher: Publisher) -> None:
    remote = kept_downloads.Remote(publisher.url("/one.zip"))
    with kept_downloads.downloaded(remote, "one.zip", network=publisher.network):
        pytest.fail("it was not there")


def test_the_folder_of_a_program_that_was_killed_is_swept_and_that_of_a_living_one_stays(home: Path) -> None:
    code = (
        "import time\nfrom MedAISegLib.models.scratch import scratch_folder\n"
        "from MedAISegLib.models.store import models_home\n"
        "with scratch_folder(models_home()) as folder:\n"
        "    (folder / 'half').write_text('x'); print('there', flush=True); time.sleep(60)"
    )
    package = Path(scratch.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with scratch_folder(models_home()) as mine:
            others = [path for path in models_home().iterdir() if path.is_dir() and path != mine]
            assert len(others) == 1
            assert (others[0] / "half").is_file()
        process.kill()
    installed_models()
    assert (others[0] / "half").is_file(), "who only looks deletes nothing"
    with scratch_folder(models_home()) as mine:
        assert [path for path in models_home().iterdir() if path.is_dir()] == [mine]
    assert list(models_home().iterdir()) == []


def test_the_time_left_goes_by_the_pace_of_the_last_seconds() -> None:
    told: list[StoreProgress] = []
    now = [0.0]
    meter = Meter(told.append, StoreProgress(StoreStage.DOWNLOAD, part=2, parts=4), clock=lambda: now[0])
    meter(0, 1000)
    assert told[-1].remaining_s is None
    now[0] = 2.0
    meter(200, 1000)
    assert told[-1].remaining_s == pytest.approx(8.0)
    assert told[-1].fraction == pytest.approx((1 + 0.2) / 4)
    now[0] = 30.0
    meter(200, 1000)
    assert told[-1].remaining_s is None, "it stands still"
    meter(0, 1000)
    assert told[-1].done_bytes == 0
    meter(10, 0)
    assert told[-1].fraction is None
