"""What cannot be done ends with a clear error and the right exit code, and leaves nothing behind."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from command_line import below, document
from MedAISegLib.readers import read_images

USAGE, INPUT, MODEL, RESOURCES = 2, 3, 4, 5


@pytest.fixture
def output(tmp_path):
    """An output folder that must not come into being; its parent stays empty."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "result"


@pytest.fixture
def fails(run, output):
    """Runs ``medaiseg segment`` and checks that it fails as it should; gives the message."""

    def call(source, exit_code, *options, model="hippocampus"):
        result = run("segment", source, "--model", model, "--output", output, *options)
        assert result.exit_code == exit_code, result.output
        assert below(output.parent) == [], "nothing is left"
        assert "Traceback" not in result.output
        assert result.stderr.splitlines()[-1].strip()
        return " ".join(result.stderr.split())

    return call


def nifti(path: Path, voxels: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(voxels.astype(np.float32), np.diag([1.0, 1.1, 1.2, 1.0])), path)
    return path


def changed_series(study: Path, folder: Path, **tags: str) -> Path:
    """The study with other tags."""
    folder.mkdir(parents=True)
    for path in sorted(study.iterdir()):
        dataset = pydicom.dcmread(path)
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        dataset.save_as(folder / path.name)
    return folder


def changed_model(embedded: Path, folder: Path, change) -> Path:
    """The embedded model with another description: ``change`` gets the data format and the configuration."""
    shutil.copytree(embedded, folder)
    paths = [folder / "configs" / name for name in ("metadata.json", "inference.json")]
    metadata, configuration = (json.loads(path.read_text()) for path in paths)
    change(metadata["network_data_format"], configuration)
    for path, content in zip(paths, (metadata, configuration), strict=True):
        path.write_text(json.dumps(content))
    return folder


class TestImages:
    def test_an_input_that_is_not_there(self, fails, tmp_path):
        assert "does not exist" in fails(tmp_path / "nowhere", INPUT)

    def test_an_empty_folder(self, fails, tmp_path):
        (tmp_path / "empty").mkdir()
        assert "no image" in fails(tmp_path / "empty", INPUT)

    def test_text_files(self, fails, tmp_path):
        (tmp_path / "texts").mkdir()
        for name in ("notes.txt", "image.dcm", "scan.nii.gz", "IM0001"):
            (tmp_path / "texts" / name).write_text("This is not an image.\n" * 50)
        fails(tmp_path / "texts", INPUT)

    def test_a_truncated_series(self, fails, study, tmp_path):
        broken = changed_series(study, tmp_path / "broken")
        for path in broken.iterdir():
            path.write_bytes(path.read_bytes()[:-700])
        assert "cut short" in fails(broken, INPUT)

    def test_one_truncated_slice_of_many(self, fails, study, tmp_path):
        broken = changed_series(study, tmp_path / "broken")
        victim = sorted(broken.iterdir())[11]
        victim.write_bytes(victim.read_bytes()[:-700])
        fails(broken, INPUT)

    def test_a_broken_series_beside_another_is_not_passed_over_in_silence(self, run, study, tmp_path):
        broken = changed_series(study, tmp_path / "both" / "broken", SeriesInstanceUID="1.2.3.4")
        victim = sorted(broken.iterdir())[11]
        victim.write_bytes(victim.read_bytes()[:-700])
        shutil.copytree(study, tmp_path / "both" / "whole")
        result = run(
            "segment", tmp_path / "both", "-m", "hippocampus", "-o", tmp_path / "r", "--format", "nifti", "--json"
        )
        assert result.exit_code == 0, result.stderr
        (notice,) = (n for n in document(result)["notices"] if n["code"] == "images-set-aside")
        assert "1 of the images" in notice["message"]

    def test_an_image_file_beside_dicom_is_not_passed_over_in_silence(self, run, study, tmp_path):
        shutil.copytree(study, tmp_path / "both")
        nifti(tmp_path / "both" / "other.nii.gz", np.zeros((30, 40, 30)))
        series = pydicom.dcmread(next(study.iterdir())).SeriesInstanceUID
        options = ("-m", "hippocampus", "--format", "nifti", "--json")
        result = run("segment", tmp_path / "both", "-o", tmp_path / "r", *options)
        assert result.exit_code == 0, result.stderr
        (notice,) = (n for n in document(result)["notices"] if n["code"] == "images-passed-over")
        assert "1 image file" in notice["message"]
        chosen = run("segment", tmp_path / "both", "-o", tmp_path / "chosen", "--series", series, *options)
        assert "images-passed-over" not in [n["code"] for n in document(chosen)["notices"]]

    def test_an_image_whose_name_does_not_say_its_format(self, fails, tmp_path):
        nifti(tmp_path / "scan.nii.gz", np.zeros((30, 40, 30))).rename(tmp_path / "scan")
        assert "by the ends of their names NIfTI (.nii, .nii.gz)" in fails(tmp_path / "scan", INPUT)

    def test_values_that_are_not_numbers(self, fails, tmp_path):
        voxels = np.random.default_rng(0).normal(size=(30, 40, 30))
        voxels[3, 4, 5] = np.nan
        fails(nifti(tmp_path / "nan.nii.gz", voxels), INPUT)

    def test_an_image_that_no_memory_holds_at_the_models_spacing(self, fails, tmp_path):
        path = tmp_path / "metres.nii.gz"
        nib.save(nib.Nifti1Image(np.random.default_rng(0).normal(size=(30, 40, 30)), np.diag([1e3, 1e3, 1e3, 1])), path)
        assert "not enough memory" in fails(path, RESOURCES)

    def test_a_modality_that_is_not_the_models(self, fails, run, study, tmp_path):
        ct = changed_series(study, tmp_path / "ct", Modality="CT")
        message = fails(ct, INPUT)
        assert "CT" in message
        assert "--accept" in message
        result = run(
            "segment", ct, "-m", "hippocampus", "-o", tmp_path / "accepted", "--accept", "--format", "nifti", "--json"
        )
        assert result.exit_code == 0, result.stderr
        assert "modality-accepted" in [notice["code"] for notice in document(result)["notices"]]

    def test_an_unknown_modality_is_a_notice(self, run, study, tmp_path):
        (volume,) = read_images(study)
        image = nifti(tmp_path / "image.nii.gz", volume.voxels.transpose(2, 1, 0))
        result = run("segment", image, "-m", "hippocampus", "-o", tmp_path / "r", "--format", "nifti", "--json")
        assert result.exit_code == 0, result.stderr
        assert "modality-unknown" in [notice["code"] for notice in document(result)["notices"]]

    def test_a_dicom_seg_of_an_image_that_is_not_dicom(self, fails, tmp_path):
        image = nifti(tmp_path / "image.nii.gz", np.random.default_rng(0).normal(size=(30, 40, 30)))
        assert "DICOM SEG" in fails(image, INPUT, "--format", "dicom-seg")

    @pytest.mark.parametrize("name", ["MR_truncated.dcm", "badVR.dcm", "rtplan_truncated.dcm", "no_meta.dcm"])
    def test_damaged_files(self, fails, shared_data, name):
        fails(shared_data / "dicom_quirks" / "damaged" / name, INPUT)

    @pytest.mark.parametrize(("name", "word"), [("mr_two_slices", "2 slices"), ("mr_single_slice", "1 slice")])
    def test_a_series_of_too_few_slices(self, fails, shared_data, name, word):
        assert word in fails(shared_data / "dicom_quirks" / name, INPUT)

    def test_a_folder_of_objects_without_images(self, fails, shared_data):
        assert "not an image" in fails(shared_data / "dicom_quirks" / "non_image_objects", INPUT)

    def test_a_missing_channel(self, fails, study, embedded_model, tmp_path):
        def two_channels(network_format, configuration):
            for number in (0, 1):
                configuration[f"network_def_{number}"]["in_channels"] = 2
            image = network_format["inputs"]["image"]
            image["num_channels"] = 2
            image["channel_def"] = {"0": "T1", "1": "FLAIR"}

        model = changed_model(embedded_model, tmp_path / "two", two_channels)
        assert "FLAIR" in fails(study, INPUT, model=model)


