"""Models of other tasks than segmentation, told by name."""

from __future__ import annotations

from ..core.errors import ModelError

CLASSIFICATION = "classification"
_REMEDY = "Look for one that segments: medaiseg models search WORDS, or the search in the panel."


class OtherTaskError(ModelError):
    """It is no segmentation model; ``task`` says what it is: classification, detection, generative, …"""

    def __init__(self, task: str, *, where: str) -> None:
        super().__init__(f"it is a {task} model, not a segmentation model.", where=where, remedy=_REMEDY)
        self.task = task
