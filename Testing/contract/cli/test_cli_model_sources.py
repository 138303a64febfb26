"""``medaiseg models``: models from archives, addresses, the and the catalogue, and how they go."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil

from command_line import below
from MedAISegLib.app import model_sources
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.models import download, room

from Testing.unit.publisher import publishing


def test_an_archive_is_installed_under_the_name_of_its_folder(run, archive, model_store):
    result = run("models", "install", archive)
    assert result.exit_code == 0, result.output
    assert [path.name for path in model_store.iterdir()] == ["mine"]
    assert run("models", "verify", "mine").stdout == "mine: fits, unchanged since it was installed.\n"
    assert run("models", "install", archive).exit_code == 2
    assert run("models", "install", archive, "--name", "yours").exit_code == 0
    assert run("models", "install", archive, "--name", "../yours").exit_code == 2


def test_a_changed_model_is_found_by_verify(run, archive, model_store):
    run("models", "install", archive)
    (model_store / "mine" / "LICENSE").write_text("another")
    result = run("models", "verify")
    assert result.exit_code == 4
    assert "changed since it was installed" in result.stderr
    assert "hippocampus: fits." in result.stdout


def test_a_damaged_archive_leaves_nothing(run, archive, model_store):
    archive.write_bytes(archive.read_bytes()[:30_000])
    assert run("models", "install", archive).exit_code == 4
    assert below(model_store) == []


def test_an_address_is_downloaded_and_its_hash_shown(run, publisher, model_store):
    result = run("models", "install", publisher.url("/mine_v1.zip"))
    assert result.exit_code == 0, result.output
    assert hashlib.sha256(publisher.files["/mine_v1.zip"]).hexdigest() in result.stderr.replace("\n", "")
    assert (model_store / "mine").is_dir()


def test_in_earnest_http_is_refused(run, archive, model_store):
    with publishing() as there:
        there.files["/mine_v1.zip"] = archive.read_bytes()
        assert run("models", "install", there.url("/mine_v1.zip")).exit_code == 4
        assert there.asked == []
    assert below(model_store) == []


def test_a_model_of_the_catalogue_is_found_and_installed(run, offered, model_store):
    assert "Offered" in run("models", "search", "spleen", "mr").stdout
    nothing = run("models", "search", "elbow")
    assert (nothing.exit_code, nothing.stdout) == (4, "")
    result = run("models", "install", "offered")
    assert result.exit_code == 0, result.output
    assert [path.name for path in model_store.iterdir()] == ["offered"]


def test_what_came_is_written_down_shown_and_held_against_what_comes_later(run, offered, publisher, model_store):
    content = publisher.files["/mine_v1.zip"]
    sha256, url = hashlib.sha256(content).hexdigest(), publisher.url("/mine_v1.zip")
    run("models", "install", "offered")
    (file,) = json.loads((model_store.parent / "installed.json").read_text())["offered"]["files"]
    assert (file["url"], file["sha256"], file["checksum"][:5]) == (url, sha256, "sha1:")
    shown = run("models", "show", "offered").stdout.replace("\n", "")
    assert f"{url}, SHA-256 {sha256} (its publisher gives none" in shown
    verified = run("models", "verify", "offered").stdout
    assert sha256 in verified
    assert "since" not in verified.partition("downloaded")[2]
    publisher.files["/mine_v1.zip"] = content + b"more"
    offered(files=[{"url": url, "checksum": f"sha1:{hashlib.sha1(content + b'more').hexdigest()}"}])
    refused = run("models", "install", "offered", "--name", "again")
    assert refused.exit_code == 4
    assert "another file than at its first download" in refused.stderr
    assert run("models", "install", "offered", "--name", "again", "--accept-changed").exit_code == 0
    assert "Another file has come from there since" in run("models", "verify", "offered").stdout


def test_a_change_that_the_publisher_vouches_for_is_told(run, offered, publisher):
    content, url = publisher.files["/mine_v1.zip"], publisher.url("/mine_v1.zip")
    offered(files=[{"url": url, "checksum": f"sha256:{hashlib.sha256(content).hexdigest()}"}])
    assert "Another file" not in run("models", "install", "offered").stderr
    assert "(as its publisher says)" in run("models", "verify", "offered").stdout
    publisher.files["/mine_v1.zip"] = content + b"more"
    offered(files=[{"url": url, "checksum": f"sha256:{hashlib.sha256(content + b'more').hexdigest()}"}])
    result = run("models", "install", "offered", "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert "Another file than before came from" in result.stderr


def test_of_a_copy_in_another_folder_no_download_is_told(run, offered, model_store, tmp_path):
    run("models", "install", "offered")
    shutil.copytree(model_store / "offered", tmp_path / "copies" / "offered")
    assert "SHA-256" in run("models", "show", "offered").stdout.partition("downloaded")[2]
    assert "downloaded" not in run("models", "show", tmp_path / "copies" / "offered").stdout


def test_a_size_that_nobody_says_is_said_to_be_unknown(run, offered, publisher):
    assert "unknown" in run("models", "search", "spleen").stdout
    offered(files=[{"url": publisher.url("/mine_v1.zip"), "size_bytes": 12_300_000}])
    found = run("models", "search", "spleen").stdout
    assert "12.3 MB" in found
    assert "unknown" not in found


def test_a_size_that_only_the_server_says_is_held_against_the_disk(run, offered, monkeypatch, model_store):
    monkeypatch.setattr(room, "free_bytes", lambda _: 256 * 2**20 + 10)
    result = run("models", "install", "offered")
    assert result.exit_code == 5
    assert "no room for the model" in result.stderr
    assert below(model_store) == []


def test_a_licence_against_commercial_use_is_acknowledged_before_the_download(run, offered, publisher, model_store):
    offered(license="CC BY-NC 4.0", commercial_use=False)
    result = run("models", "install", "offered")
    assert result.exit_code == 2
    assert "CC BY-NC 4.0" in result.stderr
    assert publisher.asked == []
    assert run("models", "install", "offered", "--accept-licence").exit_code == 0
    record = json.loads((model_store.parent / "trust.json").read_text())["licences"]
    assert [(entry["model"], entry["licence"]) for entry in record.values()] == [("offered", "CC BY-NC 4.0")]
    assert run("models", "install", "offered", "--overwrite").exit_code == 0, "it is asked once"


def test_what_is_not_what_the_publisher_describes_replaces_nothing(run, offered, publisher, model_store):
    run("models", "install", "offered")
    before = below(model_store)
    publisher.files["/mine_v1.zip"] += b"more"
    result = run("models", "install", "offered", "--overwrite")
    assert result.exit_code == 4
    assert "checksum differs" in result.stderr
    assert below(model_store) == before


def test_a_download_that_is_stopped_says_that_it_goes_on_later(run, offered, monkeypatch, model_store):
    def stopped(*_, **__):
        raise Cancelled

    monkeypatch.setattr(model_sources, "install_model", stopped)
    result = run("models", "install", "offered")
    assert result.exit_code == 6
    assert "the next try goes on from there" in result.stderr


def test_a_restricted_model_says_where_to_get_it(run, offered):
    offered(restricted="Only with a licence number: https://example.org.", files=[])
    result = run("models", "install", "offered")
    assert result.exit_code == 4
    assert "example.org" in result.stderr


def test_offline_nothing_is_asked(run, offered, publisher):
    assert run("models", "install", "offered", "--offline").exit_code == 2
    assert publisher.asked == []


def test_an_unknown_model_names_those_that_are_alike(run, offered):
    result = run("models", "install", "spleen")
    assert result.exit_code == 2
    assert "offered" in result.stderr


def test_models_that_nobody_uses_are_removed(run, archive, model_store):
    run("models", "install", archive)
    run("models", "install", archive, "--name", "old")
    record = model_store.parent / "installed.json"
    content = json.loads(record.read_text())
    content["old"]["used"] = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=40)).isoformat()
    record.write_text(json.dumps(content))
    os.utime(model_store / "old", (0, 0))
    assert "Removed old (" in run("models", "remove", "--unused", "30").stdout
    assert [path.name for path in model_store.iterdir()] == ["mine"]
    assert run("models", "remove").exit_code == 2


def test_a_run_counts_as_use(run, archive, study, tmp_path, model_store):
    run("models", "install", archive)
    record = model_store.parent / "installed.json"
    content = json.loads(record.read_text())
    content["mine"]["used"] = "2020-01-01"
    record.write_text(json.dumps(content))
    os.utime(model_store / "mine", (0, 0))
    assert run("segment", study, "-m", "mine", "-o", tmp_path / "r", "--format", "nifti").exit_code == 0
    assert "No model was unused" in run("models", "remove", "--unused", "2").stdout


def test_shared_models_are_used_and_not_removed(run, mine, tmp_path, monkeypatch, model_store):
    shutil.move(mine, tmp_path / "shared" / "mine")
    monkeypatch.setenv("MEDAISEG_MODELS_PATH", f"{tmp_path / 'nowhere'}:{tmp_path / 'shared'}")
    assert "mine (shared)" in run("models").stdout
    assert run("models", "show", "mine").exit_code == 0
    assert run("models", "remove", "mine").exit_code == 4
    assert (tmp_path / "shared" / "mine").is_dir()


def test_the_worker_takes_the_same_sources(offered, model_store):
    model, _ = model_sources.install_model("offered", model_sources.InstallOptions(network=download.network_of()))
    assert model.path == model_store / "offered"
