"""What a classification model says of an image: a probability for each of its classes."""

from __future__ import annotations

from dataclasses import dataclass

from .notice import Notice
from .result import Provenance


@dataclass(frozen=True)
class ClassProbability:
    """A class and how probable it is, 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True)
class ImageClasses:
    """An image and the probabilities of its classes, in the model's order.

    Attributes:
        image: the image's description or file name; of a slice of a volume with its number, the first being 1.
    """

    image: str
    classes: tuple[ClassProbability, ...]

    @property
    def best(self) -> ClassProbability:
        """The most probable class; of equal ones the first."""
        return max(self.classes, key=lambda found: found.probability)


def image_names(image: str, count: int) -> tuple[str, ...]:
    """What the slices of an image are called; the image itself where there is only one."""
    return (image,) if count == 1 else tuple(f"{image}, slice {number}" for number in range(1, count + 1))


@dataclass(frozen=True)
class ClassificationResult:
    """What came of classifying images; all have the same classes."""

    images: tuple[ImageClasses, ...]
    provenance: Provenance
    notices: tuple[Notice, ...] = ()
