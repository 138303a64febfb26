"""The first start: no worker, no package of it. The published models are listed, and a click on one leads on."""

from __future__ import annotations

import json
import sys

import pytest
from MedAISegLib.app.client import WorkerState
from MedAISegLib.models import catalogue
from MedAISegLib.slicer_io import dependencies
from MedAISegLib.slicer_io.dependencies import PackageState

from Testing.host.driver import wait_until
from Testing.host.panel import open_panel
from Testing.host.panel_store import done, models, publisher, store_panel

__all__ = ["publisher"]


@pytest.fixture
def packages(monkeypatch):
    """What is installed: torch alone, until the packages are installed after asking."""
    there = [
        PackageState("monai", "1.6.1", "", is_right=False),
        PackageState("torch", ">=2.8", "2.9.0", is_right=True),
    ]

    def install(_python, *, on_line, **_):
        on_line("Collecting monai")
        yield None
        there[0] = PackageState("monai", "1.6.1", "1.6.1", is_right=True)

    monkeypatch.setattr(dependencies, "install", install)
    monkeypatch.setattr(dependencies, "installed", lambda *_, **__: tuple(there))
    monkeypatch.setattr(dependencies, "missing", lambda *_, **__: tuple(p for p in there if not p.is_right))
    monkeypatch.setattr(dependencies, "torch_state", lambda *_, **__: there[1])
    return there


@pytest.fixture
def first_start(slicer_app, packages, monkeypatch, tmp_path):
    """The panel with the catalogue of the product, opened where nothing is installed."""
    from MedAISegLib.slicer_io import session

    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    yield open_panel(slicer_app)
    slicer_app.quit()
    session.close_session()


@pytest.fixture
def panel(slicer_app, publisher, packages, monkeypatch, tmp_path):
    """The same with few models, which a server on this machine hands out."""
    with store_panel(slicer_app, monkeypatch, tmp_path, packages) as opened:
        yield opened


def state_of_entry(entry):
    """What the list says of a line of the catalogue."""
    from MedAISegLib.slicer_ui.texts import readable_bytes

    size_bytes = sum(file.get("size_bytes", 0) for file in entry.get("files", ()))
    if entry.get("restricted"):
        return "not to be downloaded"
    return f"to download, {readable_bytes(size_bytes)}" if size_bytes else "to download"


def test_the_published_models_are_listed_with_their_sizes_before_any_worker_is_started(first_start):
    panel = first_start
    published = json.loads(catalogue.catalogue_file().read_text(encoding="utf-8"))["published"]
    wait_until(lambda: len(panel.rows("modelTree")) > len(published), timeout=60)
    states = {row[0]: row[1] for row in panel.rows("modelTree")}
    assert {entry["name"]: states.get(entry["name"]) for entry in published} == {
        entry["name"]: state_of_entry(entry) for entry in published
    }
    assert any(state.endswith("kB") for state in states.values()), "a size is shown where its publisher says it"
    assert panel.session.client.state is WorkerState.STOPPED
    assert panel.message("model") == panel.message("run") == panel.message("advanced") == ""


def test_the_catalogue_is_read_once_for_all_who_ask(slicer_app, packages, monkeypatch, tmp_path):
    from MedAISegLib.slicer_io import model_services

    begun = []
    read = model_services.published_cards

    def counted():
        begun.append(1)
        return read()

    monkeypatch.setattr(model_services, "published_cards", counted)
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    panel = open_panel(slicer_app)
    wait_until(lambda: len(panel.rows("modelTree")) > 50, timeout=60)
    assert panel.session.pump.wait(panel.session.read_catalogue()) == panel.session.models()
    assert begun == [1]
    slicer_app.quit()


def test_a_damaged_catalogue_is_told_to_all_who_ask_and_read_anew_by_the_next(session, monkeypatch):
    from MedAISegLib.core.errors import ResourceError
    from MedAISegLib.slicer_io import model_services

    def damaged():
        yield from ()
        raise ResourceError("it is damaged.")

    read = model_services.published_cards
    monkeypatch.setattr(model_services, "published_cards", damaged)
    jobs = [session.read_catalogue(), session.read_catalogue()]
    for job in jobs:
        with pytest.raises(ResourceError, match="damaged"):
            session.pump.wait(job)
    monkeypatch.setattr(model_services, "published_cards", read)
    assert len(session.pump.wait(session.read_catalogue())) > 50


def test_a_download_asks_for_the_packages_first_and_goes_on_once_they_are_there(panel, publisher, tmp_path):
    panel.select("modelTree", "Liver")
    assert panel.ui.downloadButton.text == "Download (3 MB)"
    panel.click("downloadButton")
    assert "monai" in panel.message("model")
    assert "Install now?" in panel.message("model")
    assert publisher.asked == []
    assert panel.session.client.state is WorkerState.STOPPED
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: Liver")
    assert models(tmp_path) == ["liver"]
    assert ["Liver", "ready"] in panel.rows("modelTree")


def test_who_wants_no_packages_gets_none_and_no_model(panel, packages, publisher, tmp_path):
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    panel.click("modelMessageNoButton")
    assert panel.message("model") == ""
    assert not packages[0].is_right
    assert publisher.asked == []
    assert models(tmp_path) == []
    assert panel.session.client.state is WorkerState.STOPPED


def test_clicks_before_the_python_is_known_are_done_once_when_it_is(panel, packages, monkeypatch, tmp_path):
    known, begun = [], []
    install = panel.session.install_model
    monkeypatch.setattr(panel.session, "install_model", lambda *a, **k: begun.append(a) or install(*a, **k))
    find = panel.session.worker.find_python

    def find_later():
        while not known:
            yield None
        return (yield from find())

    monkeypatch.setattr(panel.session.worker, "find_python", find_later)
    monkeypatch.setattr(panel.widget.panel._packages, "_python", None)
    packages[0] = PackageState("monai", "1.6.1", "1.6.1", is_right=True)
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    panel.click("downloadButton")
    assert models(tmp_path) == []
    assert panel.session.client.state is WorkerState.STOPPED
    known.append(True)
    done(panel, "On this computer now: Liver")
    assert models(tmp_path) == ["liver"]
    assert len(begun) == 1
