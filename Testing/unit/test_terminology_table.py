"""Codes of structures by their names."""

import json
import re
from importlib import resources

import pytest
from MedAISegLib.core.terminology import ANATOMICAL_STRUCTURE, LEFT, RIGHT
from MedAISegLib.core.terminology_table import color_for, terminology_for

from Testing.snomed import check_digits


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


@pytest.mark.parametrize(
    ("name", "value", "side"),
    [
        ("L5 vertebra", "49668003", None),
        ("Left Lower lobe of lung", "90572001", LEFT),
        ("Middle lobe of right lung", "72481006", None),
        ("Right Twelfth rib", "43993008", RIGHT),
        ("Left Gluteus minius muscle", "75297007", LEFT),
        ("Left-AnG---angular-gyrus", "279186009", LEFT),
        ("Right-OpIFG-opercular-part-of-the-IFG", "40146001", RIGHT),
        ("subclavian_artery_left", "36765005", LEFT),
        ("lower_left_canine_fdi33", "860782001", None),
        ("Left-Basal-Forebrain", "1997", LEFT),
        ("ventricle_trigone_right", "217", RIGHT),
        ("quadratus_lumborum_left", "6001004", LEFT),
        ("vertebrae_L6", "1156198008", None),
        ("Nuclei", "84640000", None),
        ("tools", "37759000", None),
    ],
)
def test_the_names_of_other_publishers_lead_to_the_same_codes(name, value, side):
    found = terminology_for(name)
    assert (found.type.value, found.modifier) == (value, side)


def test_what_is_found_within_a_structure_has_its_region():
    lumen = terminology_for("aorta_false_lumen")
    assert (lumen.type.value, lumen.region.value) == ("122361", "15825003")
    bleeding = terminology_for("Hemorrhage in Subdural space")
    assert (bleeding.type.value, bleeding.region.value) == ("50960005", "54214006")
    pulp = terminology_for("upper_right_first_molar_pulp_fdi116")
    assert (pulp.type.meaning, pulp.region.meaning) == ("Dental pulp", "Permanent maxillary right first molar tooth")


def test_an_implant_is_not_said_to_lie_where_the_name_does_not_say_so():
    assert terminology_for("implant").region is None
    assert terminology_for("hip_implant").region.value == "24136001"


def test_only_an_abbreviation_before_a_name_is_passed_over():
    assert terminology_for("Left-Basal-insula") is None


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
        assert found.type.scheme in ("SCT", "DCM", "NCIt", "NEU")
        assert found.type.value
        assert 0 < len(found.type.meaning) <= 64


def every_code():
    """Of the table, with the name of what it is of."""
    table = json.loads(resources.files("MedAISegLib.core").joinpath("terminology_table.json").read_text("utf-8"))
    for name, entry in table["structures"].items():
        for part in ("type", "modifier", "region"):
            if entry.get(part, "").startswith("SCT "):
                _, value, meaning = entry[part].split(" ", 2)
                yield name, value, meaning


def test_every_identifier_is_one_that_snomed_can_have_given():
    assert check_digits("10200004") == 0
    assert check_digits("10200005") != 0
    assert [(name, value) for name, value, _ in every_code() if check_digits(value)] == []


def test_every_code_means_what_dicom_says_that_it_means():
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts["SCT"]
    said = {}
    for keyword in concepts.values():
        for value, (meaning, _) in keyword.items():
            said.setdefault(value, []).append(words_of(meaning))
    # DICOM's own words for the same: limb, the ventricles of the heart, the artery that is also called a trunk.
    others = {"66019005", "87878005", "53085002", "12691009", "36455000", "108371006"}
    known = [code for code in every_code() if code[1] in said and code[1] not in others]
    assert len(known) > 200
    assert [code for code in known if not any(words_of(code[2]) == words for words in said[code[1]])] == []


def words_of(meaning):
    """What is left without the words that SNOMED CT adds and those that people leave out."""
    left_out = {"structure", "body", "bone", "of", "the", "region", "urinary", "gland", "permanent", "tooth", "s"}
    return {re.sub("ous$", "us", word) for word in re.findall("[a-z0-9]+", meaning.lower())} - left_out
