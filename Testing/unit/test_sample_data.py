"""The sample study in a scene, and offered in Slicer's Sample Data module."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed")

from MedAISegLib.app.sample_study import draw_sample, sample_series_uid, write_sample_study
from MedAISegLib.core.errors import ResourceError
from MedAISegLib.readers import read_images
from MedAISegLib.slicer_io import sample_data
from MedAISegLib.slicer_io.dicom_origin import origin_of
from MedAISegLib.slicer_io.sample_data import (
    load_sample_study,
    load_sample_study_through_database,
    register_sample_data,
)
from MedAISegLib.slicer_io.volume_node import volume_from_node

pytestmark = pytest.mark.slicer


@pytest.fixture
def node():
    volume_node = load_sample_study()
    yield volume_node
    volume_node.GetScene().RemoveNode(volume_node)


@pytest.fixture
def sample_data_module(monkeypatch):
    """Slicer's module as far as it is asked; it tells sources apart by all that they are made of, functions too."""
    import slicer

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(category, **source):
            assert isinstance(source["uris"], str), "the module fails without addresses"
            sources = slicer.modules.sampleDataSources.setdefault(category, [])
            if str(source) not in map(str, sources):
                sources.append(source)

    module = ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", module)
    monkeypatch.setattr(slicer, "modules", SimpleNamespace(sampleDataSources={"General": [1]}), raising=False)
    return slicer.modules.sampleDataSources


def test_the_node_holds_what_is_read_from_the_dicom_series_of_the_same_seed(node, tmp_path):
    write_sample_study(tmp_path, seed=0)
    (read,) = read_images(tmp_path)
    volume = volume_from_node(node)
    np.testing.assert_array_equal(volume.voxels, read.voxels)
    assert volume.geometry.matches(read.geometry)
    assert read.series.series_instance_uid == sample_series_uid(0)


def test_the_node_is_known_as_an_mr_image_without_a_dicom_source(node):
    origin = origin_of(node)
    assert origin.modality == "MR"
    assert origin.series is None
    assert origin.question is None


def test_the_display_shows_the_range_of_the_drawing(node):
    display = node.GetDisplayNode()
    low, high = np.percentile(draw_sample(0).voxels, [1, 99])
    assert not display.GetAutoWindowLevel()
    assert display.GetWindowLevelMin() < low < high < display.GetWindowLevelMax() * 1.2


def test_registering_again_after_a_reload_leaves_each_source_once(sample_data_module, monkeypatch):
    register_sample_data()
    monkeypatch.setattr(sample_data, "_draw_into_scene", lambda _source: None)
    register_sample_data()
    names = [source["sampleName"] for source in sample_data_module["MedAISeg"]]
    assert names == [sample_data.SCENE_SAMPLE, sample_data.DATABASE_SAMPLE]
    assert sample_data_module["General"] == [1]
    assert sample_data.THUMBNAIL.is_file()


def test_a_slicer_without_the_sample_data_module_is_left_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "SampleData", None)
    register_sample_data()


def test_the_source_draws_into_the_scene_when_it_is_asked_for(sample_data_module):
    register_sample_data()
    source = sample_data_module["MedAISeg"][0]
    (drawn,) = source["customDownloader"](source)
    assert drawn.GetName() == source["nodeNames"]
    drawn.GetScene().RemoveNode(drawn)


def test_without_an_open_database_it_is_said_so():
    with pytest.raises(ResourceError, match="database"):
        load_sample_study_through_database()
