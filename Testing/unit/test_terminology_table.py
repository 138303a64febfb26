"""Codes of structures by their names."""

import json
from importlib import resources

import pytest
from MedAISegLib.core.terminology import ANATOMICAL_STRUCTURE, LEFT, RIGHT
from MedAISegLib.core.terminology_table import color_for, terminology_for


@pytest.mark.parametrize("name", ["kidney_left", "Left Kidney", "left-kidney", "kidney L", "Left Kideny"])
def test_a_side_in_any_spelling_becomes_a_modifier(name):
    found = terminology_for(name)
    assert (found.type.value, found.type.scheme, found.modifier) == ("64033007", "SCT", LEFT)
    assert found.category == ANATOMICAL_STRUCTURE


def test_left_and_right_differ():
    assert terminology_for("Right-Hippocampus").modifier == RIGHT
    assert terminology_for("Left-Hippocampus").modifier == LEFT
    assert terminology_for("hippocampus").modifier is None


def test_a_structure_that_has_its_side_in_its_own_code_gets_no_modifier():
    atrium = terminology_for("heart_atrium_left")
    assert (atrium.type.value, atrium.modifier) == ("82471001", None)


def test_a_vertebra_is_not_taken_for_a_left_side():
    assert terminology_for("vertebrae_L5").type.value == "49668003"
    assert terminology_for("vertebrae_L5").modifier is None


def test_a_cortical_parcel_is_cortex_in_its_lobe():
    parcel = terminology_for("ctx-rh-cuneus")
    assert (parcel.type.value, parcel.modifier) == ("40146001", RIGHT)
    assert (parcel.region.value, parcel.region_modifier) == ("31065004", RIGHT)


def test_a_lesion_in_a_paired_organ_has_the_side_of_the_organ():
    cyst = terminology_for("kidney_cyst_right")
    assert (cyst.type.value, cyst.modifier) == ("367643001", None)
    assert (cyst.region.value, cyst.region_modifier) == ("64033007", RIGHT)


def test_the_parts_of_the_hippocampus_differ():
    assert terminology_for("Anterior hippocampus").modifier.meaning == "Anterior"
    assert terminology_for("hippocampus_posterior").modifier.meaning == "Posterior"


@pytest.mark.parametrize("name", ["", "category 1", "left", "unknown", "background", "kidney of a horse"])
def test_an_unknown_name_has_no_code(name):
    assert terminology_for(name) is None
    assert color_for(name) is None


def test_a_liver_looks_like_a_liver():
    assert color_for("Liver") == (221, 130, 101)


def test_every_entry_of_the_table_can_be_read_and_every_alias_leads_to_one():
    table = json.loads(resources.files("MedAISegLib.core").joinpath("terminology_table.json").read_text("utf-8"))
    for name in [*table["structures"], *table["aliases"]]:
        found = terminology_for(name)
        assert found.type.scheme in ("SCT", "DCM", "NCIt")
        assert found.type.value
        assert 0 < len(found.type.meaning) <= 64
