"""How much memory and time a run will need, asked of the worker while the user is still choosing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..app.protocol import NeedReply
from ..core.errors import Cancelled, MedAISegError
from ..core.geometry import VolumeGeometry
from ..core.region import OrientedBox
from ..models.card import ModelCard, ModelState
from ..slicer_io.inputs import Input
from ..slicer_io.runs import RunRequest
from ..slicer_io.session import Session
from .texts import _, readable_seconds

_Key = tuple[str, str, tuple[tuple[int, ...], ...], tuple[int, ...]]

_REGION_STEP_MM = 20.0
"""A region that is being drawn is asked about anew when it has grown or shrunk by this."""


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
        self,
        card: ModelCard,
        inputs: Mapping[str, Input],
        geometries: Mapping[str, VolumeGeometry],
        region: OrientedBox | None,
    ) -> NeedReply | None:
        """What is known; where nothing is, it is asked for, and ``changed`` tells of the answer."""
        if card.classes:
            # A single pass over an image: nothing to estimate.
            return None
        if card.state is not ModelState.READY or len(geometries) < len(card.channels) or not card.channels:
            return None
        device = self._session.settings.device
        shapes = tuple(geometries[channel.name].shape_kji for channel in card.channels)
        size = tuple(round(length / _REGION_STEP_MM) for length in region.size_mm) if region is not None else ()
        key = (card.id, device, shapes, size)
        if key not in self._known and self._job is None and self._may_ask():
            self._ask(key, RunRequest(model=card.id, inputs=inputs, region=region), geometries)
        return self._known.get(key)

    def forget(self) -> None:
        """A run has been made: how long one takes is known better now, also than by an answer that is on its way."""
        self._known = {}

    def close(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _ask(self, key: _Key, request: RunRequest, geometries: Mapping[str, VolumeGeometry]) -> None:
        known = self._known

        def ended(reply: NeedReply | None) -> None:
            self._job = None
            known[key] = reply
            self._changed()

        def failed(error: MedAISegError) -> None:
            # The run itself will say what is wrong; until then the line about memory is missing.
            if isinstance(error, Cancelled):
                self._job = None
                self._changed()
            else:
                ended(None)

        self._job = self._session.need(request, geometries, on_done=ended, on_error=failed)


def expected_time(reply: NeedReply | None) -> str:
    """How long a run takes on the chosen device, as a sentence."""
    if reply is None or reply.seconds is None:
        return _("Expected time: known after the first run on this device")
    return _("Expected time: about {time} on this device").format(time=readable_seconds(reply.seconds))
