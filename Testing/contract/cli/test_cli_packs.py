"""``medaiseg models pack`` and ``unpack``: models for machines without internet, and packs that lie."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest
from command_line import below

from Testing.unit.coded_bundles import write_coded

MANIFEST = "medaiseg-pack.json"
CLAIMS = ("trust.json", "installed.json", "downloads.json")


@pytest.fixture
def go_elsewhere(tmp_path, monkeypatch):
    """Called, the store is that of another machine without internet; returns its folder of records."""

    def go():
        monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("MEDAISEG_OFFLINE", "1")
        return tmp_path / "elsewhere"

    return go


def rewritten(pack, change, **files):
    """A pack as somebody else would like it to be: its list changed, files beside it."""
    other = pack.with_name("other.zip")
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(other, "w") as new:
        manifest = json.loads(old.read(MANIFEST))
        change(manifest)
        new.writestr(MANIFEST, json.dumps(manifest))
        for name in old.namelist()[1:]:
            new.writestr(name, old.read(name))
        for name, content in files.items():
            new.writestr(name, content)
    return other


def said_of(run, model, home):
    """By ``verify`` and ``show``, a line each, but for where the model lies and what is asked of later downloads."""
    verified, shown = run("models", "verify", model), run("models", "show", model)
    assert (verified.exit_code, shown.exit_code) == (0, 0), verified.output + shown.output
    said = (verified.stdout + shown.stdout).replace(str(home), "HOME")
    return said.replace("; what comes later must be the same", "").splitlines()


def test_a_pack_brings_models_to_a_machine_without_internet(run, archive, tmp_path, go_elsewhere):
    run("models", "install", archive)
    run("models", "install", archive, "--name", "yours")
    pack = tmp_path / "models.zip"
    assert run("models", "pack", "-o", pack).exit_code == 0
    manifest = json.loads(zipfile.ZipFile(pack).read("medaiseg-pack.json"))
    assert [(model["id"], model["license"]) for model in manifest["models"]] == [
        ("mine", "CC-BY-SA-4.0"),
        ("yours", "CC-BY-SA-4.0"),
    ]
    go_elsewhere()
    assert run("models", "install", pack).exit_code == 2, "a pack is no model"
    result = run("models", "unpack", pack)
    assert result.exit_code == 0, result.output
    assert result.stdout == "Installed mine, yours.\n"
    assert run("models", "verify", "yours").exit_code == 0


def test_what_was_not_installed_here_is_packed_by_name_only(run, archive, mine, tmp_path, monkeypatch):
    (tmp_path / "shared").mkdir()
    mine.rename(tmp_path / "shared" / "common")
    monkeypatch.setenv("MEDAISEG_MODELS_PATH", str(tmp_path / "shared"))
    assert run("models", "install", archive).exit_code == 0
    assert "Packed mine. " in run("models", "pack", "-o", tmp_path / "all.zip").stdout
    assert "Packed common. " in run("models", "pack", "common", "common", "-o", tmp_path / "common.zip").stdout


def test_what_comes_with_the_program_is_not_packed(run, archive, tmp_path, go_elsewhere):
    """Elsewhere it is there already, and the pack could not be unpacked."""
    run("models", "install", archive)
    result = run("models", "pack", "mine", "hippocampus", "-o", tmp_path / "p.zip")
    assert result.exit_code == 2
    assert "comes with the program" in result.stderr
    assert not (tmp_path / "p.zip").exists()


def test_a_pack_that_was_changed_is_refused(run, archive, tmp_path, model_store):
    run("models", "install", archive)
    run("models", "pack", "mine", "-o", tmp_path / "p.zip")
    run("models", "remove", "mine")
    with zipfile.ZipFile(tmp_path / "p.zip", "a") as pack:
        pack.writestr("mine/scripts/__init__.py", "print('hello')")
    result = run("models", "unpack", tmp_path / "p.zip")
    assert result.exit_code == 4
    assert "damaged or changed" in result.stderr
    assert "p.zip" in result.stderr
    assert below(model_store) == []


def test_a_list_that_is_not_right_is_said_of_the_pack_with_a_remedy(run, archive, tmp_path, model_store):
    run("models", "install", archive)
    run("models", "pack", "mine", "-o", tmp_path / "p.zip")
    run("models", "remove", "mine")
    for change, said in (
        (lambda m: m["models"].clear(), "the pack holds no model"),
        (lambda m: m["models"][0].update(sha256=5), "list is damaged"),
    ):
        for act in ("unpack", "install"):
            result = run("models", act, rewritten(tmp_path / "p.zip", change))
            assert result.exit_code == 4
            assert said in result.stderr
            assert "other.zip" in result.stderr
            assert "packed anew" in result.stderr
    assert below(model_store) == []


@pytest.mark.parametrize("algorithm", ["", "sha256"], ids=["trusted on first use", "checked"])
def test_what_is_known_of_a_download_is_said_elsewhere_too(
    run, offered, publisher, tmp_path, model_store, go_elsewhere, algorithm
):
    digest = hashlib.sha256(publisher.files["/mine_v1.zip"]).hexdigest()
    file = {"url": publisher.url("/mine_v1.zip")} | ({"checksum": f"sha256:{digest}"} if algorithm else {})
    offered(files=[file], license="CC BY-NC 4.0", commercial_use=False)
    assert run("models", "install", "offered", "--accept-licence").exit_code == 0
    here = said_of(run, "offered", model_store.parent)
    for said in (f"downloaded: {file['url']}, SHA-256 {digest}", "licence acknowledged: 20", "version: "):
        assert any(line.strip().startswith(said) for line in here), said
    run("models", "pack", "offered", "-o", tmp_path / "p.zip")
    home = go_elsewhere()
    unpacked = run("models", "unpack", tmp_path / "p.zip", "--accept-licence")
    assert unpacked.exit_code == 0, unpacked.output
    there = said_of(run, "offered", home)
    assert [line for line in there if "came in a pack: p.zip" not in line] == here
    assert len(there) == len(here) + 2
    assert not (home / "downloads.json").exists(), "what comes later is not held against a stranger's word"
    # And it is so once more, from there.
    run("models", "pack", "offered", "-o", tmp_path / "q.zip")
    once, again = (
        json.loads(zipfile.ZipFile(tmp_path / name).read(MANIFEST))["models"][0] for name in ("p.zip", "q.zip")
    )
    assert (once["receipt"].pop("pack"), again["receipt"].pop("pack")) == ("", "p.zip")
    assert once == again


def test_who_unpacks_is_asked_for_the_licence_whatever_the_list_says(
    run, offered, archive, tmp_path, model_store, go_elsewhere
):
    offered(license="CC BY-NC 4.0", commercial_use=False)
    run("models", "install", "offered", "--accept-licence")
    run("models", "pack", "offered", "-o", tmp_path / "p.zip")
    there = go_elsewhere()
    refused = run("models", "unpack", tmp_path / "p.zip")
    assert refused.exit_code == 2
    assert "--accept-licence" in refused.stderr
    assert below(there / "models") == []
    assert not (there / "trust.json").exists()


def test_a_licence_in_a_models_own_files_counts_whatever_the_list_says(run, mine, tmp_path, go_elsewhere):
    metadata = json.loads((mine / "configs" / "metadata.json").read_text())
    (mine / "configs" / "metadata.json").write_text(json.dumps(metadata | {"license": "CC BY-NC 4.0"}))
    (mine / "LICENSE").unlink()
    assert run("models", "install", mine).exit_code == 2
    assert run("models", "install", mine, "--accept-licence").exit_code == 0
    run("models", "pack", "mine", "-o", tmp_path / "p.zip")
    pack = rewritten(tmp_path / "p.zip", lambda m: m["models"][0].update(license="MIT", commercial_use=True))
    there = go_elsewhere()
    refused = run("models", "unpack", pack)
    assert refused.exit_code == 2
    assert "CC BY-NC 4.0" in refused.stderr
    assert below(there / "models") == []
    assert run("models", "unpack", pack, "--accept-licence").exit_code == 0


def test_trust_is_in_no_pack_and_none_can_claim_it(run, tmp_path, model_store, go_elsewhere):
    def any_image(metadata, _):
        metadata["network_data_format"]["inputs"]["image"] = {"num_channels": 1}

    canary = tmp_path / "canary"
    coded = write_coded(tmp_path, any_image)
    script = coded / "scripts" / "own.py"
    script.write_text(f"{script.read_text()}\nopen({str(canary)!r}, 'w')\n")
    assert run("models", "install", coded, "--trust").exit_code == 0
    assert canary.exists()
    canary.unlink()
    packed = run("models", "pack", "two_organs", "-o", tmp_path / "p.zip")
    assert packed.exit_code == 0, packed.output
    assert "trust" not in zipfile.ZipFile(tmp_path / "p.zip").read(MANIFEST).decode()
    claims = {
        f"{folder}{name}": (model_store.parent / name).read_bytes()
        for name in CLAIMS
        for folder in ("", "models/", "home/")
        if (model_store.parent / name).exists()
    }
    assert "trust.json" in claims
    there = go_elsewhere()
    for pack in (tmp_path / "p.zip", rewritten(tmp_path / "p.zip", lambda _: None, **claims)):
        refused = run("models", "unpack", pack)
        assert refused.exit_code == 4
        assert "not trusted" in refused.stderr
        assert below(there / "models") == []
        assert not any((there / name).exists() for name in CLAIMS)
    for place in ("models", None):
        claim = {"trusted": {json.loads(claims["installed.json"])["two_organs"]["sha256"]: {"models": ["two_organs"]}}}

        def change(manifest, place=place, claim=claim):
            (manifest["models"][0] if place else manifest).update(claim)

        refused = run("models", "unpack", rewritten(tmp_path / "p.zip", change))
        assert refused.exit_code == 4
        assert "trusted is not known" in refused.stderr
    assert not canary.exists()
    assert run("models", "unpack", tmp_path / "p.zip", "--trust").exit_code == 0
    assert canary.exists()


def test_what_was_changed_since_it_was_installed_is_not_packed_as_what_was_downloaded(
    run, offered, tmp_path, model_store
):
    run("models", "install", "offered")
    (model_store / "offered" / "LICENSE").write_text("another")
    refused = run("models", "pack", "offered", "-o", tmp_path / "p.zip")
    assert refused.exit_code == 4
    assert "changed since it was installed" in refused.stderr
    assert not (tmp_path / "p.zip").exists()


def test_a_shared_model_has_no_receipt_of_a_namesake_that_was_deleted_by_hand(
    run, offered, mine, tmp_path, model_store, monkeypatch
):
    run("models", "install", "offered")
    (tmp_path / "shared").mkdir()
    (model_store / "offered").rename(tmp_path / "aside")
    mine.rename(tmp_path / "shared" / "offered")
    monkeypatch.setenv("MEDAISEG_MODELS_PATH", str(tmp_path / "shared"))
    assert run("models", "verify", "offered").stdout == "offered: fits.\n"
    assert "downloaded" not in run("models", "show", "offered").stdout