class TestModels:
    def test_one_that_is_not_installed(self, fails, study):
        assert "hippocampus" in fails(study, MODEL, model="no-such-model")

    def test_a_folder_that_is_no_model(self, fails, study, tmp_path):
        (tmp_path / "folder").mkdir()
        fails(study, MODEL, model=tmp_path / "folder")

    def test_weights_cut_short(self, fails, study, embedded_model, tmp_path):
        shutil.copytree(embedded_model, tmp_path / "cut")
        weights = next((tmp_path / "cut" / "models").glob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:50_000])
        fails(study, MODEL, model=tmp_path / "cut")

    def test_a_description_that_is_no_json(self, fails, study, embedded_model, tmp_path):
        shutil.copytree(embedded_model, tmp_path / "broken")
        (tmp_path / "broken" / "configs" / "metadata.json").write_text('{"version": ')
        fails(study, MODEL, model=tmp_path / "broken")

    def test_another_number_of_labels_than_the_network_gives(self, fails, study, embedded_model, tmp_path):
        def one_more(network_format, _):
            network_format["outputs"]["pred"]["num_channels"] = 4
            network_format["outputs"]["pred"]["channel_def"]["3"] = "amygdala"

        model = changed_model(embedded_model, tmp_path / "four", one_more)
        fails(study, MODEL, model=model)


