"""Write the catalogue of models from what the format adapters read of the embedded ones."""

from __future__ import annotations

import json

from MedAISegLib.core.records import to_json
from MedAISegLib.formats import read_model
from MedAISegLib.models.card import ModelCard, card_of
from MedAISegLib.models.catalogue import catalogue_file
from MedAISegLib.models.store import installed_models


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


if __name__ == "__main__":
    models = [to_json(card) for card in embedded_cards()]
    catalogue_file().write_text(json.dumps({"models": models}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
