"""Which image serves which input of the chosen models, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import slicer

from ..app.checks import CheckLine, Severity, check_inputs
from ..app.colours import are_colours, is_coloured
from ..app.fit import describe, image_of
from ..app.proposal import Proposal, propose
from ..app.protocol import NeedReply
from ..core.errors import MedAISegError
from ..core.geometry import VolumeGeometry
from ..core.region import OrientedBox
from ..models.card import ModelCard
from ..slicer_io.dicom_candidate import SeriesCandidate, series_candidate
from ..slicer_io.dicom_database import SeriesRow, series_title
from ..slicer_io.inputs import Input, NodeCandidate, NodeInput, SeriesInput, excluded_volumes, scene_candidates
from ..slicer_io.pump import Pieces
from ..slicer_io.runs import Frames
from ..slicer_io.sequences import frame_count
from .context import Context
from .input_view import InputOption, InputRow, InputView
from .parameters import ChannelKey
from .series_picker import SeriesPicker
from .texts import _, readable_modality

T = TypeVar("T")
Image = NodeCandidate | SeriesCandidate

_MOST_LEFT_OUT = 3
_THE_IMAGE = "\0"
"""Stands for what a check line calls its image, while lines are compared."""


class InputControl:
    """Between the Input section, the scene and the DICOM database.

    A series of the database is remembered here only: its UID belongs neither into the scene nor into the settings.
    """

    def __init__(self, context: Context, tell_error: Callable[[MedAISegError], None]) -> None:
        self._context, self._tell_error = context, tell_error
        self.view = InputView(
            context.ui,
            on_choice=self._choose,
            on_pick=self._pick,
            on_scene=self._leave_study,
            on_frames=self._choose_frames,
        )
        self._picker = SeriesPicker(context.ui, on_chosen=self._choose_series, on_study=self._choose_study)
        self._nodes: tuple[NodeCandidate, ...] = ()
        self._series: dict[ChannelKey, SeriesCandidate] = {}
        self._study: tuple[SeriesCandidate, ...] = ()
        self._cards: tuple[ModelCard, ...] = ()
        self._proposals: dict[str, tuple[Proposal[Image], ...]] = {}
        self._awaited: dict[ChannelKey | None, object] = {}
        self.units: dict[ChannelKey, str] = {}

    def forget(self) -> None:
        """Another scene is open: what was chosen for the last one is gone."""
        self._awaited.clear()
        self._series.clear()
        self._study = ()
        self.units.clear()
        self._picker.close()

    def followed_nodes(self) -> tuple[Any, ...]:
        """The volumes whose change is of interest."""
        found = (slicer.mrmlScene.GetNodeByID(candidate.input.node_id) for candidate in self._nodes)
        return tuple(node for node in found if node is not None)

    def sources(self, card: ModelCard) -> dict[str, Input]:
        """What each channel of a model is given; channels without an image are missing."""
        return {name: _source(image) for name, image in self.images(card).items()}

    def images(self, card: ModelCard) -> dict[str, Image]:
        """The image of each channel of a model; channels without one are missing."""
        return {p.channel.name: p.image for p in self._proposals.get(card.id, ()) if p.image is not None}

    @property
    def has_images(self) -> bool:
        """Whether there is anything to segment yet."""
        return bool(self._nodes or self._series or self._study)

    def geometries(self, card: ModelCard) -> dict[str, VolumeGeometry]:
        """The grid of each channel's image, where it is known."""
        return {name: i.geometry for name, i in self.images(card).items() if i.geometry is not None}

    def first_volume(self) -> Any:
        """The volume node of the first channel of the first model, None where it is not in the scene."""
        for card in self._cards:
            source = self.sources(card).get(card.channels[0].name) if card.channels else None
            return slicer.mrmlScene.GetNodeByID(source.node_id) if isinstance(source, NodeInput) else None
        return None

    def frames(self) -> Frames:
        """Which frames are to be run; one where the input belongs to no sequence."""
        chosen = self._context.parameters().read().frames
        return chosen if self._frame_count() > 1 else Frames.ONE

    def match(self, cards: tuple[ModelCard, ...]) -> None:
        """Find an image for each channel of the models."""
        self._cards = cards
        flat = any(card.sees_slices for card in cards)
        self._nodes = scene_candidates(slicer.mrmlScene, pictures=flat)
        by_node = {candidate.input.node_id: candidate for candidate in self._nodes}
        chosen: dict[ChannelKey, Image] = {
            key: by_node[node.GetID()]
            for key, node in self._context.parameters().inputs().items()
            if node.GetID() in by_node
        }
        chosen |= self._series
        # A study that was opened to be matched comes instead of the scene, which may hold the same images.
        candidates = [series for series in self._study if series.problem is None] or self._nodes
        self._proposals = {
            card.id: propose(
                card,
                [image for image in candidates if card.sees_slices or not is_coloured(image)],
                chosen={c.name: chosen[card.id, c.name] for c in card.channels if (card.id, c.name) in chosen},
            )
            for card in cards
        }
        self._chosen_keys = frozenset(chosen)

    def checks(self, card: ModelCard, region: OrientedBox | None, need: NeedReply | None) -> tuple[CheckLine, ...]:
        """What speaks against a run of a model."""
        images = self.images(card)
        answers = {name: self.units[card.id, name] for name in images if (card.id, name) in self.units}
        problems = tuple(
            CheckLine(Severity.STOP, str(image.problem), name)
            for name, image in images.items()
            if isinstance(image, SeriesCandidate) and image.problem is not None
        )
        return problems + check_inputs(card, images, region=region, need=need, units=answers)

    def refresh(self, checks: tuple[CheckLine, ...]) -> None:
        rows = [
            self._row(card, proposal)
            for card in self._cards
            # The colours of a picture are chosen as one.
            for proposal in self._proposals[card.id][: 1 if are_colours(card.channels) else None]
        ]
        self.view.show(rows, frame_count=self._frame_count(), frames=self.frames())
        # A row without an image says so itself.
        shown = merged([line for line in checks if not self._is_open(line)])
        flat = any(card.sees_slices for card in self._cards)
        self.view.show_checks(shown + (not_offered(pictures=flat) if any(row.source is None for row in rows) else []))

    def _is_open(self, line: CheckLine) -> bool:
        open_channels = {p.channel.name for found in self._proposals.values() for p in found if p.image is None}
        return line.severity is Severity.STOP and line.channel in open_channels

    def _frame_count(self) -> int:
        """Of the sequence that the first input belongs to, 0 where it belongs to none."""
        volume = self.first_volume()
        return 0 if volume is None else frame_count(volume)

    def _row(self, card: ModelCard, proposal: Proposal[Image]) -> InputRow:
        key = (card.id, proposal.channel.name)
        nodes = [image for image in self._nodes if card.sees_slices or not is_coloured(image)]
        options = [InputOption(c.name, c.input, describe(c)) for c in nodes]
        offered = {series.row.series_uid: series for series in (*self._study, self._series.get(key)) if series}
        for series in offered.values():
            text = _("{title} (DICOM database)").format(title=series_title(series.row))
            options.append(InputOption(text, _source(series), describe(series)))
        is_only = proposal.channel.name.casefold() == "image" or are_colours(card.channels)
        name = _("Image") if is_only else proposal.channel.name
        wants = _("Wanted: {kind}").format(kind=readable_modality(proposal.channel.modality))
        return InputRow(
            key=key,
            group=card.name if len(self._cards) > 1 else "",
            label=name,
            wants=wants,
            options=tuple(options),
            source=_source(proposal.image) if proposal.image is not None else None,
            reason=proposal.reason,
            is_chosen=key in self._chosen_keys,
            is_of_study=bool(self._study),
        )

    def _choose(self, key: ChannelKey, source: Input | None) -> None:
        self._awaited.pop(key, None)
        former = self._series.pop(key, None)
        self.units.pop(key, None)
        for series in (*self._study, *filter(None, [former])):
            if _source(series) == source:
                self._series[key] = series
        nodes = self._context.parameters().inputs()
        nodes.pop(key, None)
        if isinstance(source, NodeInput):
            nodes[key] = slicer.mrmlScene.GetNodeByID(source.node_id)
        self._context.parameters().choose_inputs(nodes)
        self._context.changed()

    def _choose_frames(self, frames: Any) -> None:
        self._context.parameters().change(frames=frames)
        self._context.changed()

    def _pick(self, key: ChannelKey) -> None:
        card = next(card for card in self._cards if card.id == key[0])
        channel = next(channel for channel in card.channels if channel.name == key[1])
        self._picker.open(key, channel.name, channel.modality)

    def _choose_study(self, rows: tuple[SeriesRow, ...]) -> None:
        def read() -> Pieces[tuple[SeriesCandidate, ...]]:
            found: tuple[SeriesCandidate, ...] = ()
            for row in rows:
                found += ((yield from series_candidate(row.series_uid)),)
            return found

        def take(candidates: tuple[SeriesCandidate, ...]) -> None:
            self._study = candidates

        self._leave_study()
        self._context.parameters().choose_inputs({})
        self._take_once_read(None, read(), take)

    def _leave_study(self) -> None:
        self._awaited.clear()
        self._study = ()
        self._series.clear()
        self._context.changed()

    def _choose_series(self, key: ChannelKey, row: SeriesRow) -> None:
        def take(candidate: SeriesCandidate) -> None:
            self._series[key] = candidate

        self._take_once_read(key, series_candidate(row.series_uid), take)

    def _take_once_read(self, key: ChannelKey | None, reading: Pieces[T], take: Callable[[T], None]) -> None:
        """For a channel, or a study for none; left out where the user chooses something else there meanwhile."""
        asked = self._awaited[key] = object()

        def is_wanted() -> bool:
            return self._awaited.get(key) is asked

        def done(found: T) -> None:
            if is_wanted():
                take(found)
                self._context.changed()

        def failed(error: MedAISegError) -> None:
            if is_wanted():
                self._tell_error(error)

        self._context.session.pump.add(reading, on_done=done, on_error=failed)


