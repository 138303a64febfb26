"""What words find a model by."""

from __future__ import annotations

from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.models.spec import Channel


def card(**facts) -> ModelCard:
    return ModelCard("m", "Structures", ModelState.READY, **facts)


def test_each_modality_of_several_is_found_by_what_people_call_it():
    fused = card(channels=(Channel("CT", "CT"), Channel("SUV", "PT")))
    assert all(fused.mentions(words) for words in ("ct", "PET", "pt ct", "stru"))
    assert not fused.mentions("mri")


def test_a_modality_is_no_part_of_a_word():
    assert not card(anatomy="brain", classes=("ctx-lh-insula",)).mentions("ct")
    assert card(anatomy="brain", classes=("ctx-lh-insula",)).mentions("CTX_LH ins")
