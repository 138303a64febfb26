"""The page about networks of one's own is followed as it is written."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.cli import demo
from MedAISegLib.formats import read_model

PAGE = Path(__file__).parents[3] / "docs" / "models.md"


def section(heading: str) -> str:
    _, found, rest = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")
    assert found
    return rest.partition("\n## ")[0]


def commands(text: str) -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


@pytest.fixture(autouse=True)
def tried_here() -> None:
    """They are not: all is done as a reader's commands do it."""


@pytest.fixture
def in_folder(tmp_path, monkeypatch, study):
    """Where nothing is but what the demo leaves."""
    monkeypatch.chdir(tmp_path)
    (output,) = (option.default for option in demo.command.params if option.name == "output")
    Path(output).mkdir()
    (Path(output) / "sample-study").symlink_to(study)


@pytest.mark.slow
@pytest.mark.usefixtures("in_folder")
def test_a_network_of_ones_own(run):
    text = section("A network of your own, in five minutes")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {})
    first, *others = commands(text)
    answers = ["T1 MR", "", "", "z-score", "", "", "background, liver, tumour", "", ""]
    assert run(*first, answers="\n".join(answers) + "\n").exit_code == 0
    for command in others:
        result = run(*command)
        assert result.exit_code == 0, result.stderr
    assert read_model(Path("liver")).spec.name == "Liver"
    assert list(Path("results").iterdir())


@pytest.mark.parametrize("dimensions", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_network_of_ones_own_that_classifies(run, tmp_path, dimensions):
    torch = pytest.importorskip("torch")
    text = section("A network of your own, in five minutes").partition("### A network that classifies\n")[2]
    content = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    sizes = (299, 299) if dimensions == 2 else (24, 30, 20)
    if dimensions == 3:
        content["channels"] = [{"name": "image"}]
        stage = content["stages"][0]
        content["networks"][0][0].pop("dimensions")
        stage.pop("slicewise")
        stage["windows"] = {}
        stage["preprocessing"].pop(1)
    pool = (torch.nn.AdaptiveAvgPool2d, torch.nn.AdaptiveAvgPool3d)[dimensions - 2]
    network = torch.nn.Sequential(pool(1), torch.nn.Flatten(), torch.nn.Linear(len(content["channels"]), 4)).eval()
    (tmp_path / "density").mkdir()
    (tmp_path / "density" / "medaiseg.json").write_text(json.dumps(content), encoding="utf-8")
    torch.jit.trace(network, torch.rand(1, len(content["channels"]), *sizes)).save(tmp_path / "density" / "model.ts")
    voxels = np.random.default_rng(0).integers(0, 255, sizes[::-1], dtype=np.uint8)
    image = tmp_path / ("image.png" if dimensions == 2 else "image.nii.gz")
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(image))
    assert run("models", "install", tmp_path / "density").exit_code == 0
    done = run("classify", image, "--model", "density", "--json", "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    probabilities = json.loads(done.stdout)["images"][0]["probabilities"]
    assert list(probabilities) == content["classes"]
    assert sum(probabilities.values()) == pytest.approx(1)


@pytest.mark.usefixtures("in_folder")
def test_probabilities_in_python():
    (block,) = re.findall(r"```python\n(.*?)```", section("Probabilities"), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {})
    assert Path("probabilities.nii").is_file()
    assert Path("probabilities.json").is_file()


@pytest.mark.usefixtures("in_folder")
def test_sharing_a_model(run):
    (command,) = commands(section("Sharing a model"))
    assert run(*command).exit_code == 0
    assert len(read_model(Path("my-hippocampus")).spec.segments) == 2
