"""Texts in the language of the application, English without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from MedAISegLib.app.checks import Severity, check_inputs
from MedAISegLib.core.language import tr as _
from MedAISegLib.core.language import translate_by
from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.models.spec import Channel


@pytest.fixture
def speak():
    """Names a translator for the test."""
    yield translate_by
    translate_by(None)


def test_without_an_application_texts_are_english():
    assert _("The {image} is empty.") == "The {image} is empty."


def test_a_text_is_translated_for_the_file_that_it_stands_in(speak):
    asked = []
    speak(lambda text, file: asked.append((text, Path(file).name)) or "Das {image} ist leer.")
    assert _("The {image} is empty.").format(image="Bild") == "Das Bild ist leer."
    assert asked == [("The {image} is empty.", "test_language.py")]


@pytest.mark.parametrize(
    "wrong", ["Das {Bild} ist leer.", "Das Bild ist leer.", "Das {image ist leer.", "{image:d}", "{}"]
)
def test_a_translation_that_could_not_be_filled_in_is_passed_over(speak, wrong):
    speak(lambda _text, _file: wrong)
    assert _("The {image} is empty.").format(image="x") == "The x is empty."


def test_a_text_that_is_not_filled_in_may_not_be_given_placeholders(speak):
    speak(lambda _text, _file: "Ein {Bild}")
    assert _("An image") == "An image"


def test_what_a_user_has_named_is_not_taken_for_a_placeholder(speak):
    speak(lambda text, _file: text.upper().replace("{IMAGE}", "{image}"))
    model = ModelCard("m", "m", ModelState.READY, channels=(Channel("{0} %s {image}", "MR"),))
    (line,) = check_inputs(model, {})
    assert (line.severity, line.channel) == (Severity.STOP, "{0} %s {image}")
    assert "{0} %s {image}" in line.text
