"""``make reference`` ends with the comparisons that were left out, and with how to make them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).resolve().parents[2]
CHECKOUTS = {
    "test_auto3dseg_template.py": ("MEDAISEG_RESEARCH_CONTRIBUTIONS", "Project-MONAI/research-contributions"),
    "test_monai_checkout.py": ("MEDAISEG_MODEL_ZOO", "Project-MONAI/model-zoo"),
}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_last_lines_say_which_checkouts_are_missing():
    dry = ["make", "--dry-run", "--no-print-directory", "--old-file=venv", "reference"]
    commands = subprocess.run(dry, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    _, options = commands.strip().splitlines()[-1].split(" -m pytest ")
    assert "Testing/reference" in options
    chosen = options[: options.index("Testing/reference")].replace('"reference or slow"', "reference").split()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *chosen, *(f"Testing/reference/{file}" for file in CHECKOUTS)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={k: v for k, v in os.environ.items() if k not in [variable for variable, _ in CHECKOUTS.values()]},
    )
    end = done.stdout[done.stdout.index("short test summary info") :]
    for variable, repository in CHECKOUTS.values():
        command = f"git clone --depth 1 https://github.com/{repository} FOLDER && make reference {variable}=FOLDER"
        assert command in end, end