def _source(image: Image) -> Input:
    return SeriesInput(image.row.series_uid) if isinstance(image, SeriesCandidate) else image.input


def not_offered(*, pictures: bool) -> list[CheckLine]:
    """A line on the volumes that are in the scene and cannot be chosen, for who looks for them."""
    left_out = excluded_volumes(slicer.mrmlScene, pictures=pictures)
    if not left_out:
        return []
    listed = "; ".join(f"{name} ({why})" for name, why in left_out[:_MOST_LEFT_OUT])
    more = len(left_out) - _MOST_LEFT_OUT
    if more > 0:
        listed = _("{some} and {count} more").format(some=listed, count=more)
    return [CheckLine(Severity.NOTE, _("Cannot be an input: {volumes}").format(volumes=listed))]


def merged(lines: Sequence[CheckLine]) -> list[CheckLine]:
    """Lines that say the same of several channels as one."""
    alike: dict[tuple[Severity, str], list[str]] = {}
    for line in lines:
        template = line.text.replace(image_of(line.channel), _THE_IMAGE, 1) if line.channel else line.text
        alike.setdefault((line.severity, template), []).append(line.channel)
    return [
        CheckLine(severity, template.replace(_THE_IMAGE, image_of(", ".join(channels)), 1))
        for (severity, template), channels in alike.items()
    ]


def units_by_channel(units: Mapping[ChannelKey, str], card: ModelCard) -> dict[str, str]:
    """The user's answers for one model's PET images."""
    return {channel: answer for (model, channel), answer in units.items() if model == card.id}
