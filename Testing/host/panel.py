"""The module's panel in the emulated application, as tests use it: found, looked at, clicked."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from Testing.host.driver import click, spin, wait_until
from Testing.host.pythonqt import unwrap

ROOT = str(Path(__file__).parents[2])
MODULE = Path(ROOT) / "MedAISeg" / "MedAISeg.py"


class ThePanel:
    """What a user sees of the module, with names from MedAISeg.ui."""

    def __init__(self, host):
        import slicer

        self.host = host
        self.widget = slicer.modules.MedAISegWidget
        self.session = self.widget.logic.session

    @property
    def ui(self):
        return self.widget.ui

    @property
    def parameters(self):
        return self.widget.logic.getParameterNode()

    def find(self, name):
        """A widget that the panel has made itself; None where there is none. What is about to be deleted is hidden."""
        import slicer

        found = [w for w in slicer.util.findChildren(self.ui.MedAISeg) if w.objectName == name]
        return next((w for w in found if unwrap(w).isVisible()), found[0] if found else None)

    def message(self, place):
        """What stands in a message area (run, model, result, advanced, welcome); empty for nothing."""
        label = self.find(f"{place}MessageLabel")
        return label.text if label is not None and unwrap(label).isVisible() else ""

    def click(self, name):
        widget = getattr(self.ui, name, None) or self.find(name)
        click(widget)
        self.settle()

    def choose(self, name, text):
        """An entry of a combo box by (part of) its text."""
        combo = getattr(self.ui, name, None) or self.find(name)
        texts = [combo.itemText(n) for n in range(combo.count)]
        combo.setCurrentIndex(next(n for n, entry in enumerate(texts) if text in entry))
        self.settle()

    def texts(self, name):
        combo = self.find(name)
        return [combo.itemText(n) for n in range(combo.count)]

    def items(self, tree_name):
        tree = getattr(self.ui, tree_name)
        for n in range(tree.topLevelItemCount):
            top = tree.topLevelItem(n)
            yield top
            yield from (top.child(c) for c in range(top.childCount()))

    def rows(self, tree_name):
        """The cells of each line of a tree that is to be seen."""
        columns = range(getattr(self.ui, tree_name).columnCount)
        return [[item.text(c) for c in columns] for item in self.items(tree_name) if not item.isHidden()]

    def item(self, tree_name, text):
        found = [item for item in self.items(tree_name) if item.text(0) == text]
        assert found, f"{text!r} is not in {tree_name}: {self.rows(tree_name)}"
        return found[0]

    def select(self, tree_name, text):
        getattr(self.ui, tree_name).setCurrentItem(self.item(tree_name, text))
        self.settle()

    def tick(self, tree_name, text, *, ticked):
        self.item(tree_name, text).setCheckState(0, 2 if ticked else 0)
        self.settle()

    def settle(self):
        spin(0.15)

    def wait_for_runs(self, timeout=400.0):
        wait_until(lambda: all(run.is_finished for run in self.session.runs), timeout=timeout)
        self.settle()


def cards():
    """Models for the worker of these tests, which takes what is bright for a structure."""
    from MedAISegLib.models.card import ModelCard, ModelState
    from MedAISegLib.models.spec import Channel, SegmentSpec

    segments = (
        SegmentSpec(1, "Bright", color_rgb=(200, 100, 50)),
        SegmentSpec(2, "Brightest", color_rgb=(50, 100, 200)),
        SegmentSpec(3, "Nothing", color_rgb=(9, 9, 9)),
    )
    bright = ModelCard(
        id="threshold",
        name="Bright things",
        state=ModelState.READY,
        version="1",
        description="Outlines what is bright.",
        anatomy="head",
        channels=(Channel("T1", "MR"),),
        segments=segments,
        license="MIT",
        commercial_use=True,
        citation="Nobody et al.",
        size_bytes=12_000_000,
    )
    behaviours = tuple(
        replace(bright, id=name, name=f"Model that {name}")
        for name in ("slow", "killed", "dies", "rubbish", "refuses", "full", "deaf")
    )
    facts = {"segments": (), "classes": ("dark", "bright"), "sees_slices": True, "channels": (Channel("image", "DX"),)}
    classifiers = tuple(
        replace(bright, id=model, name=name, **facts)
        for model, name in (
            ("chest", "Chest classes"),
            ("slow-classes", "Slow classes"),
            ("dies-classes", "Bad classes"),
        )
    )
    four = tuple(Channel(name, "MR") for name in ("T1c", "T1", "T2", "FLAIR"))
    many = tuple(SegmentSpec(n, f"Structure number {n} of the body", color_rgb=(n, 255 - n, 99)) for n in range(1, 105))
    return (
        bright,
        *behaviours,
        *classifiers,
        replace(bright, id="four", name="Brain tumour of four sequences", channels=four, anatomy="brain"),
        replace(bright, id="many", name="Whole body", channels=(Channel("image", "CT"),), segments=many),
        replace(bright, id="tools", name="Tools in pictures", channels=tuple(map(Channel, "RGB")), sees_slices=True),
        replace(bright, id="pet", name="Lesions in PET", channels=(Channel("PET", "PT", "SUV"),)),
        replace(bright, id="far", name="Model elsewhere", state=ModelState.TO_DOWNLOAD, size_bytes=250_000_000),
        replace(bright, id="odd", name="Odd model", state=ModelState.UNUSABLE, problem="Its weights are missing."),
    )


def open_panel(host):
    """The module entered, in a main window that is shown, and it knows which packages are there."""
    host.load_module(MODULE)
    host.startup_completed()
    host.main_window.show()
    host.enter("MedAISeg")
    panel = ThePanel(host)
    wait_until(lambda: panel.ui.dependenciesLabel.text, timeout=60)
    panel.settle()
    return panel


def use_small_worker(patch):
    """Have runs made by a worker that needs no torch; ``patch`` sets an attribute, as pytest's monkeypatch does."""
    from MedAISegLib.app.interpreter import WorkerCommand
    from MedAISegLib.slicer_io import dependencies, model_services, worker_link

    def command(*_, **__):
        return WorkerCommand((sys.executable, "-m", "Testing.host.panel_worker"), {**os.environ, "PYTHONPATH": ROOT})

    patch(worker_link, "worker_command", command)
    patch(model_services, "known_models", cards)
    patch(model_services, "published_cards", lambda: iter(()))
    patch(dependencies, "missing", lambda *_, **__: ())
    patch(dependencies, "installed", lambda *_, **__: ())


@pytest.fixture
def panel(slicer_app, monkeypatch, tmp_path):
    """The panel on a small worker that needs no torch, with models that behave in all the ways a model can."""
    _prepare(monkeypatch, tmp_path)
    yield open_panel(slicer_app)
    _end(slicer_app)


@pytest.fixture
def panel_without_packages(slicer_app, monkeypatch, tmp_path):
    """The same at a first start: none of the worker's packages is installed."""
    from MedAISegLib.slicer_io import dependencies

    _prepare(monkeypatch, tmp_path)
    monai = dependencies.PackageState("monai", "1.6.1", "", is_right=False)
    monkeypatch.setattr(dependencies, "missing", lambda *_, **__: (monai,))
    monkeypatch.setattr(dependencies, "installed", lambda *_, **__: (monai,))
    yield open_panel(slicer_app)
    _end(slicer_app)


def _prepare(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    use_small_worker(monkeypatch.setattr)


def _end(slicer_app):
    from MedAISegLib.slicer_io import session

    slicer_app.quit()
    session.close_session()
