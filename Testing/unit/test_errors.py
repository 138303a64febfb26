"""Errors are sentences for a user and exit codes for a machine."""

from __future__ import annotations

import pytest
from MedAISegLib.core.errors import (
    Cancelled,
    ConfirmationRequired,
    InputError,
    MedAISegError,
    ModelError,
    NotTrustedError,
    ResourceError,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (InputError("x"), 3),
        (ConfirmationRequired("x"), 3),
        (ModelError("x"), 4),
        (NotTrustedError("x"), 4),
        (ResourceError("x"), 5),
        (Cancelled(), 6),
    ],
)
def test_each_family_has_the_exit_code_of_the_command_line(error: MedAISegError, code: int) -> None:
    assert error.exit_code == code


def test_what_is_quoted_from_a_file_cannot_command_a_terminal() -> None:
    error = ModelError("\x1b[2J is not known.", where="x\udcff", remedy="Remove \x9bJ.")
    assert str(error) == "x\ufffd: \ufffd[2J is not known. Remove \ufffdJ."
    assert error.what.isprintable()


def test_the_text_says_where_what_and_the_remedy() -> None:
    error = InputError("the slices differ in size.", where="Series 4", remedy="Split the series.")
    assert str(error) == "Series 4: the slices differ in size. Split the series."
    assert (error.what, error.where, error.remedy) == (
        "the slices differ in size.", "Series 4", "Split the series.",
    )  # fmt: skip


def test_what_is_not_said_leaves_no_trace() -> None:
    assert str(InputError("no image is here.")) == "no image is here."
    assert str(InputError("no image is here.", remedy="Name another folder.")).startswith("no image")
    assert str(Cancelled()) == "The run was cancelled."
