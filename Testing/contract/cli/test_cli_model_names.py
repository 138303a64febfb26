"""Names that a shell takes apart, names that are empty, and models that fail while others are checked."""

from __future__ import annotations

import shlex
import shutil

import pytest
from command_line import below
from MedAISegLib.core.errors import ModelError, ResourceError
from MedAISegLib.models import receipts

USAGE, MODEL, RESOURCES = 2, 4, 5
ODD = "my model; echo $HOME"


@pytest.fixture
def odd(run, embedded_model, tmp_path):
    shutil.copytree(embedded_model, tmp_path / ODD)
    return tmp_path / ODD


def words(text: str, after: str) -> list[str]:
    """Of the command at the end of what was said, as a shell would take it."""
    return shlex.split(text.rpartition(after)[2])


def test_a_command_that_is_proposed_can_be_pasted(run, odd, tmp_path):
    installed = run("models", "install", odd)
    assert words(installed.stdout, "Run it with: ")[4:] == [ODD, "--output", "DIR"], installed.output
    packed = run("models", "pack", ODD, "-o", tmp_path / "my pack.zip")
    assert words(packed.stdout, "Elsewhere: ")[-1] == "my pack.zip"


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", ""),
        ("search", " "),
        ("install", ""),
        ("install", "{model}", "--name", ""),
        ("install", "hippocampus", "--mirror", " "),
        ("verify", ""),
        ("remove", ""),
        ("pack", "", "-o", "p.zip"),
        ("pack", "hippocampus", "-o", ""),
        ("unpack", ""),
        ("trust", ""),
        ("distrust", ""),
        ("export", "", "--output", "new"),
        ("export", "hippocampus", "--output", ""),
        ("init", ""),
    ],
    ids=" ".join,
)
def test_an_empty_name_is_a_usage_error(run, embedded_model, model_store, tmp_path, monkeypatch, arguments):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    result = run("models", *(argument.format(model=embedded_model) for argument in arguments))
    assert result.exit_code == USAGE, result.output
    assert "is empty" in result.stderr or "does not exist" in result.stderr
    assert below(tmp_path / "here") == []
    assert below(model_store) == []


@pytest.mark.parametrize(
    ("failures", "exit_code"),
    [
        ({"first": ResourceError("the store is locked.")}, RESOURCES),
        ({"first": ResourceError("the store is locked."), "third": ModelError("it has changed.")}, MODEL),
    ],
    ids=["one", "two"],
)
def test_one_model_that_cannot_be_checked_does_not_keep_others_from_it(
    run, embedded_model, model_store, monkeypatch, failures, exit_code
):
    for name in ("first", "second", "third"):
        shutil.copytree(embedded_model, model_store / name)

    def require_unchanged(model):
        if model.id in failures:
            raise failures[model.id]
        return False

    monkeypatch.setattr(receipts, "require_unchanged", require_unchanged)
    result = run("models", "verify")
    assert result.exit_code == exit_code, result.output
    assert "second: fits" in result.stdout
    for name, error in failures.items():
        assert f"{name}: {error.what}" in result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"Error: {', '.join(failures)}: ")
