"""The Advanced section: what is installed, installing after asking, stopping, trying, and the worker."""

from __future__ import annotations

import pytest
from MedAISegLib.core.errors import ResourceError
from MedAISegLib.slicer_io import dependencies, private_packages, torch_extension
from MedAISegLib.slicer_io.dependencies import PackageState

from Testing.host.driver import wait_until
from Testing.host.panel import panel
from Testing.host.runs_in_scene import bright_volume

__all__ = ["panel"]

MISSING = PackageState("monai", "1.6.1", "", is_right=False)
TORCH = PackageState("torch", ">=2.8", "2.9.0", is_right=True)


@pytest.fixture
def packages(monkeypatch):
    """What is installed; ``install`` puts it there in three pieces."""
    there = [MISSING, TORCH]

    def install(python, *, on_line, wheels=None, offline=False, home=None):
        if offline:
            raise ResourceError("packages cannot be fetched.", remedy="Turn strict offline off.")
        for line in ("Collecting monai", "Installing", "Trying the packages …"):
            on_line(line)
            for _ in range(20):
                yield None
        there[0] = PackageState("monai", "1.6.1", "1.6.1", is_right=True)

    def remove(_home=None):
        there[0] = MISSING
        yield None

    monkeypatch.setattr(dependencies, "install", install)
    monkeypatch.setattr(private_packages, "remove_packages", remove)
    return there


@pytest.fixture
def lacking(panel, packages, monkeypatch):
    """The panel where packages are missing."""
    monkeypatch.setattr(dependencies, "installed", lambda *_, **__: tuple(packages))
    monkeypatch.setattr(dependencies, "missing", lambda *_, **__: tuple(p for p in packages if not p.is_right))
    monkeypatch.setattr(dependencies, "torch_state", lambda *_, **__: packages[1])
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    wait_until(lambda: panel.rows("packageTree"), timeout=60)
    return panel


def test_what_is_missing_is_listed(lacking):
    assert lacking.rows("packageTree") == [["monai", "–", "missing"], ["torch", "2.9.0", "ok"]]
    assert lacking.ui.dependenciesLabel.text == "Not installed yet: monai"
    assert lacking.ui.installButton.text == "Install"


def test_apply_asks_before_anything_is_installed_and_then_runs(lacking):
    bright_volume(lacking.host.scene)
    lacking.settle()
    lacking.click("applyButton")
    assert "monai" in lacking.message("run")
    assert lacking.session.runs == ()
    lacking.click("runMessageYesButton")
    wait_until(lambda: lacking.session.runs, timeout=60)
    lacking.wait_for_runs()
    assert lacking.session.runs[-1].error is None
    assert "Collecting monai" in lacking.ui.dependencyOutput.plainText
    assert lacking.rows("packageTree")[0] == ["monai", "1.6.1", "ok"]


def test_apply_installs_nothing_where_the_user_does_not_want_it(lacking, packages):
    bright_volume(lacking.host.scene)
    lacking.settle()
    lacking.click("applyButton")
    lacking.click("runMessageNoButton")
    assert packages[0] is MISSING
    assert lacking.session.runs == ()


def test_an_installation_can_be_stopped(lacking, packages, monkeypatch):
    def endless(python, *, on_line, **_):
        on_line("Collecting")
        while True:
            yield None

    monkeypatch.setattr(dependencies, "install", endless)
    lacking.click("installButton")
    lacking.click("advancedMessageYesButton")
    wait_until(lambda: lacking.ui.stopDependencyButton.enabled, timeout=60)
    assert not lacking.ui.installButton.enabled
    lacking.click("stopDependencyButton")
    wait_until(lambda: not lacking.ui.stopDependencyButton.enabled, timeout=60)
    assert "Stopped" in lacking.message("advanced")
    assert packages[0] is MISSING


def test_a_failure_of_torchs_own_extension_is_told(lacking, packages, monkeypatch):
    def missing_extension():
        raise ResourceError("Slicer's PyTorch extension is not installed.", remedy="Install “PyTorch”.")

    packages[1] = PackageState("torch", ">=2.8", "", is_right=False)
    monkeypatch.setattr(torch_extension, "install_torch", missing_extension)
    lacking.click("installButton")
    assert "PyTorch extension" in lacking.message("advanced")
    lacking.click("advancedMessageYesButton")
    wait_until(lambda: "Install “PyTorch”" in lacking.message("advanced"), timeout=60)


