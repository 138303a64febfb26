"""How much memory and time a run will need, asked of the worker while the user is still choosing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..app.job import SegmentationJob
from ..app.protocol import NeedReply
from ..core.errors import MedAISegError
from ..core.geometry import VolumeGeometry
from ..core.region import OrientedBox
from ..models.card import ModelCard, ModelState
from ..slicer_io.session import Session
from .texts import _, readable_seconds

_Key = tuple[str, str, tuple[tuple[int, ...], ...], bool]


class Needs:
    """Answers that are known, and the question that is on its way; one at a time.

    Args:
        session: asks the worker.
        changed: is called when something more is known.
        may_ask: whether the worker can be started at all.
    """

    def __init__(self, session: Session, changed: Callable[[], None], may_ask: Callable[[], bool]) -> None:
        self._session, self._changed, self._may_ask = session, changed, may_ask
        self._known: dict[_Key, NeedReply | None] = {}
        self._job: Any = None

    def of(
        self, card: ModelCard, geometries: Mapping[str, VolumeGeometry], region: OrientedBox | None
    ) -> NeedReply | None:
        """What is known; where nothing is, it is asked for, and ``changed`` tells of the answer."""
        if card.state is not ModelState.READY or len(geometries) < len(card.channels) or not card.channels:
            return None
        device = self._session.settings.device
        shapes = tuple(geometries[channel.name].shape_kji for channel in card.channels)
        key = (card.id, device, shapes, region is not None)
        if key not in self._known and self._job is None and self._may_ask():
            self._ask(key, SegmentationJob(model=card.id, device=device, region=region), geometries)
        return self._known.get(key)

    def forget(self) -> None:
        """A run has been made: how long one takes is known better now."""
        self._known.clear()

    def close(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _ask(self, key: _Key, job: SegmentationJob, geometries: Mapping[str, VolumeGeometry]) -> None:
        def done(reply: NeedReply) -> None:
            self._job = None
            self._known[key] = reply
            self._changed()

        def failed(_error: MedAISegError) -> None:
            # The run itself will say what is wrong; until then the line about memory is missing.
            self._job = None
            self._known[key] = None

        self._job = self._session.need(job, geometries, on_done=done, on_error=failed)


def expected_time(reply: NeedReply | None) -> str:
    """How long a run takes on the chosen device, as a sentence."""
    if reply is None or reply.seconds is None:
        return _("Expected time: known after the first run on this device")
    return _("Expected time: about {time} on this device").format(time=readable_seconds(reply.seconds))
