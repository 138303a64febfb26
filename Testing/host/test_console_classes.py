"""Classification from the Python console: the table, the record, and every frame of a sequence."""

from __future__ import annotations

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.models.spec import Channel
from MedAISegLib.slicer_io.class_table import classification_of_node
from MedAISegLib.slicer_io.runs import RunState

from Testing.host.runs_in_scene import SHAPE, bright_volume, console_logic, finish, segmentations
from Testing.host.test_console_logic import volume_sequence

IMAGE = (Channel("image"),)
SEGMENTS = ModelCard("threshold", "Bright things", ModelState.READY, channels=IMAGE)
CLASSES = ModelCard("classes", "Classes", ModelState.READY, channels=IMAGE, classes=("dark", "bright"))


@pytest.fixture
def logic(slicer_app, monkeypatch):
    with console_logic(monkeypatch, SEGMENTS, CLASSES) as made:
        yield made


@pytest.fixture
def scene(slicer_app):
    return slicer_app.scene


def test_classifying_gives_the_table_and_the_record(logic, scene):
    volume = bright_volume(scene)
    table, result = logic.classify(volume, "classes", name="Mine")
    assert table.GetName() == "Mine"
    assert classification_of_node(table) == result
    assert len(result.images) == table.GetTable().GetNumberOfRows() == SHAPE[0]
    assert result.images[0].image == f"{volume.GetName()}, slice 1"
    assert [found.name for found in result.images[0].classes] == ["dark", "bright"]
    assert segmentations(scene) == []


def test_it_lies_beside_its_image_in_the_subject_hierarchy(logic, scene):
    volume = bright_volume(scene)
    hierarchy = scene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), study)
    table, _ = logic.classify(volume, "classes")
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table)) == study


def test_models_of_the_other_kind_are_refused_with_the_right_call(logic, scene):
    volume = bright_volume(scene)
    with pytest.raises(ModelError, match="finds no segments") as refused:
        logic.segment(volume, "classes")
    assert "logic.classify" in refused.value.remedy
    with pytest.raises(ModelError, match="no classification model") as refused:
        logic.classify(volume, "threshold")
    assert "logic.segment" in refused.value.remedy
    assert logic.session.runs == ()


def test_each_frame_of_a_sequence_has_its_rows(logic, scene):
    volume, browser, sequence = volume_sequence(scene)
    table, result = logic.classify(volume, "classes", all_frames=True)
    assert browser.GetSelectedItemNumber() == 1
    assert len(result.images) == SHAPE[0] * sequence.GetNumberOfDataNodes()
    assert result.images[SHAPE[0]].image == f"{volume.GetName()}, frame 2, slice 1"
    # The frames differ by a shift along the slices.
    shares = [image.classes[1].probability for image in result.images]
    assert shares[: SHAPE[0] - 1] == shares[SHAPE[0] + 1 : 2 * SHAPE[0]]
    assert classification_of_node(table) == result


def test_cancelling_between_frames_keeps_the_rows_that_are_there(logic, scene):
    volume, _, _ = volume_sequence(scene)
    run = logic.submit(volume, "classes", all_frames=True)
    run.add_listener(lambda r: r.cancel() if r.state is RunState.SENDING and r.placed is not None else None)
    finish(run)
    assert run.state is RunState.CANCELLED
    assert run.node.GetTable().GetNumberOfRows() == SHAPE[0]
