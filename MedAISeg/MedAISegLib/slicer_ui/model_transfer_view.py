"""How far a download, or another act of the store, is: a line, a bar, and Cancel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ..models.store_progress import StoreProgress, StoreStage
from .texts import _, readable_bytes, readable_seconds

_STEPS = 1000


class TransferView:
    """The row below the buttons of the Model section, hidden while nothing goes on."""

    def __init__(self, ui: Any, on_cancel: Callable[[], None]) -> None:
        self._ui = ui
        ui.cancelTransferButton.connect("clicked()", on_cancel)

    def show(self, name: str, progress: StoreProgress | None, waiting: int) -> None:
        """What goes on; ``progress`` is None before the worker has begun, ``waiting`` counts those that come after."""
        ui = self._ui
        text = f"{name}: {progress_text(progress)}"
        if waiting:
            text = _("{text}; {count} more waiting").format(text=text, count=waiting)
        ui.transferLabel.setText(text)
        fraction = progress.fraction if progress is not None else None
        # Without a length the bar runs to and fro.
        ui.transferBar.setMaximum(_STEPS if fraction is not None else 0)
        ui.transferBar.setValue(round((fraction or 0.0) * _STEPS))
        ui.transferFrame.setVisible(True)

    def hide(self) -> None:
        self._ui.transferFrame.setVisible(False)


def progress_text(progress: StoreProgress | None) -> str:
    """``downloads part 2 of 5, 37 MB of 120 MB, about 20 s left``."""
    if progress is None:
        return _("begins…")
    stage = _stage_words()[progress.stage]
    if progress.parts > 1:
        stage = _("{stage}, part {part} of {parts}").format(stage=stage, part=progress.part, parts=progress.parts)
    parts = [stage]
    if progress.total_bytes:
        done, total = readable_bytes(progress.done_bytes), readable_bytes(progress.total_bytes)
        parts.append(_("{done} of {total}").format(done=done, total=total))
    elif progress.done_bytes:
        parts.append(readable_bytes(progress.done_bytes))
    if progress.remaining_s is not None:
        parts.append(_("about {time} left").format(time=readable_seconds(progress.remaining_s)))
    return ", ".join(parts)


@cache
def _stage_words() -> Mapping[StoreStage, str]:
    return {
        StoreStage.DOWNLOAD: _("downloads"),
        StoreStage.COPY: _("is copied"),
        StoreStage.CHECK: _("is checked"),
        StoreStage.PACK: _("is packed"),
        StoreStage.EXPORT: _("is exported"),
    }


def short_text(progress: StoreProgress | None) -> str:
    """A word or two for the list."""
    if progress is None:
        return _("waits")
    if progress.stage is StoreStage.PACK:
        return _("is packed…")
    if progress.stage is StoreStage.EXPORT:
        return _("is exported…")
    if progress.stage is not StoreStage.DOWNLOAD:
        return _("is checked…")
    if progress.fraction is None:
        return _("downloads…")
    return _("downloads, {percent} %").format(percent=round(100 * progress.fraction))
