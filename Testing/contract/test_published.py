"""The catalogue of what publishers offer: every entry is as the schema says, and can be used as it stands."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from pathlib import Path

import pytest
from MedAISegLib.core.characters import is_text
from MedAISegLib.core.terminology import UNSPECIFIED
from MedAISegLib.models import catalogue
from MedAISegLib.models.card import ModelState
from MedAISegLib.models.names import model_id_problem, path_problem
from MedAISegLib.models.published import (
    PublishedFile,
    PublishedModel,
    find_published,
    published_models,
    search_published,
)

from Testing.contract.schema import problems

SCHEMA = json.loads(catalogue.catalogue_file().with_suffix(".schema.json").read_text(encoding="utf-8"))
PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def content():
    return json.loads(catalogue.catalogue_file().read_text(encoding="utf-8"))


def test_every_entry_is_as_the_schema_says(content):
    assert list(problems(SCHEMA, content)) == []
    assert catalogue.catalogue_file().stat().st_size < 2**20


def test_no_text_has_what_is_obeyed_rather_than_shown(content):
    texts = list(texts_of(content))
    assert len(texts) > 10_000
    assert all(map(is_text, texts))


def texts_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *texts_of(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda e: e.pop("name"), "lacks"),
        (lambda e: e.update(hacked=True), "hacked is not known"),
        (lambda e: e["files"][0].update(url="http://example.org/m.zip"), "does not match"),
        (lambda e: e["files"][0].update(checksum="md5:00"), "does not match"),
        (lambda e: e.update(id="../up"), "does not match"),
        (lambda e: e.pop("files"), "exactly one"),
        (lambda e: e.update(labels={"0": "background"}), "does not match"),
        (lambda e: e.update(commercial_use="yes"), "no boolean"),
        (lambda e: e.update(license=""), "shorter"),
    ],
)
def test_the_schema_finds_what_is_wrong(content, change, why):
    broken = copy.deepcopy(content)
    change(broken["published"][0])
    assert any(why in problem for problem in problems(SCHEMA, broken))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "SCT 78961009"}, "does not match"),
        ({"type": "78961009"}, "does not match"),
        ({"type": "SCT T-C3000 Spleen"}, "does not match"),
        ({"type": "99LOCAL 1 Spleen"}, "does not match"),
        ({"type": ["SCT", "78961009", "Spleen"]}, "no string"),
        ({"category": "Anatomical Structure"}, "does not match"),
        ({"modifier": None}, "no string"),
        ({"region_modifier": "SCT 255549009 Anterior"}, "none of"),
        ({"color": [157, 108]}, "fewer"),
        ({"color": [157, 108, 256]}, "more than"),
        ({"color": [157, 108, -1]}, "less than"),
        ({"colour": [157, 108, 162]}, "not known"),
    ],
)
def test_the_schema_finds_what_is_wrong_with_codes(content, change, why):
    broken = copy.deepcopy(content)
    broken["structures"]["spleen"] |= change
    assert any(why in problem for problem in problems(SCHEMA, broken))


@pytest.mark.parametrize("part", ["category", "type"])
def test_the_schema_finds_a_code_that_is_half_said(content, part):
    broken = copy.deepcopy(content)
    del broken["structures"]["spleen"][part]
    assert any("lacks" in problem for problem in problems(SCHEMA, broken))


def test_ids_are_unique_and_usable_as_names_of_folders():
    folded = [model.id.casefold() for model in published_models()]
    assert len(set(folded)) == len(folded)
    for model in published_models():
        assert not model_id_problem(model.id)
        assert not any(path_problem(name) for file in model.files for name in (file.save_as, file.folder) if name)


def test_nearly_every_model_names_its_structures():
    """One finds cells of any kind, of the others their publisher does not say what the labels are."""
    unnamed = {"vista2d", "meshnet_mindgrab", "meshnet_model11_gw_ae"}
    assert {model.id for model in published_models() if not model.labels} == unnamed


def test_each_publisher_is_there():
    counts = {
        source: sum(m.source == source for m in published_models())
        for source in ("model_zoo", "auto3dseg", "totalsegmentator", "meshnet")
    }
    assert counts["model_zoo"] >= 18
    assert counts["auto3dseg"] == 33
    assert counts["totalsegmentator"] >= 55
    assert counts["meshnet"] == 9


def test_the_page_names_the_meshnet_models_that_are_listed_and_cannot_be_read():
    found = re.search(r"MeshNet brain models\. Three of those, ([^:]*), are published for TensorFlow.js\s+only", PAGE)
    assert found is not None
    named = {f"meshnet_{name}" for name in re.findall(r"`(\w+)`", found[1])}
    assert named == {m.id for m in published_models() if m.source == "meshnet" and m.restricted}
    assert all("TensorFlow.js" in find_published(model).restricted for model in named)


def test_parts_paint_labels_that_the_model_has_and_lie_in_folders_that_are_fetched():
    for model in published_models():
        if model.description_file is None:
            continue
        folders = {file.folder for file in model.files}
        parts = model.description_file["parts"]
        painted = {value for part in parts for value in part["paints"]} - {0}
        assert painted == {int(value) for value in model.labels}, model.id
        used = [*parts]
        rough = model.description_file.get("crop")
        while rough:
            used.append(rough)
            rough = rough.get("crop")
        assert {part["folder"].partition("/")[0] for part in used} == folders


def test_what_totalsegmentator_does_around_its_networks_is_told():
    total, teeth, body = (
        find_published(f"totalsegmentator_{name}").description_file for name in ("total_3mm", "teeth", "body")
    )
    assert total["pipeline"] == {"mirroring": False, "spacing_mm": [3.0, 3.0, 3.0], "step": 0.8}
    assert (teeth["crop"]["margin_mm"], teeth["crop"]["crop"]["margin_mm"]) == (10.0, 20.0)
    assert [operation["kind"] for operation in body["pipeline"]["postprocessing"]] == [
        "KeepLargestComponent",
        "RemoveSmallComponents",
    ]


def test_known_structures_have_their_codes():
    card = find_published("spleen_ct_segmentation").card
    assert card.state is ModelState.TO_DOWNLOAD
    assert [(s.label_value, s.name, s.terminology.type.value) for s in card.segments] == [(1, "spleen", "78961009")]
    total = find_published("totalsegmentator_total").card
    assert len(total.segments) == 117
    assert sum(segment.terminology != UNSPECIFIED for segment in total.segments) == 117


def test_nearly_all_structures_of_the_catalogue_have_a_code():
    segments = [segment for model in published_models() for segment in model.card.segments]
    assert len(segments) > 2600
    without = {segment.name for segment in segments if segment.terminology == UNSPECIFIED}
    assert len(without) <= 20, sorted(without)
    # What nobody has published a code for stays without one, instead of getting one that is nearly right.
    assert {"lingual_canal", "central gland", "bridge", "Extra-Axial_Haemorrhage"} <= without


def test_a_size_is_only_told_where_that_of_every_file_is_known():
    known, unknown = PublishedFile("https://h/a.zip", size_bytes=7), PublishedFile("https://h/b.zip")
    model = PublishedModel("m", "M", "P", "nnunet", "p", files=(known, known))
    assert model.card.size_bytes == 14
    assert dataclasses.replace(model, files=(known, unknown)).card.size_bytes == 0


def test_models_are_found_by_words():
    assert "totalsegmentator_liver_vessels" in [model.id for model in search_published("LIVER vessels ct")]
    assert search_published("liver vessels elbow") == ()


def test_a_modality_finds_the_models_of_that_modality_alone():
    for words, modality in (("ct", "CT"), ("liver ct", "CT"), ("MR", "MR"), ("mri", "MR")):
        assert {model.card.modality for model in search_published(words)} == {modality}, words
    assert search_published("ct") == tuple(model for model in published_models() if model.card.modality == "CT")


def test_words_are_found_by_their_beginning_in_names_with_underscores_too():
    found = {
        words: {m.id for m in search_published(words)} for words in ("hippo", "vertebra", "vertebrae_L5", "pocampus")
    }
    assert "meshnet_model21_104class" in found["hippo"]
    assert "totalsegmentator_total" in found["vertebra"] & found["vertebrae_L5"]
    assert found["pocampus"] == set()


def test_what_needs_a_licence_number_cannot_simply_be_downloaded():
    card = find_published("totalsegmentator_heartchambers_highres").card
    assert card.state is ModelState.RESTRICTED
    assert card.commercial_use is False
    assert "licence number" in card.problem
