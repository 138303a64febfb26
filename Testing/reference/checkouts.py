"""Checkouts of other projects' repositories, which a variable of the environment names: no test fetches anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def named_checkout(variable: str, repository: str, inside: str) -> Path:
    """A folder inside the checkout; the test is skipped, and says how to run it, where there is none."""
    folder = Path(os.environ.get(variable, ""), inside).resolve()
    if variable not in os.environ or not folder.is_dir():
        pytest.skip(
            f"NOT COMPARED: {variable} names no checkout with {inside}. To compare: "
            f"git clone --depth 1 https://github.com/{repository} FOLDER && make reference {variable}=FOLDER"
        )
    return folder
