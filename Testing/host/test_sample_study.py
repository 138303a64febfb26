"""The sample study through the DICOM database, as the Sample Data module offers it; what it needs meanwhile goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from MedAISegLib.app.exchange import Exchange
from MedAISegLib.slicer_io import sample_data

from Testing.host.dicom_cases import import_into

KILLED = """
import os, sys
from pathlib import Path
from MedAISegLib.slicer_io import sample_data
sample_data.temporary_folder = lambda: Path(sys.argv[1])
with sample_data._private_folder() as folder:
    (folder / "slice.dcm").write_bytes(b"x")
    os.kill(os.getpid(), 9)
"""


def leftovers(folder):
    return [path.name for path in Path(folder).iterdir() if path.name.lower().startswith("medaiseg")]


def test_it_is_drawn_stored_and_loaded_like_a_patients_and_its_files_go(slicer_app, tmp_path):
    import slicer

    database = import_into(tmp_path / "db")
    drawn = sample_data.load_sample_study_through_database()
    assert len(database.patients()) == 1
    assert np.asarray(slicer.util.arrayFromVolume(drawn)).std() > 0
    assert leftovers(slicer.app.temporaryPath) == []
    sample_data.load_sample_study_through_database()
    assert len(database.patients()) == 1


def test_what_a_slicer_leaves_that_is_killed_while_it_draws_goes_at_the_next_start(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=dict(os.environ), check=False)
    assert len(leftovers(tmp_path)) == 1
    assert Exchange.sweep(tmp_path) == 1
    assert leftovers(tmp_path) == []
