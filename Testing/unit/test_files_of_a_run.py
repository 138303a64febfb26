"""Which files a run leaves where a format turns out, only at the end, not to hold its result."""

from __future__ import annotations

import pytest
from MedAISegLib.cli.files import FilePlan, write_files
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.progress import Progress
from MedAISegLib.exporters import dicom_seg
from segmentations import oblique_geometry, organs, result_of, write_source

FORMATS = ("dicom-seg", "nifti", "tables")


@pytest.fixture
def write(tmp_path, monkeypatch):
    geometry = oblique_geometry()
    segmentation = organs(geometry, series=write_source(tmp_path / "source", geometry))

    def refuse(**_):
        raise ValueError("of a kind that no one foresaw")

    monkeypatch.setattr(dicom_seg.hd.seg, "Segmentation", refuse)
    (tmp_path / "out").mkdir()

    def write(*, all_needed):
        plan = FilePlan(FORMATS, all_needed)
        return write_files(segmentation, result_of(segmentation), plan, tmp_path / "out", Progress())

    return write


def test_a_usual_format_that_fails_at_the_end_is_said_and_the_others_are_written(write, tmp_path):
    result = write(all_needed=False)
    assert "no-dicom-seg" in [notice.code for notice in result.notices]
    assert set(result.files) == {"nifti", "tables"}
    assert not (tmp_path / "out" / "segmentation.dcm").exists()
    assert (tmp_path / "out" / "segmentation.nii.gz").exists()


def test_a_format_that_was_asked_for_and_fails_at_the_end_fails_the_run(write):
    with pytest.raises(InputError, match="DICOM SEG"):
        write(all_needed=True)
