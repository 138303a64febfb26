"""Characters of a text that are obeyed rather than shown: by a terminal, by a file's reader, or by who lays out lines.

Those are controls, such as the one that begins a terminal's commands; halves of a surrogate pair, which JSON can hold
and UTF-8 cannot (VTK ends the process over one); overrides of the direction of writing (Unicode Standard Annex 9),
which make a text look like another; and two that XML forbids. Marks and joiners that Arabic or Hindi need are none.
What is never seen at all has no place in a name: two that look the same would be different.
"""

from __future__ import annotations

import re

_UNSEEN = r"\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f"
_OBEYED = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff"
_IN_TEXT = re.compile(f"[{_OBEYED}]")
_IN_LINE = re.compile(rf"[\t\n\u2028\u2029{_UNSEEN}{_OBEYED}]")

_BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def is_line(text: str) -> bool:
    """Whether a text, such as a name, is shown as it is, on one line."""
    return _IN_LINE.search(text) is None


def is_text(text: str) -> bool:
    """Whether a text is shown as it is; it may have several lines, and tabs in them."""
    return _IN_TEXT.search(text.replace("\r\n", "\n")) is None


def shown(text: str) -> str:
    """The text with a replacement character (U+FFFD) for each that would be obeyed; lines stay lines."""
    return _IN_TEXT.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def as_cell(text: str) -> str:
    """The text for a cell of a table: behind an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_BEGIN_FORMULAS) else text