def test_removing_asks_first(lacking, packages):
    packages[0] = PackageState("monai", "1.6.1", "1.6.1", is_right=True)
    lacking.click("uninstallButton")
    assert packages[0].is_right
    lacking.click("advancedMessageYesButton")
    wait_until(lambda: "deleted" in lacking.message("advanced"), timeout=60)
    assert packages[0] is MISSING


def test_the_diagnosis_runs_on_the_device_and_is_told(panel):
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    panel.click("diagnoseButton")
    wait_until(lambda: "computes as it should" in panel.message("advanced"), timeout=60)
    assert "A small convolution took 3 ms." in panel.ui.dependencyOutput.plainText


def test_the_worker_is_restarted_by_its_button(panel):
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    wait_until(lambda: panel.session.client.pid is not None, timeout=60)
    pid = panel.session.client.pid
    wait_until(lambda: str(pid) in panel.ui.workerLabel.text, timeout=60)
    panel.click("restartWorkerButton")
    wait_until(lambda: panel.session.client.pid != pid, timeout=60)
    wait_until(lambda: "not started" in panel.ui.workerLabel.text, timeout=60)


def test_the_folder_of_models_is_made_and_opened(panel, monkeypatch, tmp_path):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()), raising=False)
    panel.ui.advancedSection.collapsed = False
    panel.ui.modelStoreGroup.collapsed = False
    panel.settle()
    panel.click("modelsFolderButton")
    assert opened == [str(tmp_path / "home" / "models")]
    assert (tmp_path / "home" / "models").is_dir()


def test_a_python_that_is_not_there_is_told_where_it_matters(panel):
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    panel.ui.pythonPath.currentPath = "/nowhere/python"
    panel.ui.advancedSection.collapsed = True
    panel.settle()
    panel.ui.advancedSection.collapsed = False
    wait_until(lambda: "/nowhere/python" in panel.ui.dependenciesLabel.text, timeout=60)
    panel.ui.pythonPath.currentPath = ""


def test_an_answer_of_the_python_before_does_not_replace_that_of_the_present_one(panel, monkeypatch):
    from MedAISegLib.slicer_io.pump import WAITING

    worker, answers = panel.session.worker, []
    at_once = type(worker).find_python

    def late(_self):
        python = yield from at_once(worker)
        while not answers:
            yield WAITING
        answers.append("given")
        return python

    panel.settle()
    with monkeypatch.context() as patch:
        patch.setattr(type(worker), "find_python", late)
        panel.ui.advancedSection.collapsed = False
        panel.settle()
    panel.ui.pythonPath.currentPath = "/nowhere/python"
    panel.ui.advancedSection.collapsed = True
    panel.ui.advancedSection.collapsed = False
    wait_until(lambda: "/nowhere/python" in panel.ui.dependenciesLabel.text, timeout=60)
    answers.append("now")
    wait_until(lambda: "given" in answers, timeout=60)
    panel.settle()
    assert "/nowhere/python" in panel.ui.dependenciesLabel.text
    panel.ui.pythonPath.currentPath = ""


def test_packages_that_are_asked_about_in_two_places_are_installed_once_and_both_go_on(lacking, monkeypatch):
    begun, asked, install = [], [], dependencies.install
    monkeypatch.setattr(dependencies, "install", lambda *a, **k: begun.append(a) or install(*a, **k))
    monkeypatch.setattr(lacking.session, "install_model", lambda request, **_: asked.append(request.source))
    bright_volume(lacking.host.scene)
    lacking.settle()
    lacking.select("modelTree", "Model elsewhere")
    lacking.click("downloadButton")
    lacking.select("modelTree", "Bright things")
    lacking.click("applyButton")
    lacking.click("modelMessageYesButton")
    lacking.click("runMessageYesButton")
    wait_until(lambda: lacking.session.runs, timeout=60)
    lacking.wait_for_runs()
    assert lacking.session.runs[-1].error is None
    assert asked == ["far"]
    assert len(begun) == 1
