"""What a user should know about a result although nothing failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """An ambiguity that was resolved, or a deviation that was made, on the way to a result.

    Attributes:
        code: a stable word for machines, e.g. ``missing-slice``.
        message: one sentence for the user, without patient data.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return self.message
