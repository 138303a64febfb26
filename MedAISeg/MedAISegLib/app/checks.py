"""What speaks against a run before it is made, from headers alone, in a user's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..core.errors import InputError, UsageError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
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
            text = _("Choose an {image}.").format(image=image_of(channel.name))
            lines.append(CheckLine(Severity.STOP, text, channel.name))
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
        text = _("The {image} is {found}, and the model was made for {wanted}.")
        text = text.format(image=image_of(channel.name), found=image.modality, wanted=wanted)
        yield CheckLine(Severity.ASK, text, channel.name)
    elif wanted and not image.modality:
        text = _("The {image} does not say its modality; it is taken as {wanted}.")
        text = text.format(image=image_of(channel.name), wanted=wanted)
        yield CheckLine(Severity.NOTE, text, channel.name)


def _values(channel: Channel, image: Candidate, answer: str) -> Iterator[CheckLine]:
    """What is to be asked, or stands in the way, where values have to be SUV: tried on a single voxel."""
    if not wants_suv(channel) or image.modality not in ("PT", ""):
        return
    question = getattr(image, "question", None)
    if question is not None and not answer:
        yield CheckLine(Severity.ASK, _of_image(channel, f"{question.what} {question.remedy}"), channel.name)
        return
    attributes = dict(image.attributes) | ({"Units": answer} if answer else {})
    geometry = VolumeGeometry((1, 1, 1), np.eye(4))
    probe = Volume(np.zeros((1, 1, 1), np.float32), geometry, image.modality, "", image.series, attributes)
    try:
        notices = to_suv_bw(probe).notices
    except InputError as error:
        yield CheckLine(Severity.STOP, _of_image(channel, error.what), channel.name)
        return
    if any(notice.code == "suv-assumed" for notice in notices):
        text = _("The {image} does not say its units. Are its values SUV (g/mL), or activity (Bq/mL)?")
        yield CheckLine(Severity.ASK, text.format(image=image_of(channel.name)), channel.name)


def _grid(model: ModelCard, channel: Channel, geometry: VolumeGeometry) -> Iterator[CheckLine]:
    slices = min(geometry.shape_kji)
    if slices < FEWEST_SLICES and not model.sees_slices:
        one = _("The {image} has only {count} slice; the model was made for volumes.")
        several = _("The {image} has only {count} slices; the model was made for volumes.")
        text = (one if slices == 1 else several).format(image=image_of(channel.name), count=slices)
        yield CheckLine(Severity.ASK, text, channel.name)
    coarsest_mm = float(geometry.spacing_mm.max())
    if model.spacing_mm and any(model.spacing_mm) and coarsest_mm > _COARSE * max(model.spacing_mm):
        text = _(
            "The {image} has a spacing of {spacing} mm along one axis; the model works at {wanted} mm, and its labels "
            "will be coarse."
        ).format(image=image_of(channel.name), spacing=f"{coarsest_mm:.1f}", wanted=f"{max(model.spacing_mm):g}")
        yield CheckLine(Severity.WARNING, text, channel.name)
    if model.window_mm:
        pairs = zip(sorted(extent_mm(geometry)), sorted(model.window_mm), strict=True)
        if any(image < _SMALL * window for image, window in pairs):
            text = _("The {image} is only {size} mm large, less than half of what the model looks at.")
            text = text.format(image=image_of(channel.name), size=_size_mm(geometry))
            yield CheckLine(Severity.WARNING, text, channel.name)


def _origin(channel: Channel, image: Candidate) -> Iterator[CheckLine]:
    problem = getattr(image, "problem", None)
    if problem is not None:
        yield CheckLine(Severity.STOP, _of_image(channel, f"{problem.what} {problem.remedy}"), channel.name)
    if getattr(image, "bent", False):
        text = _("The {image} lies under a transform that bends it, as uneven or missing slices do; it is resampled.")
        yield CheckLine(Severity.WARNING, text.format(image=image_of(channel.name)), channel.name)
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
            text = _("{channel} and {other} are the same image.").format(channel=name, other=first_name)
            yield CheckLine(Severity.WARNING, text, name)
        own = image.series.frame_of_reference_uid if image.series else ""
        if frame and own and frame != own:
            text = _("{channel} and {other} are in different frames of reference; they may not lie on each other.")
            yield CheckLine(Severity.WARNING, text.format(channel=name, other=first_name), name)
        if first.geometry is not None and image.geometry is not None:
            share = _share_covered(first.geometry, image.geometry)
            if share == 0.0:
                text = _("{channel} and {other} show different places.").format(channel=name, other=first_name)
                yield CheckLine(Severity.STOP, text, name)
            elif share < _COVERED:
                text = _("{channel} covers only {percent} % of {other}.")
                text = text.format(channel=name, percent=f"{100 * share:.0f}", other=first_name)
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
            yield CheckLine(Severity.STOP, _("The region does not meet the image."))
    elif model.wants_region and (model.window_mm is None or is_clearly_larger(geometry, model.window_mm)):
        text = _(
            "The model was trained on small boxes, and this image is {size} mm large. "
            "Draw a region around the structure."
        )
        yield CheckLine(Severity.WARNING, text.format(size=_size_mm(geometry)))


def _memory(need: NeedReply | None) -> Iterator[CheckLine]:
    if need is None:
        return
    for text, wanted, free in (
        (
            _("About {wanted} of memory are needed and {free} are free. It may be slow or fail."),
            need.host_bytes,
            need.host_free_bytes,
        ),
        (
            _("About {wanted} of memory on the device are needed and {free} are free. It may be slow or fail."),
            need.device_bytes,
            need.device_free_bytes,
        ),
    ):
        if free and wanted > free:
            yield CheckLine(Severity.WARNING, text.format(wanted=_gigabytes(wanted), free=_gigabytes(free)))


def _of_image(channel: Channel, finding: str) -> str:
    return _("The {image}: {finding}").format(image=image_of(channel.name), finding=finding)


def _size_mm(geometry: VolumeGeometry) -> str:
    return " x ".join(f"{length:.0f}" for length in extent_mm(geometry)[::-1])


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1024**3:.1f} GB"
