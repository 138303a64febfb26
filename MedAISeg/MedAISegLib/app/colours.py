"""Channels that are the colours of one picture: one image serves all three of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..core.colours import COLOURS, PHOTOMETRIC, RGB, colour_number, grey_notice, luminance
from ..core.errors import InputError
from ..core.language import tr as _
from ..core.volume import Volume
from ..models.spec import Channel
from .fit import Candidate


class HasChannels(Protocol):
    """What assigning needs of a model: its specification has it, and so has its card."""

    @property
    def id(self) -> str: ...

    @property
    def channels(self) -> tuple[Channel, ...]: ...

    @property
    def sees_slices(self) -> bool: ...


@dataclass(frozen=True)
class OneChannel:
    """A model of coloured pictures, as if it had only the first of its channels."""

    id: str
    channels: tuple[Channel, ...]
    sees_slices: bool


def are_colours(channels: Sequence[Channel]) -> bool:
    """Whether they are red, green and blue, in whatever order."""
    return len(channels) == len(COLOURS) and {colour_number(c.name) for c in channels} == set(range(len(COLOURS)))


def as_one_channel(model: HasChannels) -> OneChannel | None:
    """The model with one channel for its picture; None where its channels are images of their own."""
    return OneChannel(model.id, model.channels[:1], model.sees_slices) if are_colours(model.channels) else None


def is_coloured(image: Candidate) -> bool:
    """Whether an image is a coloured picture, or a colour of one."""
    return image.attributes.get(PHOTOMETRIC) == RGB


def colours_of_picture(model: HasChannels, volumes: Sequence[Volume]) -> dict[str, Volume]:
    """The colours by channel, where the channels are colours and the volumes hold those of a single picture.

    Raises:
        InputError: if they hold colours of several pictures.
    """
    colours = [volume for volume in volumes if is_coloured(volume)]
    if not colours or not are_colours(model.channels):
        return {}
    if len(colours) != len(COLOURS):
        raise InputError(
            _("there are {count} volumes of colours, and a picture has three.").format(count=len(colours)),
            where=colours[0].description,
            remedy=_("Give the red, green and blue of one picture, in this order."),
        )
    return {channel.name: part_of_picture(colours, channel) for channel in model.channels}


def part_of_picture(volumes: Sequence[Volume], channel: Channel) -> Volume:
    """The colour that a channel is named after; for any other channel the luminance, with a notice.

    Args:
        volumes: red, green and blue of one picture.
    """
    number = colour_number(channel.name)
    if number is not None:
        return volumes[number]
    grey = luminance(np.stack([volume.voxels for volume in volumes], axis=-1))
    return volumes[0].with_voxels(grey, grey_notice())
