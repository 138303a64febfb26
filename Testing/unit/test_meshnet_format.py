"""MeshNet folders: what is read from them, and what is refused with a reason."""

from __future__ import annotations

import json
import pickle

import meshnets
import pytest
import torch
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.core.terminology import UNSPECIFIED
from MedAISegLib.core.terminology_table import terminology_for
from MedAISegLib.formats import bounded_building, read_model
from MedAISegLib.formats.meshnet import weights
from MedAISegLib.models.operations import Conform, MinMax, ScalePercentiles
from meshnets import CLASSES, DILATIONS, color_map, description, layer, random_state, write_model

pytestmark = pytest.mark.engine


def test_a_folder_becomes_a_model(tmp_path):
    spec = read_model(write_model(tmp_path / "tissue")).spec
    assert (spec.id, spec.format, len(spec.sha256)) == ("tissue", "meshnet", 64)
    assert [(c.name, c.modality) for c in spec.channels] == [("T1", "MR")]
    assert [(s.label_value, s.name) for s in spec.segments] == [(n, f"structure {n}") for n in range(1, CLASSES)]
    assert spec.segments[1].color_rgb == (2, 2, 255)
    assert spec.stages[0].preprocessing == (Conform(256, 1.0, "LIA"), MinMax())


def test_known_structures_get_their_codes(tmp_path):
    names = ["Unknown", "Left-Hippocampus", "Left-Thalamus-Proper*", "no such thing"]
    spec = read_model(write_model(tmp_path / "net", maps={"colormap.json": color_map() | {"labels": names}})).spec
    assert [segment.name for segment in spec.segments] == ["Left-Hippocampus", "Left-Thalamus-Proper", "no such thing"]
    known = [terminology_for("Left-Hippocampus"), terminology_for("Left-Thalamus-Proper")]
    assert None not in known
    assert [segment.terminology for segment in spec.segments] == [*known, UNSPECIFIED]


def test_what_nobody_describes_is_scaled_by_its_range_with_a_notice(tmp_path):
    folder = write_model(tmp_path / "net")
    assert [notice.code for notice in read_model(folder).spec.notices] == ["unknown-scaling"]


def test_a_description_beside_the_model_says_how_it_is_scaled_and_what_it_is(tmp_path):
    folder = write_model(tmp_path / "net")
    before = read_model(folder).spec.sha256
    (folder / "medaiseg.json").write_text('{"scaling": "percentiles 2-98", "name": "Mine", "license": "MIT"}')
    spec = read_model(folder).spec
    assert (spec.name, spec.license, spec.notices) == ("Mine", "MIT", ())
    assert spec.stages[0].preprocessing[-1] == ScalePercentiles(2, 98, clip=True)
    assert spec.sha256 != before


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"scaling": "by eye"}', '{"scalling": "min-max"}', '{"name": 3}', "[" * 100_000],
    ids=lambda text: text[:25],
)
def test_a_damaged_description_is_an_error(tmp_path, text):
    folder = write_model(tmp_path / "net")
    (folder / "medaiseg.json").write_text(text)
    with pytest.raises(ModelError, match=r"medaiseg\.json"):
        read_model(folder)


def test_of_several_colour_maps_the_one_with_a_name_for_each_class_counts(tmp_path):
    maps = {"colormap.json": color_map(2), "colormap4.json": color_map(4)}
    assert len(read_model(write_model(tmp_path / "net", maps=maps)).spec.segments) == 3


@pytest.mark.parametrize(
    ("classes", "maps"),
    [
        (CLASSES, {"colormap.json": color_map(3)}),
        (CLASSES, {"colormap.json": color_map(), "colormap2.json": color_map()}),
        (-1, {"colormap.json": color_map(2), "colormap4.json": color_map(4)}),
        (-1, {}),
        (CLASSES, {"colormap.json": {"labels": ["a", "b", "c", "d"]}}),
        (CLASSES, {"colormap.json": color_map() | {"R": [0, 1]}}),
        (CLASSES, {"colormap.json": color_map() | {"R": [0, 1, 2, 300]}}),
        (CLASSES, {"colormap.json": color_map() | {"labels": ["a", "b", "b", "d"]}}),
        (CLASSES, {"colormap.json": ["a"]}),
    ],
)
def test_labels_that_are_unclear_are_an_error(tmp_path, classes, maps):
    folder = write_model(tmp_path / "net", content=description(classes=classes), maps=maps)
    with pytest.raises(ModelError):
        read_model(folder)


def test_without_a_colour_map_labels_carry_numbers_and_a_notice(tmp_path):
    spec = read_model(write_model(tmp_path / "net", maps={})).spec
    assert [segment.name for segment in spec.segments] == ["label 1", "label 2", "label 3"]
    assert "unnamed-labels" in [notice.code for notice in spec.notices]


@pytest.mark.parametrize(
    "change",
    [{"stride": 2}, {"kernel_size": 5}, {"padding": 0}, {"dilation": 0}, {"dilation": "two"}, {"dilation": True}],
)
def test_layers_that_are_none_of_meshnets_are_refused(tmp_path, change):
    content = description()
    content["layers"][1] = layer(2) | change
    with pytest.raises(ModelError, match="layer 2"):
        read_model(write_model(tmp_path / "net", content=content))


