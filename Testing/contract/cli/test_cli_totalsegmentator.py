"""Tasks of TotalSegmentator: from the publisher's archives to one model that runs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import nibabel as nib
import numpy as np
import pytest
from MedAISegLib.formats import read_model
from MedAISegLib.models import catalogue, download

from Testing.contract.cli.test_cli_model_docs import commands, section
from Testing.totalsegmentators import published, write_task
from Testing.unit.publisher import publishing

pytest.importorskip("dynamic_network_architectures")
pytestmark = pytest.mark.engine


@pytest.fixture
def publisher(monkeypatch):
    with publishing() as there:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        network = download.Network(offline=False, mirror="", policy=there.network.policy)
        monkeypatch.setattr(download, "network_of", lambda *_, **__: network)
        yield there


@pytest.fixture
def offered(publisher, tmp_path, monkeypatch):
    """The catalogue's own entry of a task, its archives with small networks on the local server."""
    entries = json.loads(catalogue.catalogue_file().read_text(encoding="utf-8"))["published"]

    def offer(model_id):
        entry = next(entry for entry in entries if entry["id"] == model_id)
        root = write_task(tmp_path / "published", model_id)
        for file in entry["files"]:
            path = urlsplit(file["url"]).path
            publisher.files[path] = zipped(root, file["folder"])
            file["url"] = publisher.url(path)
        place = tmp_path / "catalogue.json"
        place.write_text(json.dumps({"models": [], "published": [entry], "structures": {}}), encoding="utf-8")
        monkeypatch.setattr(catalogue, "catalogue_file", lambda: place)
        return model_id

    return offer


def zipped(root: Path, folder: str) -> bytes:
    """An archive with the dataset's folder on top, as they are published."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted((root / folder).rglob("*")):
            archive.write(file, file.relative_to(root))
    return content.getvalue()


@pytest.fixture
def ct(tmp_path):
    """Noise with the values of a CT, stored with axes to the left, anterior and superior."""
    voxels = np.random.default_rng(0).normal(40, 90, (60, 52, 22)).astype(np.int16)
    path = tmp_path / "ct.nii.gz"
    nib.save(nib.Nifti1Image(voxels, np.diag([-1.1, 0.9, 4.0, 1.0])), path)
    return path


def test_the_five_parts_of_the_whole_body_are_one_model(run, offered, publisher, model_store, ct, tmp_path):
    name = offered("totalsegmentator_total")
    result = run("models", "install", name)
    assert result.exit_code == 0, result.output
    assert len(publisher.asked) == 5
    spec = read_model(model_store / name).spec
    assert len(spec.stages) == len(spec.merged) == 5
    assert len(spec.segments) == 117
    assert spec.license == "Apache-2.0"
    assert all(stage.windows.overlap[0] == pytest.approx(0.2) for stage in spec.stages)
    result = run("segment", ct, "--model", name, "--output", tmp_path / "out", "--format", "nifti", "--accept")
    assert result.exit_code == 0, result.output
    labels = np.asarray(nib.load(tmp_path / "out" / "segmentation.nii.gz").dataobj)
    assert labels.shape == (60, 52, 22)
    assert set(np.unique(labels)) <= set(range(118))
    assert len(np.unique(labels)) > 3


@pytest.mark.usefixtures("ct", "model_store")
def test_the_page_is_followed_as_it_is_written(run, offered, tmp_path, monkeypatch):
    offered("totalsegmentator_total_3mm")
    monkeypatch.chdir(tmp_path)
    for command in commands(section("TotalSegmentator")):
        result = run(*command)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "results").is_dir()


def test_teeth_are_looked_for_where_the_jaw_is_and_that_where_the_skull_is(run, offered, model_store):
    name = offered("totalsegmentator_teeth")
    assert run("models", "install", name).exit_code == 0
    spec = read_model(model_store / name).spec
    crops = [(stage.crop.stage, stage.crop.labels, stage.crop.margin_mm) for stage in spec.stages if stage.crop]
    assert crops == [(0, (91,), 20.0), (1, (2, 7), 10.0)]
    assert spec.merged == (2,)


def test_an_archive_with_other_content_is_refused_and_nothing_stays(run, offered, publisher, model_store):
    name = offered("totalsegmentator_total_3mm")
    (path,) = publisher.files
    publisher.files[path] = zipped(Path(__file__).parent, "")
    result = run("models", "install", name)
    assert result.exit_code == 4
    assert "it is no model of a known format" not in result.stderr
    assert "part" in result.stderr
    assert not (model_store / name).exists()
    assert published(name) is not None
