"""What can be told of a SNOMED CT identifier without SNOMED CT."""

from __future__ import annotations


def check_digits(number: str) -> int:
    """Verhoeff's, of a number with its check digit behind it: 0 where that is right (SNOMED CT identifiers)."""
    turned = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit)
        for _ in range(place % 8):
            value = turned[value]
        # The dihedral group of ten: below five it turns, from five on it also mirrors.
        turns, mirrored = (total % 5, total >= 5)
        turn = value % 5
        total = (turns - turn if mirrored else turns + turn) % 5 + (0 if mirrored == (value >= 5) else 5)
    return total
