"""``medaiseg segment``: which files appear, what they hold, what is said on stdout and stderr."""

from __future__ import annotations

import csv
import json
import shutil
import sys

import numpy as np
import pydicom
import pytest
from command_line import below, document
from MedAISegLib.core.region import read_region
from MedAISegLib.readers import read_images
from read_back import read_dicom_seg, read_nifti

SEGMENTS = ["Anterior hippocampus", "Posterior hippocampus"]
FORMATS = "dicom-seg,nifti"
MESH_KINDS = ("obj", "stl")
WITHOUT_MESHES = ["segmentation.dcm", "segmentation.json", "segmentation.nii.gz", "segments.csv"]


@pytest.fixture(scope="session")
def whole(study, tmp_path_factory):
    """The result of a plain run: its JSON document and its folder."""
    from click.testing import CliRunner
    from MedAISegLib.cli.main import main

    output = tmp_path_factory.mktemp("whole") / "result"
    arguments = ["segment", study, "--model", "hippocampus", "--output", output, "--format", FORMATS, "--json"]
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.stderr
    return document(result), output, result.stderr


def labels_of(output):
    return read_nifti(output / "segmentation.nii.gz")


def test_the_files_have_the_names_that_the_documentation_gives(whole):
    _, output, _ = whole
    assert below(output) == WITHOUT_MESHES


def test_the_document_says_what_was_found_and_how(whole):
    said, output, _ = whole
    assert said["status"] == "done"
    assert [s["name"] for s in said["segments"]] == SEGMENTS
    anterior = said["segments"][0]
    assert anterior["label_value"] == 1
    assert anterior["code"] == {"value": "5366008", "scheme": "SCT", "meaning": "Hippocampus"}
    assert 0.5 < anterior["volume_ml"] < 4.0
    assert anterior["minimum"] < anterior["mean"] < anterior["maximum"]
    assert said["files"]["nifti"] == [str(output / "segmentation.nii.gz"), str(output / "segmentation.json")]
    assert {"read", "load model", "prepare", "infer", "post-process", "write"} <= set(said["timings_s"])
    assert said["peak_memory_bytes"] > 10**8
    provenance = said["provenance"]
    assert len(provenance["model_sha256"]) == 64
    assert {"torch", "monai", "numpy", "SimpleITK"} <= set(provenance["library_versions"])
    assert provenance["device"]
    assert provenance["parameters"]["backend"]
    assert " of " in provenance["parameters"]["windows_computed"]
    assert said["inputs"]["T1"]["modality"] == "MR"


