"""The panel on the real worker, a server on this machine standing in for all publishers."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from Testing.host.driver import wait_until
from Testing.host.panel import ROOT, open_panel
from Testing.unit.publisher import publishing

LARGE = os.urandom(3_000_000)


def archive(path, name, content=b"weights", **model):
    """A model as the worker of these tests reads it."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{path.stem}/model.json", json.dumps({"name": name, **model}))
        file.writestr(f"{path.stem}/weights", content)
    return path


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """Offers a large model, one for non-commercial use, one with code of its own, one with another checksum, and one
    to nobody."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "catalogue"
    (folder / "embedded").mkdir(parents=True)
    monkeypatch.setenv("TEST_CATALOGUE", str(folder))
    models = {
        "liver": archive(tmp_path / "liver.zip", "Liver", LARGE),
        "heart": archive(tmp_path / "heart.zip", "Heart"),
        "code": archive(tmp_path / "code.zip", "With code", own_code=True),
    }
    with publishing() as server:
        for name, path in models.items():
            server.files[f"/{name}.zip"] = path.read_bytes()
        liver = entry(server, "liver", "Liver", labels={"1": "liver"}, anatomy="abdomen")
        liver["files"][0]["size_bytes"] = len(server.files["/liver.zip"])
        heart = entry(server, "heart", "Heart", license="CC BY-NC 4.0", commercial_use=False, labels={"1": "heart"})
        secret = entry(server, "secret", "Secret", restricted="Only with a licence number: https://example.org/get.")
        secret["files"] = []
        vouched = entry(server, "vouched", "Vouched for")
        vouched["files"] = [{"url": server.url("/heart.zip"), "checksum": f"sha256:{'0' * 64}"}]
        offered = [liver, heart, entry(server, "code", "With code"), vouched, secret]
        (folder / "catalogue.json").write_text(
            json.dumps({"models": [], "published": offered, "structures": {}}), encoding="utf-8"
        )
        yield server


def entry(server, name, title, **facts):
    channels = [{"name": "image", "modality": "CT"}]
    files = [{"url": server.url(f"/{name}.zip")}]
    texts = {"id": name, "name": title, "publisher": "P", "format": "test", "source": "p", "license": "MIT"}
    return {**texts, "channels": channels, "files": files, "page": "https://example.org/p", **facts}


@pytest.fixture
def panel(slicer_app, publisher, monkeypatch, tmp_path):
    """The panel on the real worker, for which that server stands in for all publishers."""
    with store_panel(slicer_app, monkeypatch, tmp_path, []) as opened:
        yield opened


@contextmanager
def store_panel(slicer_app, monkeypatch, tmp_path, packages):
    """The panel where these states of packages are found, which may change meanwhile."""
    from MedAISegLib.app.interpreter import WorkerCommand
    from MedAISegLib.models import catalogue
    from MedAISegLib.slicer_io import dependencies, worker_link
    from MedAISegLib.slicer_io import session as session_module

    def command(*_, environment, models_home, offline, **__):
        own = {"PYTHONPATH": ROOT + os.pathsep + str(Path(ROOT) / "MedAISeg")}
        home = {"MEDAISEG_HOME": str(models_home)} if models_home else {}
        switch = {"MEDAISEG_OFFLINE": "1"} if offline else {}
        arguments = (sys.executable, "-m", "Testing.host.store_worker")
        return WorkerCommand(arguments, {**environment, **own, **home, **switch})

    monkeypatch.setattr(worker_link, "worker_command", command)
    monkeypatch.setattr(catalogue, "catalogue_file", lambda: tmp_path / "catalogue" / "catalogue.json")
    monkeypatch.setattr(dependencies, "missing", lambda *_, **__: tuple(p for p in packages if not p.is_right))
    monkeypatch.setattr(dependencies, "installed", lambda *_, **__: tuple(packages))
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    opened = open_panel(slicer_app)
    wait_until(lambda: opened.rows("modelTree"), timeout=60)
    yield opened
    slicer_app.quit()
    session_module.close_session()


def models(tmp_path):
    folder = tmp_path / "home" / "models"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def done(panel, words, timeout=180):
    """What the Model section says, once it says it."""
    wait_until(lambda: words in panel.message("model"), timeout=timeout)
    panel.settle()
    return panel.message("model")


def choose(panel, menu, action):
    """A real click on a menu's entry needs the menu open; its action is the same either way."""
    found = panel.find(menu)
    chosen = next(each for each in found.actions() if each.objectName == action)
    assert chosen.enabled, f"{action} cannot be chosen"
    chosen.trigger()
    panel.settle()
