"""Runs on series of the DICOM database: loaded when their turn comes, by Slicer, and once."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import pytest
from MedAISegLib.core.errors import InputError, ResourceError
from MedAISegLib.slicer_io import run_inputs, worker_link
from MedAISegLib.slicer_io import session as session_module
from MedAISegLib.slicer_io.inputs import NodeInput, SeriesInput
from MedAISegLib.slicer_io.runs import RunRequest, RunState

from Testing.host.dicom_cases import all_series, import_into
from Testing.host.driver import wait_until
from Testing.host.runs_in_scene import bright_volume, census, finish, segmentations, threshold_command

VOLUME = "vtkMRMLScalarVolumeNode"


@pytest.fixture
def session(slicer_app, monkeypatch):
    monkeypatch.setattr(worker_link, "worker_command", threshold_command)
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    current = session_module.session()
    yield current
    session_module.close_session()


@pytest.fixture
def study(slicer_app, shared_data, tmp_path):
    """Series UID by description, of four series of one study whose files may be taken away."""
    copy = tmp_path / "study"
    shutil.copytree(shared_data / "brain_mr_dicom" / "study1", copy)
    return all_series(import_into(tmp_path / "db", copy))


def volumes(scene):
    return scene.GetNumberOfNodesByClass(VOLUME)


def everything(scene):
    """Nodes, and the subject hierarchy with its patients and studies."""
    import vtk

    hierarchy, items = scene.GetSubjectHierarchyNode(), vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return census(scene), [hierarchy.GetItemName(items.GetId(n)) for n in range(items.GetNumberOfIds())]


def request(series, **options):
    channels = ("A", "B", "C", "D")
    inputs = {name: SeriesInput(uid) for name, uid in zip(channels, series, strict=False)}
    return RunRequest(model="threshold", inputs=inputs, **options)


def test_four_series_are_loaded_when_the_run_begins_and_go_to_the_worker_with_their_tags(session, study, slicer_app):
    four = dict(list(study.items())[:4])
    run = session.submit(request(four.values()))
    assert volumes(slicer_app.scene) == 0
    finish(run)
    assert run.error is None
    assert volumes(slicer_app.scene) == 4
    said = run.result.provenance.parameters
    assert {value.split("|")[1] for value in said.values()} == set(four)
    assert {value.split("|")[0] for value in said.values()} == {"MR"}


def test_a_series_that_is_loaded_already_is_not_loaded_again(session, study, slicer_app):
    (uid, *_) = study.values()
    first = finish(session.submit(request([uid])))
    second = finish(session.submit(request([uid])))
    assert (first.state, second.state) == (RunState.DONE, RunState.DONE)
    assert volumes(slicer_app.scene) == 1


def test_a_loaded_series_that_was_edited_or_deleted_is_loaded_again(session, study, slicer_app):
    import slicer

    (uid, *_) = study.values()
    finish(session.submit(request([uid])))
    node = slicer_app.scene.GetFirstNodeByClass(VOLUME)
    slicer.util.arrayFromVolume(node)[:] = 0
    slicer.util.arrayFromVolumeModified(node)
    assert finish(session.submit(request([uid]))).state is RunState.DONE
    assert volumes(slicer_app.scene) == 2
    for _ in range(2):
        slicer_app.scene.RemoveNode(slicer_app.scene.GetFirstNodeByClass(VOLUME))
    assert finish(session.submit(request([uid]))).state is RunState.DONE
    assert volumes(slicer_app.scene) == 1


def test_series_whose_files_are_gone_fail_in_words_and_the_next_run_works(session, study, slicer_app, tmp_path):
    shutil.rmtree(tmp_path / "study")
    run = finish(session.submit(request(list(study.values())[:1])))
    assert run.state is RunState.FAILED
    assert isinstance(run.error, InputError)
    assert run.error.remedy
    assert segmentations(slicer_app.scene) == []
    volume = bright_volume(slicer_app.scene)
    again = RunRequest(model="threshold", inputs={"A": NodeInput(volume.GetID())})
    assert finish(session.submit(again)).state is RunState.DONE


def test_a_database_that_is_closed_meanwhile_is_told(session, study, slicer_app):
    import slicer

    run = session.submit(request(list(study.values())[:1]))
    slicer.dicomDatabase.closeDatabase()
    finish(run)
    assert isinstance(run.error, (ResourceError, InputError))
    assert "database" in str(run.error)


def test_a_wait_cursor_shows_while_slicer_loads(session, study, slicer_app, monkeypatch):
    from PySide6.QtWidgets import QApplication

    load, shown = run_inputs.load_series, []

    def watched(uid):
        shown.append(QApplication.overrideCursor() is not None)
        return load(uid)

    monkeypatch.setattr(run_inputs, "load_series", watched)
    finish(session.submit(request(list(study.values())[:1])))
    assert shown == [True]
    assert QApplication.overrideCursor() is None


@pytest.mark.parametrize("at", [RunState.LOADING, RunState.SENDING, RunState.RUNNING, RunState.PLACING])
def test_what_a_cancelled_run_has_loaded_goes_again(session, study, slicer_app, at):
    before = everything(slicer_app.scene)
    run = session.submit(request(list(study.values())[:2]))
    run.add_listener(lambda r: r.cancel() if r.state is at else None)
    finish(run)
    assert run.state is RunState.CANCELLED
    assert everything(slicer_app.scene) == before
    assert finish(session.submit(request(list(study.values())[:2]))).state is RunState.DONE


def test_what_a_failed_run_has_loaded_goes_again(session, study, slicer_app):
    before = everything(slicer_app.scene)
    run = finish(session.submit(replace(request(list(study.values())[:1]), model="dies")))
    assert run.state is RunState.FAILED
    assert everything(slicer_app.scene) == before


def edit(node):
    import slicer

    slicer.util.arrayFromVolume(node)[:] = 0
    slicer.util.arrayFromVolumeModified(node)


def draw_a_box_for(node):
    scene = node.GetScene()
    scene.AddNewNodeByClass("vtkMRMLMarkupsROINode").SetNodeReferenceID("image", node.GetID())


@pytest.mark.parametrize("use", [edit, draw_a_box_for])
def test_what_was_used_while_the_run_went_on_stays(session, study, slicer_app, use):
    run = session.submit(replace(request(list(study.values())[:1]), model="slow"))
    wait_until(lambda: run.progress and run.progress.fraction > 0.1, timeout=60)
    use(slicer_app.scene.GetFirstNodeByClass(VOLUME))
    run.cancel()
    finish(run)
    assert volumes(slicer_app.scene) == 1


def test_an_image_that_was_in_the_scene_before_a_cancelled_run_stays(session, study, slicer_app):
    (uid, *_) = study.values()
    finish(session.submit(request([uid])))
    run = session.submit(request([uid]))
    run.add_listener(lambda r: r.cancel() if r.state is RunState.SENDING else None)
    finish(run)
    assert run.state is RunState.CANCELLED
    assert volumes(slicer_app.scene) == 1
