"""What speaks against a run before it is made, from headers alone, in a user's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..core.errors import InputError, UsageError
from ..core.geometry import VolumeGeometry
from ..core.quantities import to_suv_bw
from ..core.region import OrientedBox
from ..core.volume import Volume
from ..models.card import ModelCard
from ..models.extent import extent_mm, is_clearly_larger
from ..models.spec import Channel
from .colours import are_colours
from .fit import Candidate, image_of, is_other_modality
from .match import FEWEST_SLICES
from .protocol import NeedReply

SUV = "GML"
ACTIVITY = "BQML"
"""DICOM's Units of a PET image (PS3.3 C.8.9.1.1.3), as a user may state them."""

_COARSE = 3.0
_SMALL = 0.5
_COVERED = 0.9
_SAMPLES_PER_AXIS = 7


class Severity(Enum):
    """How much a line speaks against the run."""

    NOTE = "note"
    WARNING = "warning"
    ASK = "ask"
    STOP = "stop"


@dataclass(frozen=True)
class CheckLine:
    """One finding; ``channel`` is empty where it is about the run as a whole."""

    severity: Severity
    text: str
    channel: str = ""

    def __str__(self) -> str:
        return self.text


def check_inputs(
    model: ModelCard,
    chosen: Mapping[str, Candidate],
    *,
    region: OrientedBox | None = None,
    need: NeedReply | None = None,
    units: Mapping[str, str] | None = None,
) -> tuple[CheckLine, ...]:
    """What a user should know or answer before the run, the gravest first.

    Args:
        model: the chosen model.
        chosen: image by channel name; channels may be missing.
        region: limits the run.
        need: the worker's estimate of memory, where it is known.
        units: the user's answer to what the values of a PET image are, by channel name.
    """
    lines: list[CheckLine] = []
    # The colours of a picture have one image together.
    channels = model.channels[:1] if are_colours(model.channels) else model.channels
    for channel in channels:
        image = chosen.get(channel.name)
        if image is None:
            lines.append(CheckLine(Severity.STOP, f"Choose an {image_of(channel.name)}.", channel.name))
            continue
        lines += _modality(channel, image)
        lines += _values(channel, image, (units or {}).get(channel.name, ""))
        if image.geometry is not None:
            lines += _grid(model, channel, image.geometry)
        lines += _origin(channel, image)
    lines += _together(channels, chosen)
    lines += _region(model, chosen, region)
    lines += _memory(need)
    order = list(Severity)
    return tuple(sorted(lines, key=lambda line: -order.index(line.severity)))


def wants_suv(channel: Channel) -> bool:
    """Whether the values of an image have to be SUV."""
    return channel.units == "SUV" or channel.modality == "PT"


def _modality(channel: Channel, image: Candidate) -> Iterator[CheckLine]:
    wanted = channel.modality
    if is_other_modality(channel, image):
        text = f"The {image_of(channel.name)} is {image.modality}, and the model was made for {wanted}."
        yield CheckLine(Severity.ASK, text, channel.name)
    elif wanted and not image.modality:
        text = f"The {image_of(channel.name)} does not say its modality; it is taken as {wanted}."
        yield CheckLine(Severity.NOTE, text, channel.name)


def _values(channel: Channel, image: Candidate, answer: str) -> Iterator[CheckLine]:
    """What is to be asked, or stands in the way, where values have to be SUV: tried on a single voxel."""
    if not wants_suv(channel) or image.modality not in ("PT", ""):
        return
    question = getattr(image, "question", None)
    if question is not None and not answer:
        yield CheckLine(Severity.ASK, f"The {image_of(channel.name)}: {question.what} {question.remedy}", channel.name)
        return
    attributes = dict(image.attributes) | ({"Units": answer} if answer else {})
    geometry = VolumeGeometry((1, 1, 1), np.eye(4))
    probe = Volume(np.zeros((1, 1, 1), np.float32), geometry, image.modality, "", image.series, attributes)
    try:
        notices = to_suv_bw(probe).notices
    except InputError as error:
        yield CheckLine(Severity.STOP, f"The {image_of(channel.name)}: {error.what}", channel.name)
        return
    if any(notice.code == "suv-assumed" for notice in notices):
        text = f"The {image_of(channel.name)} does not say its units. Are its values SUV (g/mL), or activity (Bq/mL)?"
        yield CheckLine(Severity.ASK, text, channel.name)


