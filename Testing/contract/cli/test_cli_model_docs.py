"""The page about networks of one's own is followed as it is written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
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


@pytest.fixture
def in_folder(tmp_path, monkeypatch, study):
    """Where nothing is but what the demo leaves."""
    monkeypatch.chdir(tmp_path)
    (output,) = (option.default for option in demo.command.params if option.name == "output")
    Path(output).mkdir()
    (Path(output) / "sample-study").symlink_to(study)


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
