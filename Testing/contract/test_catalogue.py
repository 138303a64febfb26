"""The catalogue of models says what the models themselves say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

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


def test_each_host_that_files_are_fetched_from_is_named_where_the_module_lists_its_hosts():
    page = (Path(__file__).parents[2] / "docs" / "slicer-module.md").read_text(encoding="utf-8")
    table = page.partition("## What it asks of the network")[2].partition("\n## ")[0]
    published = json.loads(catalogue.catalogue_file().read_text(encoding="utf-8"))["published"]
    hosts = {urlsplit(file["url"]).hostname for entry in published for file in entry.get("files", ())}
    assert hosts
    assert hosts <= set(re.findall(r"`([a-z0-9.-]+)`", table))