def _grid(model: ModelCard, channel: Channel, geometry: VolumeGeometry) -> Iterator[CheckLine]:
    slices = min(geometry.shape_kji)
    if slices < FEWEST_SLICES and not model.sees_slices:
        count = f"{slices} slice{'s' if slices > 1 else ''}"
        text = f"The {image_of(channel.name)} has only {count}; the model was made for volumes."
        yield CheckLine(Severity.ASK, text, channel.name)
    coarsest_mm = float(geometry.spacing_mm.max())
    if model.spacing_mm and any(model.spacing_mm) and coarsest_mm > _COARSE * max(model.spacing_mm):
        text = (
            f"The {image_of(channel.name)} has a spacing of {coarsest_mm:.1f} mm along one axis; the model works at "
            f"{max(model.spacing_mm):g} mm, and its labels will be coarse."
        )
        yield CheckLine(Severity.WARNING, text, channel.name)
    if model.window_mm:
        pairs = zip(sorted(extent_mm(geometry)), sorted(model.window_mm), strict=True)
        if any(image < _SMALL * window for image, window in pairs):
            size = " x ".join(f"{length:.0f}" for length in extent_mm(geometry)[::-1])
            text = f"The {image_of(channel.name)} is only {size} mm large, less than half of what the model looks at."
            yield CheckLine(Severity.WARNING, text, channel.name)


def _origin(channel: Channel, image: Candidate) -> Iterator[CheckLine]:
    problem = getattr(image, "problem", None)
    if problem is not None:
        yield CheckLine(Severity.STOP, f"The {image_of(channel.name)}: {problem.what} {problem.remedy}", channel.name)
    if getattr(image, "bent", False):
        text = (
            f"The {image_of(channel.name)} lies under a transform that bends it, as uneven or missing slices do; "
            "it is resampled."
        )
        yield CheckLine(Severity.WARNING, text, channel.name)
    for notice in getattr(image, "notices", ()):
        yield CheckLine(Severity.WARNING, notice.message, channel.name)


def _together(channels: Sequence[Channel], chosen: Mapping[str, Candidate]) -> Iterator[CheckLine]:
    """What speaks against taking the images as pictures of one place."""
    bound = [(channel.name, chosen[channel.name]) for channel in channels if channel.name in chosen]
    if not bound:
        return
    (first_name, first), *others = bound
    frame = first.series.frame_of_reference_uid if first.series else ""
    for name, image in others:
        if image is first:
            yield CheckLine(Severity.WARNING, f"{name} and {first_name} are the same image.", name)
        own = image.series.frame_of_reference_uid if image.series else ""
        if frame and own and frame != own:
            text = f"{name} and {first_name} are in different frames of reference; they may not lie on each other."
            yield CheckLine(Severity.WARNING, text, name)
        if first.geometry is not None and image.geometry is not None:
            share = _share_covered(first.geometry, image.geometry)
            if share == 0.0:
                yield CheckLine(Severity.STOP, f"{name} and {first_name} show different places.", name)
            elif share < _COVERED:
                text = f"{name} covers only {100 * share:.0f} % of {first_name}."
                yield CheckLine(Severity.WARNING, text, name)


def _share_covered(first: VolumeGeometry, other: VolumeGeometry) -> float:
    """Share of places in one grid, from the first to the last voxel along each axis, that lie within another."""
    axes = [np.linspace(0, n - 1, _SAMPLES_PER_AXIS) for n in first.shape_kji]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    at = other.lps_to_index(first.index_to_lps(index))
    inside = ((at >= -0.5) & (at <= np.array(other.shape_kji) - 0.5)).all(axis=1)
    return float(inside.mean())


def _region(model: ModelCard, chosen: Mapping[str, Candidate], region: OrientedBox | None) -> Iterator[CheckLine]:
    first = chosen.get(model.channels[0].name) if model.channels else None
    geometry = first.geometry if first else None
    if geometry is None:
        return
    if region is not None:
        try:
            region.voxel_bounds(geometry)
        except UsageError:
            yield CheckLine(Severity.STOP, "The region does not meet the image.")
    elif model.wants_region and (model.window_mm is None or is_clearly_larger(geometry, model.window_mm)):
        size = " x ".join(f"{length:.0f}" for length in extent_mm(geometry)[::-1])
        text = f"The model was trained on small boxes, and this image is {size} mm large."
        yield CheckLine(Severity.WARNING, f"{text} Draw a region around the structure.")


def _memory(need: NeedReply | None) -> Iterator[CheckLine]:
    if need is None:
        return
    for name, wanted, free in (
        ("memory", need.host_bytes, need.host_free_bytes),
        ("memory on the device", need.device_bytes, need.device_free_bytes),
    ):
        if free and wanted > free:
            text = f"About {_gigabytes(wanted)} of {name} are needed and {_gigabytes(free)} are free."
            yield CheckLine(Severity.WARNING, f"{text} It may be slow or fail.")


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1024**3:.1f} GB"
