"""What tests of runs share: volumes with something bright in them, a session on a small worker, waiting."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from MedAISegLib.app.interpreter import WorkerCommand
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io import image_pieces, model_services, pump, session, worker_link
from MedAISegLib.slicer_io.inputs import NodeInput
from MedAISegLib.slicer_io.logic import SegmentationLogic
from MedAISegLib.slicer_io.runs import Output, RunRequest
from MedAISegLib.slicer_io.volume_node import volume_to_node

from Testing.host.driver import wait_until

THRESHOLD_WORKER = Path(__file__).with_name("threshold_worker.py")
SHAPE = (24, 30, 36)


def threshold_command(*_, **__):
    return WorkerCommand((sys.executable, str(THRESHOLD_WORKER)), dict(os.environ))


@contextmanager
def console_logic(monkeypatch, *cards):
    """The logic of the Python console, with models of the threshold worker and none that are published."""
    monkeypatch.setattr(worker_link, "worker_command", threshold_command)
    monkeypatch.setattr(model_services, "known_models", lambda: cards)
    monkeypatch.setattr(model_services, "published_cards", lambda: iter(()))
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    yield SegmentationLogic()
    session.close_session()


@contextmanager
def one_piece_a_tick():
    """Small volumes go through in a moment otherwise."""
    with patch.object(pump, "_WORKING_S", 0.0), patch.object(image_pieces, "_PIECE_BYTES", 1):
        yield


def oblique(shape=SHAPE):
    """A turned grid of right angles with three different spacings."""
    a = np.radians(20.0)
    turned = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = (turned * np.array([1.1, 1.2, 2.0]))[:, [2, 1, 0]]
    affine[:3, 3] = 5, -7, 11
    return VolumeGeometry(shape, affine)


def bright_volume(scene, name="T1", shape=SHAPE):
    voxels = np.zeros(shape, np.int16)
    k, j, i = (n // 4 for n in shape)
    voxels[k : 2 * k, j : 2 * j, i : 3 * i] = 60
    voxels[2 * k : 3 * k, j : 2 * j, i : 2 * i] = 100
    return volume_to_node(Volume(voxels, oblique(shape)), scene, name)


def request(*nodes, model="threshold", **options):
    inputs = {name: NodeInput(node.GetID()) for name, node in zip(("T1", "T2", "T3"), nodes, strict=False)}
    output = options.pop("output", None)
    facts = {key: options.pop(key) for key in ("mode", "overwrite_edited", "kept", "name") if key in options}
    return RunRequest(
        model=model, inputs=inputs, output=Output(node_id=output.GetID() if output else "", **facts), **options
    )


def finish(run, timeout=60.0):
    wait_until(lambda: run.is_finished, timeout=timeout)
    return run


def until(run, state, timeout=60.0):
    """Spins until the run is in a state (or past it)."""
    states = list(type(state))
    wait_until(lambda: states.index(run.state) >= states.index(state), timeout=timeout)


def segment_names(node):
    content = node.GetSegmentation()
    return [content.GetNthSegment(n).GetName() for n in range(content.GetNumberOfSegments())]


def segmentations(scene):
    return [
        scene.GetNthNodeByClass(n, "vtkMRMLSegmentationNode")
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))
    ]


def census(scene):
    """Class and name of every node."""
    return sorted(
        (scene.GetNthNode(n).GetClassName(), scene.GetNthNode(n).GetName()) for n in range(scene.GetNumberOfNodes())
    )


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child that nobody has waited for yet is dead all the same.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path("/proc").is_dir() else True


def gone_soon(pid, seconds=60.0):
    end = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(pid)
