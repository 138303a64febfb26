"""``medaiseg models trust`` and ``distrust``, and a trusted model on the command line."""

from __future__ import annotations

import json

import pytest

from Testing.unit.coded_bundles import write_coded


@pytest.fixture
def coded(tmp_path):
    """A bundle with code of its own."""

    def any_image(metadata, _):
        metadata["network_data_format"]["inputs"]["image"] = {"num_channels": 1}

    return write_coded(tmp_path, any_image)


def test_trust_is_given_seen_and_taken_back(run, coded, study, tmp_path):
    output = tmp_path / "output"
    refused = run("segment", study, "--model", coded, "--output", output)
    assert refused.exit_code == 4
    assert "scripts.own.Scores" in refused.stderr
    assert "models trust" in refused.stderr
    trusted = run("models", "trust", coded)
    assert trusted.exit_code == 0, trusted.output
    assert "scripts.own.Scores" in trusted.stderr
    done = run("segment", study, "--model", coded, "--output", output, "--json", "--device", "cpu")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["provenance"]["parameters"]["run_by"] == "the model's own code"
    assert "own-code" in [notice["code"] for notice in document["notices"]]
    assert run("models", "distrust", coded).exit_code == 0
    assert run("segment", study, "--model", coded, "--output", tmp_path / "again").exit_code == 4
    assert run("models", "distrust", coded).exit_code == 2


def test_installed_with_trust_it_runs(run, coded, study, tmp_path, model_store):
    assert run("models", "install", coded).exit_code == 4
    assert not model_store.exists() or list(model_store.iterdir()) == []
    assert run("models", "install", coded, "--trust").exit_code == 0
    assert run("models", "verify", "two_organs").exit_code == 0
    done = run("segment", study, "--model", "two_organs", "--output", tmp_path / "output", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "code of its own" in done.stderr.replace("\n", " ")
    (model_store / "two_organs" / "scripts" / "own.py").write_text("changed = True")
    assert run("segment", study, "--model", "two_organs", "--output", tmp_path / "again").exit_code == 4


def test_trust_is_asked_for_only_where_it_helps(run, embedded_model, coded):
    assert run("models", "trust", embedded_model).exit_code == 2
    (coded / "scripts" / "own.py").unlink()
    refused = run("models", "trust", coded)
    assert refused.exit_code == 4
    assert "scripts/own.py" in refused.stderr.replace("\n", "")


def test_distrust_shuts_off_every_copy_of_a_model(run, coded, model_store):
    for name in ("a", "b"):
        assert run("models", "install", coded, "--trust", "--name", name).exit_code == 0
    assert run("models", "distrust", "a").exit_code == 0
    for name in ("a", "b"):
        assert "it is not trusted" in run("models", "verify", name).stderr.replace("\n", " ")
    assert run("models", "distrust", "b").exit_code == 2


def test_a_model_that_is_installed_anew_asks_anew_whatever_else_it_was_called(run, coded, model_store):
    for name in ("a", "b"):
        assert run("models", "install", coded, "--trust", "--name", name).exit_code == 0
    assert run("models", "remove", "a").exit_code == 0
    assert run("models", "install", coded, "--name", "a").exit_code == 4
    assert run("models", "verify", "b").exit_code == 4


def test_trust_in_a_path_is_taken_back_by_the_name_that_it_is_installed_under(run, coded, model_store):
    assert run("models", "trust", coded).exit_code == 0
    assert run("models", "install", coded, "--name", "mine").exit_code == 0
    assert run("models", "distrust", "mine").exit_code == 0
    assert run("models", "verify", "mine").exit_code == 4
    assert run("models", "trust", coded).exit_code == 0
