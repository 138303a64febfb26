"""Write the catalogue: the embedded models, what the field's publishers offer, and the codes of what those find.

    python -m tools.catalogue [--model-zoo GIT] [--auto3dseg GIT] [--totalsegmentator GIT] [--meshnet GIT]
                              [--releases JSON ...]

Each GIT is a checkout of that publisher's repository; the models of those that are not given stay as they are.
Each JSON is what GitHub says of a repository's releases (publishers/release_assets.py).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from MedAISegLib.core.records import to_json
from MedAISegLib.formats import read_model
from MedAISegLib.models.card import ModelCard, card_of
from MedAISegLib.models.catalogue import catalogue_file
from MedAISegLib.models.store import installed_models

from .publishers import auto3dseg, meshnet, model_zoo, total_segmentator
from .publishers.anatomy import with_anatomy
from .publishers.checkout import Checkout
from .publishers.release_assets import Facts, kept_facts, release_facts, with_facts
from .publishers.structures import structures_of

PUBLISHERS = {
    "model_zoo": model_zoo.models,
    "auto3dseg": auto3dseg.models,
    "totalsegmentator": total_segmentator.models,
    "meshnet": meshnet.models,
}


def embedded_cards() -> tuple[ModelCard, ...]:
    """The cards of the models that come with the program."""
    return tuple(
        card_of(
            read_model(model.path).spec,
            size_bytes=sum(path.stat().st_size for path in model.path.rglob("*") if path.is_file()),
            embedded=True,
        )
        for model in installed_models()
        if model.embedded
    )


def published(checkouts: dict[str, Path | None], present: list[dict[str, Any]], facts: Facts) -> list[dict[str, Any]]:
    """The entries of all publishers: those that are given anew, the others as they are present.

    Args:
        facts: of files, by address; what is present is known too.
    """
    entries = []
    for name, read in PUBLISHERS.items():
        checkout = checkouts[name]
        fresh = [] if checkout is None else [{"source": name} | entry for entry in read(Checkout(checkout))]
        entries += fresh or [entry for entry in present if entry["source"] == name]
    known = kept_facts(present) | facts
    return [with_anatomy(with_facts(entry, known)) for entry in entries]


def content(checkouts: dict[str, Path | None], present: list[dict[str, Any]], facts: Facts) -> dict[str, Any]:
    """The whole catalogue; the arguments are those of :func:`published`."""
    entries = published(checkouts, present, facts)
    models = [to_json(card) for card in embedded_cards()]
    return {"models": models, "published": entries, "structures": structures_of(entries)}


def text_of(sections: dict[str, list[dict[str, Any]] | dict[str, dict[str, Any]]]) -> str:
    """As JSON with a model or a structure a line, so that what changes is seen."""
    written = []
    for name, entries in sections.items():
        if isinstance(entries, dict):
            (opening, closing), lines = "{}", [f"{_json(key)}: {_json(entry)}" for key, entry in entries.items()]
        else:
            (opening, closing), lines = "[]", [_json(entry) for entry in entries]
        written.append("\n".join((f"{_json(name)}: {opening}", ",\n".join(lines), closing)))
    return "{\n" + ",\n".join(written) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in PUBLISHERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, metavar="GIT")
    parser.add_argument("--releases", type=Path, nargs="+", default=[], metavar="JSON")
    checkouts = vars(parser.parse_args())
    facts = release_facts(checkouts.pop("releases"))
    present = json.loads(catalogue_file().read_text(encoding="utf-8")).get("published", [])
    catalogue_file().write_text(text_of(content(checkouts, present, facts)), encoding="utf-8")


if __name__ == "__main__":
    main()