def test_the_volumes_in_document_table_and_labels_agree(whole):
    said, output, _ = whole
    with (output / "segments.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: float(row["volume_ml"]) for row in csv.DictReader(file)}
    labels = labels_of(output)
    for segment in said["segments"]:
        counted = np.count_nonzero(labels.layers[0] == segment["label_value"])
        assert counted == segment["voxel_count"]
        assert rows[segment["name"]] == pytest.approx(segment["volume_ml"])
        assert counted * labels.geometry.voxel_volume_ml == pytest.approx(segment["volume_ml"], rel=1e-4)


def test_the_labels_lie_on_the_grid_of_the_series(whole, study):
    _, output, _ = whole
    (volume,) = read_images(study)
    assert labels_of(output).geometry.matches(volume.geometry, tolerance_mm=1e-3)
    assert read_dicom_seg(output / "segmentation.dcm").layers.any()


def test_progress_goes_to_stderr_a_line_a_stage(whole):
    _, _, stderr = whole
    for stage in ("read", "load model", "infer", "write"):
        assert sum(line.endswith(stage) for line in stderr.splitlines()) == 1


def test_without_json_a_table_names_segments_codes_and_files(run, study, tmp_path):
    result = run("segment", study, "-m", "hippocampus", "-o", tmp_path / "r", "--format", "nifti")
    assert result.exit_code == 0, result.stderr
    for text in (*SEGMENTS, "SCT 5366008", "mL", "infer", "segmentation.nii.gz", "segments.csv"):
        assert text in result.stdout


def test_the_name_of_a_model_is_no_markup(run, study, embedded_model, tmp_path):
    model = shutil.copytree(embedded_model, tmp_path / "named")
    metadata = model / "configs" / "metadata.json"
    description = json.loads(metadata.read_text(encoding="utf-8")) | {"name": "Hippocampus [v2] [/x]"}
    metadata.write_text(json.dumps(description), encoding="utf-8")
    result = run("segment", study, "-m", model, "-o", tmp_path / "r", "--format", "nifti")
    assert result.exit_code == 0, result.stderr
    assert "Hippocampus [v2] [/x]" in result.stdout


def test_a_link_to_a_folder_that_is_gone_is_no_output(run, study, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone", target_is_directory=True)
    result = run("segment", study, "-m", "hippocampus", "-o", tmp_path / "link", "--format", "nifti")
    assert result.exit_code == 5
    assert "link" in result.stderr
    assert "infer" not in result.stderr, "it is said before the run"


def test_the_usual_formats_need_no_slicer_core(run, study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "slicer_core", None)
    result = run("segment", study, "-m", "hippocampus", "-o", tmp_path / "usual")
    assert result.exit_code == 0, result.stderr
    assert below(tmp_path / "usual") == sorted([*WITHOUT_MESHES, "segmentation.seg.nrrd"])


@pytest.mark.slicer
def test_surfaces(run, study, tmp_path):
    pytest.importorskip("slicer_core", reason="slicer-core is not installed")
    result = run("segment", study, "-m", "hippocampus", "-o", tmp_path / "meshes", "--format", "stl,obj")
    assert result.exit_code == 0, result.stderr
    meshes = [
        f"segmentation_{part}_hippocampus.{kind}" for part in ("Anterior", "Posterior") for kind in ("obj", "stl")
    ]
    assert below(tmp_path / "meshes") == [*meshes, "segments.csv"]


def test_a_subset_of_labels_leaves_the_others_out(run, study, tmp_path, whole):
    result = run(
        "segment", study, "-m", "hippocampus", "-o", tmp_path / "r", "--format", "nifti",
        "--labels", "posterior HIPPOCAMPUS", "--json",
    )  # fmt: skip
    said = document(result)
    assert [s["name"] for s in said["segments"]] == ["Posterior hippocampus"]
    labels = labels_of(tmp_path / "r").layers[0]
    np.testing.assert_array_equal(labels, np.where(labels_of(whole[1]).layers[0] == 2, 2, 0))


def test_a_label_that_is_not_found_is_listed_with_0_ml(run, study, tmp_path):
    (volume,) = read_images(study)
    corner = volume.geometry.index_to_lps((3, 3, 3))
    bounds = ",".join(f"{x - 3:.2f},{x + 3:.2f}" for x in corner)
    result = run(
        "segment", study, "-m", "hippocampus", "-o", tmp_path / "r", f"--region={bounds}", "--format", "nifti", "--json"
    )
    assert result.exit_code == 0, result.stderr
    by_name = {s["name"]: s for s in document(result)["segments"]}
    empty = [s for s in by_name.values() if s["voxel_count"] == 0]
    assert empty, by_name
    assert all((s["volume_ml"], s["mean"], s["found"]) == (0.0, None, False) for s in empty)


@pytest.mark.parametrize("rotated", [False, True], ids=["box", "rotated ROI"])
def test_no_label_leaves_the_region(run, study, tmp_path, rotated):
    (volume,) = read_images(study)
    center = volume.geometry.index_to_lps((np.array(volume.geometry.shape_kji) - 1) / 2)
    region = roi_file(tmp_path, center) if rotated else ",".join(f"{x - 11:.2f},{x + 11:.2f}" for x in center)
    result = run(
        "segment", study, "-m", "hippocampus", "-o", tmp_path / "r", f"--region={region}", "--format", "nifti", "--json"
    )
    assert result.exit_code == 0, result.stderr
    labels = labels_of(tmp_path / "r")
    inside = read_region(str(region)).mask(volume.geometry)
    assert labels.geometry.matches(volume.geometry)
    assert labels.layers[0].any()
    assert not labels.layers[0][~inside].any()
    assert "region_center_lps" in document(result)["provenance"]["parameters"]


def roi_file(folder, center):
    c, s = np.cos(0.6), np.sin(0.6)
    roi = {"type": "ROI", "coordinateSystem": "LPS", "center": list(center), "size": [18.0, 26.0, 20.0]}
    roi["orientation"] = [c, -s, 0, s, c, 0, 0, 0, 1]
    path = folder / "R.mrk.json"
    path.write_text(json.dumps({"markups": [roi]}))
    return path


def test_an_earlier_result_is_kept_unless_it_may_be_overwritten(run, study, tmp_path):
    output = tmp_path / "r"
    arguments = ("segment", study, "-m", "hippocampus", "-o", output, "--format", "nifti")
    assert run(*arguments).exit_code == 0
    (output / "mine.txt").write_text("mine")
    (output / "segments.csv").write_text("old")
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert (output / "segments.csv").read_text() == "old"
    (output / "segmentation.seg.nrrd").write_text("edited")
    replaced = run(*arguments, "--overwrite")
    assert replaced.exit_code == 0
    assert "Not of this run" in replaced.stderr
    assert "segmentation.seg.nrrd" in replaced.stderr
    assert (output / "segments.csv").read_text() != "old"
    kept = ["mine.txt", "segmentation.seg.nrrd"]
    assert below(output) == sorted([*kept, "segmentation.json", "segmentation.nii.gz", "segments.csv"])


def test_a_series_is_chosen_by_its_uid(run, study, tmp_path):
    both = tmp_path / "both"
    shutil.copytree(study, both / "first")
    uid = second_series(study, both / "second")
    asked = run("segment", both, "-m", "hippocampus", "-o", tmp_path / "r", "--format", "nifti")
    assert asked.exit_code == 3
    assert uid in asked.stderr
    for choice in (("--series", uid), ("--channel", f"T1={uid}"), ("--channel", f"T1={both / 'second'}")):
        result = run(
            "segment", both, "-m", "hippocampus", "-o", tmp_path / "r", *choice, "--format", "nifti", "--overwrite",
            "--json",
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        assert document(result)["inputs"]["T1"]["series_instance_uid"] == uid


def second_series(study, folder):
    """The same images as a second series; its UID."""
    folder.mkdir(parents=True)
    uid = pydicom.uid.generate_uid()
    for path in sorted(study.iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = uid
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        dataset.save_as(folder / path.name)
    return uid


def test_a_model_trained_on_crops_asks_for_a_region_on_a_larger_image(study):
    from MedAISegLib.app.job import SegmentationJob
    from MedAISegLib.app.segment import notices_before_run, open_model
    from MedAISegLib.core.case import Case
    from MedAISegLib.core.geometry import VolumeGeometry
    from MedAISegLib.core.volume import Volume

    spec = open_model("hippocampus").spec
    whole_head = Volume(np.zeros((170, 240, 240), np.int16), VolumeGeometry((170, 240, 240), np.eye(4)[[2, 1, 0, 3]]))
    codes = [n.code for n in notices_before_run(spec, SegmentationJob("hippocampus"), Case({"T1": whole_head}))]
    assert "wants-region" in codes
    region = read_region("0,40,0,60,0,40")
    with_region = SegmentationJob("hippocampus", region=region)
    assert "wants-region" not in [n.code for n in notices_before_run(spec, with_region, Case({"T1": whole_head}))]
