"""A machine that asks for JSON reads one document on stdout, also where there is no result."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import below, document
from MedAISegLib.cli.main import main
from MedAISegLib.core.errors import MedAISegError
from MedAISegLib.formats.other_task import OtherTaskError

USAGE, INPUT, MODEL, FAULT = 2, 3, 4, 1


@pytest.fixture
def failed(run, tmp_path, monkeypatch):
    """Runs a command that fails and gives what its document says of that."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def call(exit_code, *arguments):
        result = run(*arguments)
        assert result.exit_code == exit_code, result.output
        told = document(result)
        assert told["status"] == "failed"
        assert told["error"]["exit_code"] == exit_code
        assert result.stderr, "people are told as well"
        assert below(tmp_path / "here") == [], "nothing is written"
        return told["error"]

    return call


@pytest.mark.parametrize(
    ("arguments", "where", "what"),
    [
        ("segment x -m hippocampus -o r --json --no-such-option", "medaiseg segment", "--no-such-option"),
        ("segment x --json -o r", "medaiseg segment", "--model"),
        ("segment x y --json -m m -o r", "medaiseg segment", "y"),
        ("segment x --json -m m -o", "medaiseg", "-o"),
        ("segment x --json -m m -o r --precision fp8", "medaiseg segment", "fp8"),
        ("segment x --json -m m -o r --labels ,", "medaiseg segment", "empty"),
        ("inspect --no-such-option --json", "medaiseg inspect", "--no-such-option"),
        ("classify --json -m m", "medaiseg classify", "INPUT"),
        ("demo --seed x --json", "medaiseg demo", ""),
        ("models show --json", "medaiseg models show", ""),
        ("models --json", "medaiseg models", "--json"),
        ("sgement --json", "medaiseg", "sgement"),
        ("--no-such-option segment --json", "medaiseg", "--no-such-option"),
    ],
)
def test_what_is_wrong_with_the_command_line_itself(failed, arguments, where, what):
    error = failed(USAGE, *arguments.split())
    assert error["kind"] == "UsageError"
    assert error["where"] == where
    assert what in error["what"]
    assert error["remedy"].startswith(f"'{where} --help'")


def test_a_file_of_that_name_does_not_ask_for_json(run):
    assert run("inspect", "--", "--json").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "exit_code", "kind"),
    [
        ("inspect nowhere --json", INPUT, "InputError"),
        ("inspect --slicer-database nowhere --json", INPUT, "InputError"),
        ("inspect --json", USAGE, "UsageError"),
        ("inspect nowhere --series 1.2 --json", USAGE, "UsageError"),
        ("classify nowhere -m no-such-model --json", MODEL, "ModelError"),
        ("classify nowhere -m hippocampus --json", MODEL, "ModelError"),
        ("segment nowhere -m hippocampus -o r --json", INPUT, "InputError"),
        ("segment nowhere -m hippocampus -o r --json --region 1,2", USAGE, "UsageError"),
    ],
)
def test_why_a_command_could_not_do_it(failed, arguments, exit_code, kind):
    error = failed(exit_code, *arguments.split())
    assert error["kind"] == kind
    assert error["what"]


def test_a_fault_of_our_own(failed, monkeypatch):
    def broken(*_, **__):
        raise AssertionError("this cannot be")

    monkeypatch.setattr("MedAISegLib.cli.inspect.list_images", broken)
    error = failed(FAULT, "inspect", "nowhere", "--json")
    assert error["kind"] == "UnexpectedFailure"
    assert "this cannot be" in error["what"]


def test_every_kind_and_exit_code_is_written_down():
    families = {MedAISegError}
    for family in list(families):
        families |= set(family.__subclasses__())
    kinds = {kind for family in families for kind in (family, *family.__subclasses__())} - {MedAISegError}
    text = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    assert OtherTaskError in kinds
    assert {kind.__name__ for kind in kinds if f"`{kind.__name__}`" not in text} == set()
    assert "`UnexpectedFailure` (1)" in text
    for code in sorted({FAULT, *(kind.exit_code for kind in kinds)}):
        assert f" {code} " in " ".join((main.help or "").split())
