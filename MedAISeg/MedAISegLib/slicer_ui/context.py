"""What the parts of the panel share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..slicer_io.session import Session
from .parameters import Parameters


@dataclass(frozen=True)
class Context:
    """One panel.

    Attributes:
        ui: the widgets by name.
        parameters: of the scene that is open now.
        is_removing: while a node goes, when what selectors say is no choice of the user.
        changed: asks for the panel to be shown anew, a moment later and once.
    """

    ui: Any
    session: Session
    parameters: Callable[[], Parameters]
    is_removing: Callable[[], bool]
    changed: Callable[[], None]
