"""Why a control has nothing to do for models that classify."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.card import ModelCard
from .texts import _


def why_no_segments(cards: Sequence[ModelCard]) -> str:
    """Why nothing about segments can be chosen for a run of these models; empty where it can."""
    if not cards or not all(card.classes for card in cards):
        return ""
    return _("{model} says what an image shows as a whole: it makes no segments").format(model=cards[0].name)
