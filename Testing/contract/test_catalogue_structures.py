"""The catalogue holds the standard codes of what its models find, and they are read from there alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from MedAISegLib.core.errors import ResourceError
from MedAISegLib.core.terminology import LEFT, RIGHT, UNSPECIFIED
from MedAISegLib.core.terminology_table import color_for, terminology_for
from MedAISegLib.models import catalogue, published
from MedAISegLib.models.structures import Structure, read_structures

from Testing.snomed import check_digits
from tools.publishers.structures import structures_of

CONTENT = json.loads(catalogue.catalogue_file().read_text(encoding="utf-8"))
STRUCTURES = read_structures(CONTENT["structures"])


def written(folder: Path, **sections: object) -> Path:
    path = folder / "catalogue.json"
    path.write_text(json.dumps(CONTENT | sections), encoding="utf-8")
    return path


def of_the_other_side(name: str) -> str:
    for left, right in (("left", "right"), ("Left", "Right"), ("lh", "rh")):
        name = re.sub(rf"(?<![A-Za-z]){left}(?![A-Za-z])", right, name)
    return name


def test_every_name_that_has_a_code_has_it_in_the_catalogue():
    assert CONTENT["structures"] == structures_of(CONTENT["published"]), "run `python -m tools.catalogue`"
    assert list(CONTENT["structures"]) == sorted(CONTENT["structures"])


def test_what_is_written_is_what_the_table_says():
    assert len(STRUCTURES) > 960
    for name, structure in STRUCTURES.items():
        assert structure == Structure(terminology_for(name), color_for(name))
    found = {name for entry in CONTENT["published"] for name in entry.get("labels", {}).values()}
    assert {name for name in found if terminology_for(name)} == set(STRUCTURES)


def test_every_snomed_identifier_of_the_catalogue_can_be_one():
    codes = {
        text
        for entry in CONTENT["structures"].values()
        for part, text in entry.items()
        if part != "color" and text.startswith("SCT ")
    }
    assert len(codes) > 250
    assert [text for text in codes if check_digits(text.split()[1])] == []


def test_what_stands_on_both_sides_says_on_which():
    pairs = [
        (STRUCTURES[left].terminology, STRUCTURES[right].terminology)
        for left, right in ((name, of_the_other_side(name)) for name in STRUCTURES)
        if left != right and right in STRUCTURES
    ]
    assert len(pairs) > 200
    with_sides_of_their_own = {"Left atrium", "Left ventricle of heart"}
    for left, right in pairs:
        if left.type.meaning in with_sides_of_their_own:
            assert left.type != right.type
            continue
        assert (left.type, left.region) == (right.type, right.region)
        assert LEFT in (left.modifier, left.region_modifier)
        assert RIGHT in (right.modifier, right.region_modifier)


def test_the_card_says_what_the_catalogue_says_and_nothing_is_looked_up(tmp_path, monkeypatch):
    lien = {"category": "SCT 123037004 Anatomical Structure", "type": "SCT 78961009 Lien", "color": [1, 2, 3]}
    path = written(tmp_path, structures={"spleen": lien})
    monkeypatch.setattr(catalogue, "catalogue_file", lambda: path)
    (spleen,) = published.find_published("spleen_ct_segmentation").card.segments
    assert (spleen.terminology.type.meaning, spleen.color_rgb) == ("Lien", (1, 2, 3))
    (pancreas, _) = published.find_published("pancreas_ct_dints_segmentation").card.segments
    assert terminology_for(pancreas.name) is not None
    assert (pancreas.terminology, pancreas.color_rgb) == (UNSPECIFIED, None)


@pytest.mark.parametrize(
    "structures",
    [
        [],
        {"spleen": "SCT 78961009 Spleen"},
        {"spleen": {"type": "SCT 78961009 Spleen"}},
        {"spleen": {"category": "SCT 123037004 Anatomical Structure", "type": 78961009}},
        {"spleen": {"category": "SCT 123037004 Anatomical Structure", "type": "Spleen"}},
        {"spleen": {"category": "SCT 1 A", "type": "SCT 78961009 Spleen", "size": "SCT 1 A"}},
        {"spleen": {"category": "SCT 1 A", "type": "SCT 78961009 Spleen", "color": [1, 2]}},
    ],
)
def test_damaged_codes_are_a_damaged_catalogue(structures, tmp_path, monkeypatch):
    path = written(tmp_path, structures=structures)
    monkeypatch.setattr(catalogue, "catalogue_file", lambda: path)
    with pytest.raises(ResourceError, match="damaged"):
        list(published.published_cards())
    with pytest.raises(ResourceError, match="damaged"):
        published.published_models()


@pytest.mark.engine
def test_writing_the_catalogue_anew_gives_the_same_file():
    pytest.importorskip("torch", reason="torch is not installed")
    from tools.catalogue import PUBLISHERS, content, text_of

    anew = content(dict.fromkeys(PUBLISHERS), CONTENT["published"], {})
    assert text_of(anew) == catalogue.catalogue_file().read_text(encoding="utf-8"), "run `python -m tools.catalogue`"
