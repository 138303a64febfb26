"""What a result says of the run that made it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from MedAISegLib.app.provenance import peak_memory_bytes

COMMAND = "from MedAISegLib.app.provenance import peak_memory_bytes; print(peak_memory_bytes())"
HELD_BYTES = 600_000_000


def test_the_peak_is_of_the_process_and_not_of_the_one_that_started_it():
    held = np.ones(HELD_BYTES, dtype=np.uint8)
    assert peak_memory_bytes() > HELD_BYTES == held.sum()
    found = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True)
    assert 10_000_000 < int(found.stdout) < HELD_BYTES / 2
