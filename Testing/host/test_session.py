"""The session: one for the process, and nothing of it stays when it ends, whichever way that is."""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from pathlib import Path

import pytest
from MedAISegLib.app.exchange import Exchange
from MedAISegLib.slicer_io import session as session_module
from MedAISegLib.slicer_io import worker_link
from MedAISegLib.slicer_io.runs import RunState

from Testing.host.driver import spin, wait_until
from Testing.host.runs_in_scene import (
    bright_volume,
    finish,
    gone_soon,
    request,
    threshold_command,
)

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "monai", "highdicom", "nibabel", "psutil", "platformdirs", "click", "rich", "h5py")


@pytest.fixture
def small_worker(slicer_app, monkeypatch):
    monkeypatch.setattr(worker_link, "worker_command", threshold_command)
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    yield
    session_module.close_session()


@pytest.fixture
def session(small_worker):
    return session_module.session()


@pytest.fixture
def scene(slicer_app):
    return slicer_app.scene


def exchange_folders():
    import slicer

    return list(Path(slicer.app.temporaryPath).glob("MedAISeg-*"))


def running(session, scene, model="slow"):
    """A run that is on the worker, and the worker's process."""
    run = session.submit(request(bright_volume(scene), model=model))
    wait_until(lambda: run.progress and run.progress.fraction > 0.1, timeout=60)
    return run, session.client.pid


def refresh(session):
    """Makes the worker start."""
    job = session.refresh_models()
    wait_until(lambda: job.is_finished, timeout=60)


def observers(scene):
    return str(scene).count("vtkObserver (")


def timers():
    from PySide6.QtCore import QTimer

    gc.collect()
    return sum(1 for thing in gc.get_objects() if isinstance(thing, QTimer) and thing.isActive())


def test_there_is_one_session_and_it_starts_nothing(small_worker):
    ticking = timers()
    first = session_module.session()
    assert session_module.session() is first
    assert first.client.pid is None
    assert exchange_folders() == []
    assert timers() == ticking


def test_the_models_are_known_without_the_worker(session):
    assert [card.id for card in session.models()] == ["hippocampus"]
    assert session.client.pid is None


def test_closing_in_the_middle_of_a_run_leaves_no_process_file_observer_or_timer(small_worker, scene):
    before, ticking = observers(scene), timers()
    session = session_module.session()
    run, pid = running(session, scene)
    session_module.close_session()
    assert gone_soon(pid)
    assert exchange_folders() == []
    assert observers(scene) - before <= 0
    assert timers() == ticking
    spin(0.2)
    assert not run.is_finished or run.state is RunState.CANCELLED


def test_the_end_of_the_application_ends_everything_although_only_the_console_used_it(slicer_app, session, scene):
    _, pid = running(session, scene)
    slicer_app.quit()
    assert session.is_closed
    assert gone_soon(pid)
    assert exchange_folders() == []


FORGETFUL = """
from MedAISegLib.slicer_io import session, worker_link
from Testing.host.runs_in_scene import threshold_command

worker_link.worker_command = threshold_command
held = session.session()
held.exchange.new_folder()
job = held.devices()
while held.client.pid is None:
    held.pump.tick()
print(held.client.pid)
"""


def test_the_end_of_a_python_without_an_application_ends_everything_too(tmp_path):
    places = {"TMPDIR": str(tmp_path), "MEDAISEG_PYTHON": sys.executable, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL],
        capture_output=True, text=True, timeout=120, check=True, env={**os.environ, **places},
    )  # fmt: skip
    assert gone_soon(int(done.stdout))
    assert list(tmp_path.glob("MedAISeg-*")) == []


def test_a_new_session_can_follow_a_closed_one(session, scene):
    session.close()
    again = session_module.session()
    assert again is not session
    assert finish(again.submit(request(bright_volume(scene)))).state is RunState.DONE


def drop_library():
    """What a reload of the module does with the library's modules."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "MedAISegLib"}


def test_five_reloads_with_forgotten_sessions_leave_no_process_observer_timer_or_file_more(
    small_worker, scene, monkeypatch
):
    before, ticking = observers(scene), timers()
    kept, pids = [], []
    old = dict(sys.modules)
    try:
        for _ in range(5):
            module = importlib.import_module("MedAISegLib.slicer_io.session")
            link = importlib.import_module("MedAISegLib.slicer_io.worker_link")
            runs = importlib.import_module("Testing.host.runs_in_scene")
            link.worker_command = threshold_command
            session = module.session()
            refresh(session)
            pids.append(session.client.pid)
            kept.append(drop_library())
            sys.modules.pop(runs.__name__)
        newest = importlib.import_module("MedAISegLib.slicer_io.session")
        newest.session()
        assert all(gone_soon(pid) for pid in pids)
        assert len(set(pids)) == 5
        newest.close_session()
    finally:
        sys.modules.update(old)
    assert observers(scene) <= before
    assert timers() == ticking
    assert exchange_folders() == []


def test_what_a_killed_slicer_has_left_is_swept_at_the_next_start(small_worker):
    import slicer

    script = f"""
        import os, pathlib
        from MedAISegLib.app.exchange import Exchange
        exchange = Exchange(pathlib.Path({slicer.app.temporaryPath!r}))
        (exchange.new_folder() / "voxels.raw").write_bytes(b"x" * 1000)
        os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert len(exchange_folders()) == 1
    alive = Exchange(Path(slicer.app.temporaryPath))
    folder = alive.new_folder()
    session_module.session()
    assert [path.name for path in exchange_folders()] == [folder.parent.name]
    alive.close()


