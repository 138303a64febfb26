"""MeshNet brain models as brainchop publishes them: ``model.json``, ``model.pth`` and ``colormap.json``.

Their files do not say how the input is prepared; a description does, which we ship for the published models, and which
a file ``medaiseg.json`` beside the model completes or changes.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.fingerprint import folder_sha256
from ...models.operations import Conform, Interpolation, MinMax, Operation, ScalePercentiles
from ...models.spec import Activation, Argmax, Channel, InferenceStage, ModelSpec, Restore, RestoreOrder, Windows
from ...models.trust import file_sha256
from .. import ModelSource
from ..recipe import Recipe
from .architecture import ARCHITECTURE, Architecture, is_architecture, read_architecture
from .description import DESCRIPTION, Scaling, complete
from .labels import find_color_map, read_segments
from .published import PUBLISHED

if TYPE_CHECKING:
    import torch

SCALINGS: dict[Scaling, Operation] = {
    Scaling.MIN_MAX: MinMax(),
    Scaling.PERCENTILES: ScalePercentiles(2.0, 98.0, clip=True),
}
"""The last step of the preparation, by what the description calls it."""


def recognises(path: Path) -> bool:
    """Whether the path is a folder with MeshNet's ``model.json``."""
    return path.is_dir() and is_architecture(path / ARCHITECTURE)


def read(path: Path) -> ModelSource:
    """Read a MeshNet model's folder; its weights are not loaded.

    Raises:
        ModelError: if it is damaged or not supported.
    """
    root = path.resolve()
    architecture = read_architecture(root / ARCHITECTURE)
    weights = _weights_file(root)
    color_map = find_color_map(root, architecture.classes)
    segments = read_segments(root, color_map, architecture.classes)
    description, notices = complete(PUBLISHED.get(file_sha256(weights)), root)
    if color_map is None:
        notices += (Notice("unnamed-labels", f"No colour map names the labels of {root.name}: they carry numbers."),)
    spec = ModelSpec(
        id=root.name,
        name=description.name or root.name,
        format="meshnet",
        channels=(Channel("T1", modality="MR"),),
        stages=(_stage(description.scaling),),
        segments=segments,
        version=description.version,
        description=description.description,
        anatomy=description.anatomy,
        license=description.license,
        commercial_use=description.commercial_use,
        citation=description.citation,
        intended_use=description.intended_use,
        sha256=folder_sha256(root, (ARCHITECTURE, weights.name, DESCRIPTION, *([color_map.name] if color_map else []))),
        notices=notices,
    )
    classes = max(segment.label_value for segment in segments) + 1
    build = partial(_build_networks, weights, architecture, classes)
    recipes = partial(_recipes, weights, architecture)
    return ModelSource(spec, build, widths=(_width(weights, architecture),), recipes=recipes)


def _stage(scaling: Scaling) -> InferenceStage:
    return InferenceStage(
        preprocessing=(Conform(256, 1.0, "LIA"), SCALINGS[scaling]),
        windows=Windows(size=None),
        decision=Argmax(),
        restore=Restore(
            Activation.NONE,
            RestoreOrder.DECIDE_THEN_LABELS,
            Interpolation.NEAREST,
            probability=Activation.SOFTMAX,
        ),
    )


def _weights_file(root: Path) -> Path:
    names = ("model.safetensors", "model.pth")
    for name in names:
        if (root / name).is_file():
            return root / name
    raise ModelError(f"its weights are missing: {' or '.join(names)}.", where=str(root))


def _width(weights: Path, architecture: Architecture) -> float:
    """Features of a layer by the weights' size, as a template does not say them: most layers are width x width x 27."""
    layers = max(1, len(architecture.dilations) - 2)
    return math.sqrt(weights.stat().st_size / 4 / 27 / layers)


def _build_networks(weights: Path, architecture: Architecture, classes: int) -> tuple[tuple[torch.nn.Module, ...], ...]:
    # Importing torch takes seconds, and a list of models does not need it.
    from .weights import build_network

    return ((build_network(weights, architecture, classes),),)


def _recipes(weights: Path, architecture: Architecture) -> tuple[tuple[Recipe, ...], ...]:
    from .weights import recipe_from

    return ((recipe_from(weights, architecture),),)
