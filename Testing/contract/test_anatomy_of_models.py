"""Models are found by the regions of the body that their structures lie in."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from MedAISegLib.models.published import published_models, search_published

from tools.publishers.anatomy import ANYWHERE, anatomy_of, with_anatomy

STRUCTURES = json.loads(resources.files("MedAISegLib.core").joinpath("terminology_table.json").read_text("utf-8"))[
    "structures"
]


def entry(*labels: str, name: str = "M", **more: object) -> dict[str, object]:
    return {"name": name, "labels": {str(value): label for value, label in enumerate(labels, 1)}, **more}


def test_every_structure_of_the_table_lies_somewhere_or_is_said_to_lie_anywhere() -> None:
    assert {name for name in STRUCTURES if not anatomy_of(entry(name))} == ANYWHERE


@pytest.mark.parametrize(
    ("labels", "regions"),
    [
        (["Left Lower lobe of lung"], "chest"),
        (["lung_lower_lobe_left", "kidney_right"], "chest, abdomen"),
        (["Cyst in Left Kidney"], "abdomen"),
        (["vertebrae_L5"], "spine, abdomen"),
        (["Left-AnG---angular-gyrus"], "head, brain"),
        (["upper_right_first_molar_pulp_fdi116"], "head"),
        (["femur", "humerus"], "arms, legs"),
        (["something", "artery"], ""),
    ],
)
def test_structures_tell_the_regions_from_head_to_foot(labels: list[str], regions: str) -> None:
    assert anatomy_of(entry(*labels)) == regions


def test_what_the_structures_do_not_tell_the_name_may() -> None:
    assert anatomy_of(entry("Edema", name="Brain tumors")) == "head, brain"
    assert anatomy_of(entry(name="Abdominal CT")) == "abdomen"
    assert anatomy_of(entry("liver", name="Brain tumors")) == "abdomen", "labels go before names"


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert "anatomy" not in with_anatomy(entry("tools", anatomy="a guess of before"))


def test_the_catalogue_says_what_the_rule_says() -> None:
    published = published_models()
    assert {m.id: m.anatomy for m in published} == {
        m.id: anatomy_of({"name": m.name, "description": m.description, "labels": m.labels or {}}) for m in published
    }, "run `python -m tools.catalogue`"
    assert [m.id for m in published if not m.anatomy] == [
        "endoscopic_tool_segmentation", "pathology_nuclei_segmentation_classification", "pathology_nuclick_annotation",
        "vista2d", "retinalOCT_RPD_segmentation",
    ]  # fmt: skip


def test_models_are_found_by_region_and_modality() -> None:
    found = {model.id for model in search_published("pelvis mr")}
    assert {"prostate_mri_anatomy", "totalsegmentator_total_mr"} <= found
    assert "spleen_ct_segmentation" not in found
    assert "auto3dseg_brain_tumor_segmentation_brats_gli" in {model.id for model in search_published("head")}
