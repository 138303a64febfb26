"""What a volume is called by where its series alone does not tell it: ``UID:2``, the second volume of the series."""

from __future__ import annotations

NUMBER_IN_SERIES = "NumberInSeries"
"""Attribute of what a folder lists: which volume of its series it, or its first, is, from 1; absent of a lone one."""


def place_in_series(uid: str, number: int) -> str:
    """The name of that volume; of one whose files have no UID ``:2``."""
    return f"{uid}:{number}"


def uid_and_place(name: str) -> tuple[str, int | None]:
    """The UID and the number in a name; None where it has no number."""
    uid, colon, number = name.rpartition(":")
    return (uid, int(number)) if colon and number.isdecimal() else (name, None)
