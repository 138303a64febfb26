"""Which characters of a stranger's text are obeyed rather than shown."""

from __future__ import annotations

import pytest
from MedAISegLib.core.characters import as_cell, is_line, is_text, shown


@pytest.mark.parametrize(
    "letter",
    ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\r", "\ud800", "\u202e", "\u2066", "\ufffe", "\uffff"],
    ids=ascii,
)
def test_what_is_obeyed_is_told_and_replaced(letter):
    text = f"liver{letter}x"
    assert not is_line(text)
    assert not is_text(text)
    assert shown(text) == "liver\ufffdx"


@pytest.mark.parametrize(
    "text",
    ["", "Leber, größer", "肝臓", "کلیه\u200cها", "क्\u200dष", "כבד\u200f (1)", "\N{BRAIN} 😀", "\xa0"],
    ids=ascii,
)
def test_what_people_write_stays(text):
    assert is_line(text)
    assert is_text(text)
    assert shown(text) == text


@pytest.mark.parametrize("end", ["\n", "\t", "\r\n", "\u2028"], ids=ascii)
def test_a_text_may_have_lines_and_a_name_may_not(end):
    assert is_text(f"one{end}two")
    assert not is_line(f"one{end}two")


@pytest.mark.parametrize("letter", ["\u200b", "\u2060", "\ufeff", "\U000e0041"], ids=ascii)
def test_what_is_never_seen_has_no_place_in_a_name(letter):
    assert is_text(f"li{letter}ver")
    assert not is_line(f"li{letter}ver")


@pytest.mark.parametrize("text", ['=HYPERLINK("http://a")', "+1", "-1", "@sum", "\t=1", "\r=1"])
def test_no_cell_of_a_table_is_a_formula(text):
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["liver", "a=1", "", "'=1", "12.5"])
def test_other_cells_stay_as_they_are(text):
    assert as_cell(text) == text
