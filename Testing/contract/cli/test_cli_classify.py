"""``medaiseg classify``: a table of classes and probabilities."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk
from classifiers import write_classifier


@pytest.fixture
def classifier(tmp_path):
    return write_classifier(tmp_path / "density")


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(2)
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        sitk.WriteImage(sitk.GetImageFromArray(random.integers(0, 255, (40, 32), dtype=np.uint8)), str(path))
    return paths


def test_each_picture_has_a_row(run, classifier, pictures, tmp_path):
    table = tmp_path / "table.csv"
    done = run("classify", *pictures, "--model", classifier, "--output", table, "--json", "--device", "cpu")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [image["image"] for image in document["images"]] == ["one.png", "two.png"]
    for image in document["images"]:
        assert list(image["probabilities"]) == ["A", "B"]
        assert sum(image["probabilities"].values()) == pytest.approx(1)
        assert image["best"] == max(image["probabilities"], key=image["probabilities"].get)
    assert document["provenance"]["model_name"] == "Density"
    heading, first, second = csv.reader(table.read_text(encoding="utf-8").splitlines())
    assert heading == ["image", "best", "A", "B"]
    assert float(first[2]) == pytest.approx(document["images"][0]["probabilities"]["A"], abs=1e-5)
    assert first[2] != second[2]
    assert run("classify", *pictures, "--model", classifier, "--output", table).exit_code == 2


def test_no_class_or_picture_is_a_formula(run, classifier, pictures, tmp_path):
    metadata = classifier / "configs" / "metadata.json"
    metadata.write_text(metadata.read_text().replace('"A"', '"=A"'))
    picture, table = pictures[0].rename(tmp_path / "+one.png"), tmp_path / "table.csv"
    done = run("classify", picture, "--model", classifier, "--output", table, "--device", "cpu")
    assert done.exit_code == 0, done.output
    heading, row = csv.reader(table.read_text(encoding="utf-8").splitlines())
    assert heading == ["image", "best", "'=A", "B"]
    assert row[0] == "'+one.png"
    assert all(float(probability) > 0 for probability in row[2:])


def test_a_table_for_people(run, classifier, pictures):
    done = run("classify", pictures[0], "--model", classifier, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "Density" in done.stdout
    assert "one.png" in done.stdout


def test_models_of_other_kinds_are_told_apart(run, classifier, embedded_model, pictures, study, tmp_path):
    refused = run("classify", study, "--model", embedded_model)
    assert refused.exit_code == 4
    assert "segmentation model" in refused.stderr
    refused = run("segment", pictures[0], "--model", classifier, "--output", tmp_path / "output")
    assert refused.exit_code == 4
    assert "classification model" in refused.stderr
    path = classifier / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["network_def"] = {"_target_": "RetinaNet"}
    path.write_text(json.dumps(config))
    refused = run("classify", pictures[0], "--model", classifier)
    assert refused.exit_code == 4
    assert "detection model" in refused.stderr


def test_own_code_is_not_run(run, classifier, pictures, tmp_path):
    path = classifier / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["postprocessing"]["transforms"].append({"_target_": "os.system", "command": f"touch {tmp_path / 'canary'}"})
    path.write_text(json.dumps(config))
    assert run("classify", pictures[0], "--model", classifier).exit_code == 4
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("colours", [3, 1], ids=["coloured", "grey"])
def test_a_dicom_picture_has_the_probabilities_of_the_same_png(run, classifier, tmp_path, colours):
    from dicom_pictures import write_picture

    pixels = np.random.default_rng(5).integers(0, 255, (40, 32, colours), dtype=np.uint8)
    png, capture = tmp_path / "same.png", tmp_path / "same.dcm"
    if colours == 3:
        sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=True), str(png))
        write_picture(capture, pixels, "RGB")
    else:
        sitk.WriteImage(sitk.GetImageFromArray(pixels[..., 0]), str(png))
        write_picture(capture, 255 - pixels[..., 0], "MONOCHROME1", "CR")
    done = run("classify", png, capture, "--model", classifier, "--json", "--device", "cpu")
    assert done.exit_code == 0, done.output
    first, second = json.loads(done.stdout)["images"]
    assert second["probabilities"] == first["probabilities"]


def test_an_installed_one_is_listed_and_classifies_by_its_name(run, classifier, pictures, model_store):
    installed = run("models", "install", classifier)
    assert installed.exit_code == 0, installed.output
    assert "medaiseg classify" in installed.output
    assert "A, B" in run("models", "show", "density").stdout
    assert "Density" in run("models", "list").stdout
    assert run("models", "verify", "density").exit_code == 0
    assert run("classify", pictures[0], "--model", "density", "--device", "cpu").exit_code == 0


def test_an_exported_one_gives_the_same_probabilities_wherever_it_is_installed(run, classifier, pictures, tmp_path):
    exported = run("models", "export", classifier, "--output", tmp_path / "shared")
    assert exported.exit_code == 0, exported.output
    assert "there is no code in it" in exported.output
    assert run("models", "install", tmp_path / "shared").exit_code == 0
    assert "A, B" in run("models", "show", "shared").stdout
    tables = [run("classify", *pictures, "--model", m, "--json", "--device", "cpu") for m in (classifier, "shared")]
    before, after = (json.loads(done.stdout)["images"] for done in tables)
    assert after == before
