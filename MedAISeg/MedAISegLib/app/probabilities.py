"""Maps of probabilities on request: which classes they are of, and where they are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.geometry import VolumeGeometry
from ..core.progress import Poll, never
from ..core.region import OrientedBox
from ..models.spec import Argmax, ModelSpec, Regions

if TYPE_CHECKING:
    from ..exporters.probabilities import ProbabilityClass, ProbabilityFile

FILE_NAMES = ("probabilities.nii", "probabilities.json")
_BACKGROUND = "background"
_REST = " (rest)"


def probability_file(path: Path, spec: ModelSpec, geometry: VolumeGeometry, poll: Poll = never) -> ProbabilityFile:
    """A file for the probabilities of a model's classes, on the grid of its first channel.

    Raises:
        UsageError: if the model gives none.
    """
    from ..engine.run import require_probabilities
    from ..exporters.probabilities import ProbabilityFile

    require_probabilities(spec)
    return ProbabilityFile(path, geometry, classes_of(spec), poll)


def classes_of(spec: ModelSpec) -> list[ProbabilityClass]:
    """The network's classes in its order; of a network whose classes are not named, as many as its labels need."""
    from ..exporters.probabilities import ProbabilityClass

    stage = spec.stages[-1]
    decision = spec.ensemble.decision if spec.ensemble else stage.decision
    names = {segment.label_value: segment.name for segment in spec.segments}
    labels = decision.labels or tuple(range(max(names) + 1))
    painted = [stage.paints[label] if stage.paints else label for label in labels]
    if isinstance(decision, Regions):
        return [ProbabilityClass(names.get(value, "").removesuffix(_REST), value) for value in painted]
    is_background = [isinstance(decision, Argmax) and label == 0 for label in labels]
    return [
        ProbabilityClass(_BACKGROUND if outside else names.get(value, f"class {n}"), value, outside)
        for n, (value, outside) in enumerate(zip(painted, is_background, strict=True))
    ]


def clear_outside(
    maps: ProbabilityFile, box: OrientedBox, geometry: VolumeGeometry, start: tuple[int, int, int], poll: Poll
) -> None:
    """Nothing was looked at outside of a (possibly rotated) box within the crop that begins at ``start``."""
    for n, inside in enumerate(box.mask_planes(geometry)):
        maps.clear((start[0] + n, start[1], start[2]), np.logical_not(inside))
        poll()