def test_the_worker_is_restarted_with_the_settings_of_then(session):
    refresh(session)
    first = session.client.pid
    session.restart_worker()
    refresh(session)
    assert session.client.pid != first
    assert gone_soon(first)


def waited_for_processor_s():
    """How long this thread could have run and another process did; 0 where the system does not tell."""
    schedule = Path("/proc/thread-self/schedstat")
    return int(schedule.read_text().split()[1]) / 1e9 if schedule.is_file() else 0.0


class Heartbeat:
    """A timer of 10 ms in the application, and the longest time between two beats."""

    def __init__(self):
        import qt

        self.beats = []
        self.timer = qt.QTimer()
        self.timer.connect("timeout()", self.beat)
        self.timer.start(10)

    def beat(self):
        self.beats.append(time.perf_counter() - waited_for_processor_s())

    def longest_s(self):
        self.timer.stop()
        return max(later - earlier for earlier, later in pairwise(self.beats))


def test_from_submit_to_result_the_event_loop_never_stalls(session, scene):
    finish(session.submit(request(bright_volume(scene))))
    volume = bright_volume(scene, "large", (200, 400, 400))
    heartbeat = Heartbeat()
    spin(0.2)
    run = session.submit(request(volume))
    finish(run, timeout=120)
    spin(0.1)
    assert run.state is RunState.DONE
    assert heartbeat.longest_s() < 0.1


def test_a_whole_session_brings_nothing_heavy_into_slicers_process(tmp_path):
    script = f"""
        import os, sys
        sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "MedAISeg")!r}]
        from Testing.host.application.host import Host
        host = Host()
        from MedAISegLib.slicer_io import session as session_module, worker_link
        from Testing.host.runs_in_scene import bright_volume, finish, request, threshold_command
        worker_link.worker_command = threshold_command
        session = session_module.session()
        run = finish(session.submit(request(bright_volume(host.scene))))
        assert run.error is None, run.error
        session_module.close_session()
        print("heavy:", sorted(set(name.split(".")[0] for name in sys.modules) & set({HEAVY!r})))
        sys.stdout.flush()
        os._exit(0)
    """
    environment = dict(os.environ) | {"MEDAISEG_PYTHON": sys.executable, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, env=environment, check=False
    )
    assert "heavy: []" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.engine
def test_a_whole_session_on_the_real_worker_neither_stalls_nor_brings_in_anything_heavy(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed")
    script = f"""
        import os, sys
        sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "MedAISeg")!r}]
        from pathlib import Path
        from Testing.host.application.host import Host
        host = Host()
        from Testing.host.driver import spin
        from Testing.host.runs_in_scene import finish, request
        from Testing.host.test_session import Heartbeat
        before = set(sys.modules)
        from MedAISegLib.slicer_io import session as session_module
        from MedAISegLib.slicer_io.sample_data import load_sample_study
        volume = load_sample_study()
        session = session_module.session()
        heartbeat = Heartbeat()
        run = finish(session.submit(request(volume, model="hippocampus")), timeout=600)
        assert run.error is None, run.error
        longest = heartbeat.longest_s()
        assert len(session.pump.wait(session.measure(run.node))) == 2
        assert session.pump.wait(session.diagnose("cpu")).works
        files = session.pump.wait(session.export(run.node, ("nifti", "tables"), Path({str(tmp_path)!r}) / "out")).files
        session_module.close_session()
        added = set(name.partition(".")[0] for name in set(sys.modules) - before)
        print("heavy:", sorted(added & set({HEAVY!r})), "longest:", round(longest, 3), "files:", sorted(files))
        sys.stdout.flush()
        os._exit(0)
    """
    environment = dict(os.environ) | {
        "MEDAISEG_PYTHON": sys.executable, "MEDAISEG_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, env=environment, check=False
    )
    assert "heavy: [] " in done.stdout, done.stdout + done.stderr
    assert "files: ['nifti', 'tables']" in done.stdout
    assert float(done.stdout.partition("longest: ")[2].split()[0]) < 0.1
