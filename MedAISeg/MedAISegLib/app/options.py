"""What a job's options change: which segments are wanted, how the model is run, what is kept of its labels."""

from __future__ import annotations

import colorsys
from itertools import combinations

import numpy as np

from ..core.errors import UsageError
from ..core.progress import Poll, never
from ..core.segmentation import Layers, Segment, translated
from ..models.operations import KeepLargestComponent
from ..models.spec import ModelSpec, SegmentSpec, Threshold
from .job import SegmentationJob

_ALL_FLIPS = tuple(axes for n in (1, 2, 3) for axes in combinations((0, 1, 2), n))


def wanted_segments(spec: ModelSpec, names: tuple[str, ...]) -> tuple[SegmentSpec, ...]:
    """The model's segments with these names, in the model's order and without regard to case; all where none is named.

    Raises:
        UsageError: if the model has no segment of a name; the message lists those it has.
    """
    if not names:
        return spec.segments
    asked = {name.strip().casefold(): name.strip() for name in names}
    unknown = [name for key, name in asked.items() if key not in {s.name.casefold() for s in spec.segments}]
    if unknown:
        raise UsageError(
            f"has no label {', '.join(repr(name) for name in unknown)}.",
            where=f"model {spec.id}",
            remedy=f"Its labels are: {', '.join(s.name for s in spec.segments)}.",
        )
    return tuple(s for s in spec.segments if s.name.casefold() in asked)


def apply_options(spec: ModelSpec, job: SegmentationJob) -> ModelSpec:
    """The model as the job wants it run.

    Raises:
        UsageError: if a wanted label is not the model's.
    """
    wanted = wanted_segments(spec, job.labels)
    if job.test_time_flips is not None:
        spec = spec.with_test_time_flips(_ALL_FLIPS if job.test_time_flips else ())
    if job.keep_largest_component:
        spec = spec.with_postprocessing(KeepLargestComponent(labels=tuple(s.label_value for s in wanted)))
    return spec


def select_segments(
    spec: ModelSpec, wanted: tuple[SegmentSpec, ...], layers: Layers, poll: Poll = never
) -> tuple[Layers, tuple[Segment, ...]]:
    """The wanted segments, in the layers that hold them; every other label is removed.

    Args:
        spec: tells in which layer the engine has put a label.
        wanted: in the order in which they shall be listed.
        layers: (layer, k, j, i), as the engine gave them.
        poll: called between slices.
    """
    decision = spec.stages[-1].decision
    source_layer = {
        s.label_value: decision.labels.index(s.label_value) if isinstance(decision, Threshold) else 0 for s in wanted
    }
    kept_layers = sorted(set(source_layer.values()))
    kept = np.empty((len(kept_layers), *layers.shape[1:]), dtype=layers.dtype)
    for n, layer in enumerate(kept_layers):
        table = np.zeros(np.iinfo(layers.dtype).max + 1, dtype=layers.dtype)
        values = [value for value, source in source_layer.items() if source == layer]
        table[values] = values
        kept[n] = translated(layers[layer], table, poll)
    segments = tuple(
        Segment(
            label_value=s.label_value,
            name=s.name,
            color_rgb=s.color_rgb or distinct_color(s.label_value),
            terminology=s.terminology,
            layer=kept_layers.index(source_layer[s.label_value]),
        )
        for s in wanted
    )
    return kept, segments


def distinct_color(label_value: int) -> tuple[int, int, int]:
    """A colour for a label whose model gives none: neighbours in value lie far apart in hue (golden angle)."""
    hue = (0.07 + label_value * 0.618034) % 1.0
    saturation, brightness = (0.65, 0.95) if label_value % 2 else (0.8, 0.75)
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, brightness))
    return red, green, blue
