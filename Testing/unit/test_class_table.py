"""The table of a classification: what a person reads in it, and the record that comes back from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from MedAISegLib.core.classification import ClassificationResult, ClassProbability, ImageClasses
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.result import Provenance
from MedAISegLib.slicer_io.class_table import ATTRIBUTE, add_table, classification_of_node, fill_table
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.writers import save_mrb

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

MADE = Provenance("m", "M", "1", "0" * 64, "0", {"torch": "2"}, "cpu", {"accept": "no"}, "2026-02-03T04:05:06+00:00")


def image(name, *probabilities, classes=("healthy", "Erguß ☐")):
    return ImageClasses(name, tuple(map(ClassProbability, classes, probabilities)))


RESULT = ClassificationResult(
    (image("a", 0.123456789012, 0.9), image("b", 0.75, 0.25)), MADE, (Notice("n", "A word."),)
)


@pytest.fixture
def scene():
    host = new_scene_host()
    yield host.scene
    host.scene.Clear(False)


def rows(node):
    table = node.GetTable()
    columns = range(table.GetNumberOfColumns())
    names = [table.GetColumnName(n) for n in columns]
    return [names, *([table.GetValue(r, n).ToString() for n in columns] for r in range(table.GetNumberOfRows()))]


def test_a_row_an_image_and_a_column_a_class(scene):
    node = add_table(RESULT, scene, "Chest", None)
    found = rows(node)
    assert found[0] == ["Image", "Best", "healthy", "Erguß ☐"]
    assert [row[:2] for row in found[1:]] == [["a", "Erguß ☐"], ["b", "healthy"]]
    assert [float(cell) for cell in found[2][2:]] == [0.75, 0.25]


def test_what_cannot_be_written_becomes_a_mark(scene):
    found = image("a\ud800", 0.25, 0.75, classes=("healthy\ud800", "ill"))
    node = add_table(replace(RESULT, images=(found,)), scene, "Chest\ud800", None)
    assert node.GetName() == "Chest\ufffd"
    assert rows(node)[:1] == [["Image", "Best", "healthy\ufffd", "ill"]]
    assert rows(node)[1][:2] == ["a\ufffd", "ill"]


def test_the_record_comes_back_to_the_last_digit(scene):
    assert classification_of_node(add_table(RESULT, scene, "Chest", None)) == RESULT


def test_it_survives_a_file(scene, tmp_path):
    node = add_table(RESULT, scene, "Chest", None)
    save_mrb(scene, tmp_path / "a.mrb")
    import zipfile

    import slicer

    with zipfile.ZipFile(tmp_path / "a.mrb") as archive:
        archive.extractall(tmp_path / "a")
    (path,) = (tmp_path / "a").rglob("*.mrml")
    other = new_scene_host()
    other.scene.SetURL(str(path))
    assert other.scene.Connect()
    loaded = other.scene.GetFirstNodeByClass("vtkMRMLTableNode")
    assert isinstance(loaded, slicer.vtkMRMLTableNode)
    assert classification_of_node(loaded) == RESULT
    assert rows(loaded)[0] == rows(node)[0]
    assert loaded.GetTable().GetColumn(2).GetDataTypeAsString() == "double"
    other.scene.Clear(False)


def test_classes_that_are_called_like_a_column_keep_one_of_their_own(scene):
    images = (image("a", 0.5, 0.4, classes=("Image", "Best")),)
    node = add_table(replace(RESULT, images=images), scene, "Odd", None)
    assert rows(node)[0] == ["Image", "Best", "Image (class)", "Best (class)"]
    assert [found.name for found in classification_of_node(node).images[0].classes] == ["Image", "Best"]


def test_filling_it_anew_leaves_nothing_of_before(scene):
    node = add_table(RESULT, scene, "Chest", None)
    fewer = replace(RESULT, images=(image("c", 0.1, classes=("only",)),))
    fill_table(node, fewer)
    assert rows(node)[0] == ["Image", "Best", "only"]
    assert classification_of_node(node) == fewer


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"kind": "Other"}'])
def test_a_record_that_cannot_be_read_is_none(scene, text):
    node = add_table(RESULT, scene, "Chest", None)
    node.SetAttribute(ATTRIBUTE, text)
    assert classification_of_node(node) is None
    assert classification_of_node(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")) is None
    assert classification_of_node(None) is None