def test_a_template_takes_its_widths_from_the_weights_in_a_zip(tmp_path):
    state = random_state(bias=False, nested=True)
    content = description(classes=-1, bnorm=True, gelu=True)
    source = read_model(write_model(tmp_path / "net", content=content, state=state, zipped=True))
    ((network,),) = source.build_networks()
    assert not network.training
    assert network(torch.rand(1, 1, 6, 6, 6)).shape == (1, CLASSES, 6, 6, 6)


def test_weights_of_another_number_of_classes_are_refused(tmp_path):
    content = description(classes=3)
    source = read_model(write_model(tmp_path / "net", content=content, maps={"colormap.json": color_map(3)}))
    with pytest.raises(ModelError, match="4 classes"):
        source.build_networks()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state.pop("model.4.weight"),
        lambda state: state.update({"extra.weight": torch.zeros(1)}),
        lambda state: state.update({"model.2.weight": torch.zeros(5, 4, 3, 3, 3)}),
        lambda state: state.update({"model.2.bias": torch.zeros(4)}),
        lambda state: state.update({"model.2.weight": torch.zeros(5, 5, 1, 1, 1)}),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, spoil):
    state = random_state()
    spoil(state)
    with pytest.raises(ModelError):
        read_model(write_model(tmp_path / "net", state=state)).build_networks()


@pytest.mark.parametrize("kind", [torch.complex64, torch.int32, torch.bool])
@pytest.mark.parametrize("name", ["model.2.weight", "model.2.bias"])
def test_weights_that_are_no_plain_numbers_are_refused(tmp_path, kind, name):
    state = random_state()
    state[name] = state[name].to(kind)
    with pytest.raises(ModelError, match=f"no plain numbers: {name}"):
        read_model(write_model(tmp_path / "m", state=state)).build_networks()


@pytest.mark.parametrize("name", ["model.0.bias", "model.4.weight"])
def test_weights_of_a_shape_that_does_not_fit_are_not_gone_through(tmp_path, monkeypatch, name):
    """Those of a thousand million numbers may be a single one in the file."""
    monkeypatch.setattr(weights, "require_finite", lambda *_: pytest.fail("they were gone through"))
    state = random_state()
    state[name] = torch.zeros(1).expand(10**9)
    with pytest.raises(ModelError, match="do not fit"):
        read_model(write_model(tmp_path / "m", state=state, zipped=True)).build_networks()


def test_shapes_that_fit_and_are_beyond_all_bounds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded_building, "MOST_NUMBERS", sum(tensor.numel() for tensor in random_state().values()))
    assert read_model(write_model(tmp_path / "m")).build_networks()
    monkeypatch.setattr(bounded_building, "MOST_NUMBERS", bounded_building.MOST_NUMBERS - 1)
    with pytest.raises(ModelError, match="would have more than"):
        read_model(write_model(tmp_path / "m")).build_networks()


def test_a_number_that_stands_for_all_of_a_layer_is_no_layer(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded_building, "MOST_UNSTORED", 0)
    monkeypatch.setattr(meshnets, "WIDTH", 40)
    one = torch.zeros(1)
    state = {name: one.expand(value.shape) for name, value in random_state().items()}
    source = read_model(write_model(tmp_path / "m", state=state, zipped=True))
    monkeypatch.setattr(weights, "require_finite", lambda *_: pytest.fail("they were gone through"))
    for make in (source.build_networks, source.recipes):
        with pytest.raises(ModelError, match="than their files can hold"):
            make()


def test_layers_missing_from_the_weights_are_refused(tmp_path):
    state = random_state(dilations=DILATIONS[:-1])
    with pytest.raises(ModelError, match="4 layers of 5"):
        read_model(write_model(tmp_path / "net", state=state)).build_networks()


class Harmful:
    def __reduce__(self):
        return (print, ("this must not run",))


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PK" + b"x" * 100, pickle.dumps({})])
def test_damaged_weights_are_an_error(tmp_path, content):
    folder = write_model(tmp_path / "net")
    (folder / "model.pth").write_bytes(content)
    with pytest.raises(ModelError):
        read_model(folder).build_networks()


def test_code_in_the_weights_does_not_run(tmp_path, capfd):
    folder = write_model(tmp_path / "net")
    torch.save({"model.0.weight": Harmful()}, folder / "model.pth")
    with pytest.raises(NotTrustedError):
        read_model(folder).build_networks()
    assert "must not run" not in capfd.readouterr().out


def test_missing_weights_are_named(tmp_path):
    folder = write_model(tmp_path / "net")
    (folder / "model.pth").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors or model\.pth"):
        read_model(folder)


@pytest.mark.parametrize("content", [{}, {"layers": []}, {"layers": [{"units": 3}]}, [], "x"])
def test_other_folders_with_a_model_json_are_not_taken_for_meshnet(tmp_path, content):
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="known format"):
        read_model(tmp_path)