class TestRequests:
    @pytest.mark.parametrize(
        ("options", "word"),
        [
            (["--labels", "amygdala"], "Posterior hippocampus"),
            (["--format", "docx"], "seg.nrrd"),
            (["--region", "1,2,3"], "LPS"),
            (["--region=900,950,900,950,900,950"], "does not meet"),
            (["--series", "1.2.3"], "1.2.3"),
            (["--channel", "T2=1.2.3"], "T2"),
            (["--channel", "T1"], "NAME=IMAGE"),
            (["--device", "abacus"], "abacus"),
            (["--no-such-option"], "--no-such-option"),
        ],
    )
    def test_one_that_makes_no_sense(self, fails, study, options, word):
        assert word in fails(study, USAGE, *options)

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--region", ""),
            ("--labels", ","),
            ("--labels", ""),
            ("--series", ""),
            ("--format", " , "),
            ("--model", ""),
            ("--slicer-database", ""),
        ],
    )
    def test_an_empty_value_does_not_mean_something_else(self, fails, study, option, value):
        message = fails(study, USAGE, option, value)
        assert option in message
        assert "is empty" in message

    @pytest.mark.parametrize(
        "arguments",
        [
            ("segment", "{study}", "-m", "hippocampus", "-o", ""),
            ("segment", "", "-m", "hippocampus", "-o", "out"),
            ("classify", "", "-m", "no-such-model"),
            ("classify", "{study}", "-m", "no-such-model", "-o", ""),
            ("inspect", ""),
            ("demo", "-o", " "),
        ],
        ids=["segment-output", "segment-input", "classify-input", "classify-output", "inspect-input", "demo-output"],
    )
    def test_an_empty_path_is_not_the_current_folder(self, run, study, tmp_path, monkeypatch, arguments):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        result = run(*(argument.format(study=study) for argument in arguments))
        assert result.exit_code == USAGE, result.output
        assert "is empty" in result.stderr
        assert below(tmp_path / "here") == []

    @pytest.mark.parametrize(
        ("arguments", "exit_code"),
        [
            ("segment {long} -m hippocampus -o out", USAGE),
            ("segment {study} -m {long} -o out", MODEL),
            ("segment {study} -m ~nobody-of-that-name/model -o out", MODEL),
            ("segment {study} -m hippocampus -o {long}", USAGE),
            ("segment {study} -m hippocampus -o out --channel T1={long}", USAGE),
            ("segment {study} -m hippocampus -o out --region {long}.json", USAGE),
            ("segment --slicer-database {long} --series 1.2 -m hippocampus -o out", USAGE),
            ("segment {study} -m hippocampus -o out --series {long}", USAGE),
            ("inspect {long}", USAGE),
            ("models show {long}", MODEL),
            ("models install {long}", USAGE),
            ("models unpack {long}", USAGE),
        ],
    )
    def test_a_name_that_no_disk_takes(self, run, study, tmp_path, monkeypatch, arguments, exit_code):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        result = run(*(word.format(study=study, long="a" * 300) for word in arguments.split()))
        assert result.exit_code == exit_code, result.output
        assert "fault of MedAISeg" not in result.stderr
        assert below(tmp_path / "here") == []

    @pytest.mark.parametrize("command", ["segment", "classify"])
    def test_a_misspelt_device_is_refused_before_anything_is_read(self, run, tmp_path, command):
        arguments = [command, tmp_path / "nowhere", "-m", "no-such-model", "-o", tmp_path / "out", "--device"]
        for device in ("cuda:", "cuda:x", "CPU", "", "gpu"):
            result = run(*arguments, device)
            assert result.exit_code == USAGE, result.output
            assert "is no device" in result.stderr
        assert run(*arguments, "cuda:0").exit_code == MODEL, "which is looked at next"

    def test_what_the_device_cannot_do_is_refused_before_anything_is_read(self, fails, tmp_path):
        unreadable = tmp_path / "text.nii"
        unreadable.write_text("no image")
        assert "eager fp32" in fails(unreadable, USAGE, "--device", "cpu", "--precision", "tf32")

    def test_a_device_that_is_not_there(self, fails, study):
        assert "cuda:99" in fails(study, RESOURCES, "--device", "cuda:99")

    def test_the_document_says_what_failed(self, run, study, output):
        result = run("segment", study, "-m", "no-such-model", "-o", output, "--json")
        error = document(result)["error"]
        assert (error["exit_code"], error["kind"]) == (result.exit_code, "ModelError")
        assert error["what"]


class TestOutput:
    def test_a_file_in_the_place_of_the_folder(self, run, study, tmp_path):
        (tmp_path / "result").write_text("mine")
        result = run("segment", study, "-m", "hippocampus", "-o", tmp_path / "result" / "deeper")
        assert result.exit_code == RESOURCES
        assert "read" not in result.stderr.splitlines()[0], "it is said before the run"
        assert (tmp_path / "result").read_text() == "mine"

    @pytest.mark.parametrize("formats", ["nifti", "dicom-seg", "seg.nrrd", "stl"])
    def test_a_full_disk(self, run, study, small_disk, formats):
        if formats == "stl":
            pytest.importorskip("slicer_core", reason="slicer-core is not installed")
        (small_disk / "segments.csv").write_text("old")
        (small_disk / "filler").write_bytes(b"x" * (small_disk_free(small_disk) - 1024))
        result = run("segment", study, "-m", "hippocampus", "-o", small_disk, "--format", formats, "--overwrite")
        assert result.exit_code == RESOURCES, result.output
        assert below(small_disk) == ["filler", "segments.csv"]
        assert (small_disk / "segments.csv").read_text() == "old"


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by the administrator only")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def small_disk_free(disk: Path) -> int:
    return shutil.disk_usage(disk).free
