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
