"""What a writer gives back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..core.notice import Notice


class Written(NamedTuple):
    """The files that were written, the main one first, and what a user should know about them."""

    files: tuple[Path, ...]
    notices: tuple[Notice, ...] = ()
