"""Folders as a download that went wrong, an editor or a spreadsheet leaves them: run, or refused with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("dynamic_network_architectures")
samples = pytest.importorskip("Testing.format_samples")

pytestmark = pytest.mark.engine

WEIGHTS = {
    name: samples.SAMPLES[name].weights for name in ("own as weights", "bundle", "nnU-Net", "Auto3DSeg", "MeshNet")
}
MARK = b"\xef\xbb\xbf"


@pytest.fixture
def model(name: str, tmp_path: Path) -> Path:
    written: Path = samples.SAMPLES[name].write(tmp_path)
    return written


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_model(path).build_networks()
    return str(caught.value)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS keeps the weights"),
        (b"\n<!DOCTYPE html><html><title>Sign in</title></html>", "web page"),
    ],
)
def test_what_stands_in_the_place_of_weights_is_named(name: str, content: bytes, what: str, model: Path) -> None:
    (model / WEIGHTS[name]).write_bytes(content)
    assert what in refusal(model)


@pytest.mark.parametrize("name", [name for name, sample in samples.SAMPLES.items() if sample.json])
def test_the_mark_that_some_editors_put_before_a_text_does_no_harm(name: str, model: Path) -> None:
    if "ONNX" in name:
        pytest.importorskip("onnxruntime")
    file = model / samples.SAMPLES[name].json
    file.write_bytes(MARK + file.read_bytes())
    assert read_model(model).build_networks()


@pytest.mark.parametrize("name", ["Auto3DSeg"])
def test_a_table_of_labels_with_semicolons_and_another_end_of_lines(name: str, model: Path) -> None:
    before = read_model(model).spec.segments
    table = (model / "labels.csv").read_bytes().replace(b",", b";").replace(b"\n", b"\r\n")
    (model / "labels.csv").write_bytes(MARK + table)
    assert read_model(model).spec.segments == before


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def itself(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.skipif(os.name != "posix", reason="there are no such files here")
@pytest.mark.parametrize(
    ("name", "file"),
    [(n, file) for n in WEIGHTS for file in (WEIGHTS[n], samples.SAMPLES[n].json) if file],
)
@pytest.mark.parametrize("put", [pipe, endless, itself, Path.mkdir])
@pytest.mark.timeout(120)
def test_what_is_no_plain_file_is_not_waited_for(
    name: str, file: str, put: Callable[[Path], None], model: Path
) -> None:
    (model / file).unlink()
    put(model / file)
    assert refusal(model)
