"""Addresses with a login or a key: nobody but the server hears of that."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")
pytest.importorskip("torch")

from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.errors import MedAISegError
from MedAISegLib.models.download import Network
from MedAISegLib.models.origins import Origin, Receipt, has_changed, public_address
from MedAISegLib.models.receipts import receipt_of
from MedAISegLib.models.transfer import Policy

from Testing.unit.publisher import Publisher, publishing

pytestmark = pytest.mark.engine

NETWORK = Network(policy=Policy(lambda _: True, attempts=1, pause_s=0.01))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    from Testing.unit.meshnets import write_model

    packed = shutil.make_archive(str(tmp_path / "m"), "zip", write_model(tmp_path / "m"))
    with publishing() as there:
        there.files["/m.zip"] = Path(packed).read_bytes()
        yield there


def secret(publisher: Publisher, path: str = "/m.zip", key: str = "token=hush") -> str:
    return publisher.url(path).replace("://", "://someone:secret@") + f"?{key}"


def all_texts(home: Path) -> str:
    texts = (file.read_bytes() for file in home.rglob("*") if file.is_file() and file.name != "model.pth")
    return " ".join(text.decode("utf-8", "replace") for text in texts)


def test_neither_is_written_down_nor_shown(publisher: Publisher, home: Path) -> None:
    model, notices = install_model(secret(publisher), InstallOptions(network=NETWORK))
    receipt = receipt_of(model)
    assert receipt.source == receipt.files[0].url == publisher.url("/m.zip")
    for text in (all_texts(home), repr(receipt), *(notice.message for notice in notices)):
        assert "m.zip" in text
        assert not any(word in text for word in ("someone", "secret", "hush"))


def test_what_comes_later_from_there_has_to_be_the_same(publisher: Publisher, home: Path) -> None:
    model, _ = install_model(secret(publisher), InstallOptions(network=NETWORK))
    (origin,) = receipt_of(model).files
    assert not has_changed(origin)
    publisher.files["/m.zip"] += b"more"
    with pytest.raises(MedAISegError, match="another file than") as caught:
        install_model(secret(publisher), InstallOptions(network=NETWORK, overwrite=True))
    assert caught.value.where == publisher.url("/m.zip")
    record = json.loads((home / "downloads.json").read_text())
    (home / "downloads.json").write_text(json.dumps(dict.fromkeys(record, "0" * 64)))
    assert has_changed(origin)


def test_another_key_may_lead_to_another_file(publisher: Publisher, home: Path) -> None:
    for key in ("id=1", "id=2"):
        _, notices = install_model(secret(publisher, key=key), InstallOptions(network=NETWORK, overwrite=True))
        assert [notice.code for notice in notices] == ["first-download"]
    assert len(json.loads((home / "downloads.json").read_text())) == 2


@pytest.mark.parametrize("path", ["/other.zip", "/page.html"])
def test_errors_do_not_say_them(path: str, publisher: Publisher) -> None:
    with pytest.raises(MedAISegError) as caught:
        install_model(secret(publisher, path), InstallOptions(network=NETWORK))
    assert caught.value.where == publisher.url(path)
    assert "secret" not in str(caught.value)


def test_nor_does_one_of_a_mirror_with_a_login(publisher: Publisher) -> None:
    mirror = replace(NETWORK, mirror="http://someone:secret@127.0.0.1:1")
    with pytest.raises(MedAISegError, match="downloaded") as caught:
        install_model("https://example.org/m.zip", InstallOptions(network=mirror))
    assert "secret" not in str(caught.value)


def test_a_mirror_does_not_hear_of_them(publisher: Publisher) -> None:
    publisher.files["/mirror/example.org:8443/a/m.zip"] = publisher.files["/m.zip"]
    mirror = replace(NETWORK, mirror=publisher.url("/mirror/"))
    install_model("https://someone:secret@example.org:8443/a/m.zip?token=hush", InstallOptions(network=mirror))
    assert publisher.targets == ["/mirror/example.org:8443/a/m.zip"]


def test_what_earlier_versions_wrote_down_counts_and_is_not_shown(publisher: Publisher, home: Path) -> None:
    model, _ = install_model(secret(publisher), InstallOptions(network=NETWORK))
    (origin,) = receipt_of(model).files
    (home / "downloads.json").write_text(json.dumps({secret(publisher): "0" * 64, "https://example.org/a.zip": "1"}))
    assert has_changed(origin)
    installed = json.loads((home / "installed.json").read_text())
    installed[model.id] |= {
        "source": secret(publisher),
        "files": [{"url": secret(publisher), "sha256": origin.sha256}],
    }
    (home / "installed.json").write_text(json.dumps(installed))
    assert receipt_of(model) == Receipt(publisher.url("/m.zip"), (origin,))
    install_model(secret(publisher), InstallOptions(network=NETWORK, overwrite=True, accept_changed=True))
    assert "secret" not in all_texts(home)
    assert "https://example.org/a.zip" in json.loads((home / "downloads.json").read_text())


def test_what_is_shared_does_not_let_a_key_be_guessed() -> None:
    url = "https://someone:secret@example.org/m.zip?token=hush"
    shown = Receipt(url, (Origin(url, "a1" * 32),)).to_show
    assert shown.files[0].address_sha256 == hashlib.sha256(url.encode()).hexdigest()
    assert shown.came_from([url])
    assert not shown.came_from(["https://example.org/m.zip"])
    assert shown.to_share.files == (Origin("https://example.org/m.zip", "a1" * 32),)
    assert Receipt(files=(replace(shown.files[0], address_sha256="x"),)).problem


def test_an_address_that_is_none_is_not_shown() -> None:
    assert public_address("https://someone:secret@[x/m.zip") == "https://..."
    assert public_address("C:\\models") == "C:\\models"
