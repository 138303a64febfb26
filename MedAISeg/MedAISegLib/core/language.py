"""Sentences for a user in the language of the application that shows them.

What is shown is marked where it is written, by ``from ..core.language import tr as _``. Slicer's tools collect marked
texts from the source: each is a plain literal in double quotes, and values come in afterwards, by ``.format``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from string import Formatter

Translator = Callable[[str, str], str]
"""The translation of an English text that stands in a source file, whose path is the second argument."""


class _Application:
    """What the process has named; nothing on the command line and in the worker, which speak English."""

    translator: Translator | None = None


def translate_by(translator: Translator | None) -> None:
    """From now on texts are translated so; None for English."""
    _Application.translator = translator


def tr(text: str) -> str:
    """A text as the application's language has it.

    A translation whose placeholders are not those of the text is passed over: to fill it in would fail.
    """
    if _Application.translator is None:
        return text
    translated = _Application.translator(text, sys._getframe(1).f_code.co_filename)
    return translated if _placeholders(translated) == _placeholders(text) else text


def _placeholders(text: str) -> set[tuple[str, str | None, str | None]] | None:
    """Names, formats and conversions of what is to be filled in; None where the braces are not in order."""
    try:
        return {(name, form, kind) for _, name, form, kind in Formatter().parse(text) if name is not None}
    except ValueError:
        return None
