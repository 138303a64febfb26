"""The catalogue of models says what the models themselves say."""

from __future__ import annotations

import json

import pytest
from MedAISegLib.core.errors import ResourceError
from MedAISegLib.models import catalogue
from MedAISegLib.models.card import ModelCard, ModelState


@pytest.mark.engine
def test_the_cards_of_embedded_models_are_those_of_the_compiled_models():
    pytest.importorskip("torch", reason="torch is not installed")
    from tools.catalogue import embedded_cards

    embedded = [card for card in catalogue.known_models() if card.embedded]
    assert embedded == list(embedded_cards()), "run `python -m tools.catalogue`"


def test_a_damaged_catalogue_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "catalogue_file", lambda: tmp_path / "catalogue.json")
    with pytest.raises(ResourceError, match="cannot be read"):
        catalogue.known_models()
    (tmp_path / "catalogue.json").write_text('{"models": [{"id": 3}]}', encoding="utf-8")
    with pytest.raises(ResourceError, match="damaged"):
        catalogue.known_models()


def test_what_is_installed_goes_before_what_is_known_of_it():
    def card(model_id, state):
        return ModelCard(model_id, model_id, state)

    known = (card("a", ModelState.TO_DOWNLOAD), card("b", ModelState.TO_DOWNLOAD))
    installed = (card("b", ModelState.READY), card("c", ModelState.UNUSABLE))
    assert [(c.id, c.state.value) for c in catalogue.merged(known, installed)] == [
        ("b", "ready"), ("c", "cannot be used"), ("a", "to download"),
    ]  # fmt: skip


@pytest.mark.engine
def test_sizes_and_hashes_of_release_files_are_githubs_and_stay(tmp_path):
    pytest.importorskip("torch", reason="torch is not installed")
    from tools.catalogue import published
    from tools.publishers.release_assets import release_facts

    def entry(name, **said):
        return {"id": name, "source": "totalsegmentator", "files": [{"url": f"https://h/{name}.zip", **said}]}

    digest, own = f"sha256:{'a' * 64}", f"sha1:{'b' * 40}"
    assets = [
        {"browser_download_url": "https://h/new.zip", "size": 12, "digest": digest},
        {"browser_download_url": "https://h/old.zip", "size": 34, "digest": None},
        {"browser_download_url": "https://h/own.zip", "size": 56, "digest": digest},
    ]
    answer = tmp_path / "releases.json"
    answer.write_text(json.dumps([[{"assets": assets[:2]}, {"assets": []}], [{"assets": assets[2:]}]]), "utf-8")
    present = [entry("new"), entry("old"), entry("own", checksum=own), entry("unknown"), {"source": "totalsegmentator"}]
    nothing_anew = dict.fromkeys(("model_zoo", "auto3dseg", "totalsegmentator", "meshnet"))
    expected = [
        entry("new", size_bytes=12, checksum=digest),
        entry("old", size_bytes=34),
        entry("own", checksum=own, size_bytes=56),
        entry("unknown"),
        {"source": "totalsegmentator"},
    ]
    assert published(nothing_anew, present, release_facts([answer])) == expected
    assert published(nothing_anew, expected, {}) == expected
