"""The module's page lists every host that is asked and every file that is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from MedAISegLib.models import catalogue

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / "MedAISeg" / "MedAISegLib"


def named_in(heading):
    """What stands in code's letters in a section of the page."""
    page = (REPOSITORY / "docs" / "slicer-module.md").read_text(encoding="utf-8")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`([^`]+)`", section))


def test_each_host_that_models_are_fetched_from():
    published = json.loads(catalogue.catalogue_file().read_text(encoding="utf-8"))["published"]
    hosts = {urlsplit(file["url"]).hostname for entry in published for file in entry.get("files", ())}
    assert hosts
    assert hosts <= named_in("What it asks of the network")


def test_each_file_that_is_kept_in_the_program_data():
    sources = [path.read_text(encoding="utf-8") for path in LIBRARY.rglob("*.py")]
    keepers = [text for text in sources if "kept_records import" in text]
    records = {name for text in keepers for name in re.findall(r'^[A-Z_]+ = "(\w+\.json)"$', text, re.MULTILINE)}
    assert len(records) == len(keepers)
    assert records <= named_in("What it writes, and how to remove it")
