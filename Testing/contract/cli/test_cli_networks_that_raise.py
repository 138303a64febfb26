"""A network whose own code raises or asserts is an error of the model, in words that a terminal does not obey."""

from __future__ import annotations

import json

import torch
from command_line import document
from MedAISegLib.formats import read_model

from Testing.described_models import description, write_description

MODEL, FAULT = 4, 1


class OfSixteens(torch.nn.Module):
    """Takes no images but those whose lengths are multiples of 16."""

    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Conv3d(1, 3, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if values.size(2) % 16 != 0:
            raise ValueError("lengths have to be multiples of 16")
        assert values.size(3) % 16 == 0, "and these"
        return self.scores(values)


class Particular(torch.nn.Module):
    """Takes what a network is tried with, and not what follows."""

    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Conv3d(1, 3, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if float(values.min()) < 0.0:
            raise RuntimeError("\x1b]0;title\x07no negative values")
        return self.scores(values)


def folder_of(network, folder):
    folder.mkdir()
    torch.jit.script(network.eval()).save(str(folder / "model.ts"))
    return folder


def test_a_network_that_insists_on_its_lengths_is_described(run, tmp_path):
    folder = folder_of(OfSixteens(), tmp_path / "sixteens")
    result = run(
        "models", "init", folder, "--channels", "CT CT", "--orientation", "RAS", "--spacing", "keep",
        "--intensity", "none", "--window", "32,32,32", "--activation", "softmax",
        "--labels", "background, liver, tumour",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "3 class(es) out" in result.stdout
    assert read_model(folder).build_networks()


def test_a_network_that_raises_in_the_middle_of_a_run(run, study, tmp_path):
    folder = folder_of(Particular(), tmp_path / "particular")
    content = description(channels=[{"name": "T1", "modality": "MR"}])
    content["stages"][0]["preprocessing"] = [{"kind": "ScaleRange", "source_min": 1e6, "source_max": 2e6}]
    assert run("models", "install", write_description(folder, content)).exit_code == 0
    result = run("segment", study, "--model", "particular", "--output", tmp_path / "out", "--json")
    assert result.exit_code == MODEL, result.output
    error = document(result)["error"]
    assert error["kind"] == "ModelError"
    assert "no negative values" in error["what"]
    assert not {"\x1b", "\x07"} & set(result.stderr + error["what"])


def test_words_of_a_stranger_in_a_fault_of_our_own(run, monkeypatch):
    def broken(*_, **__):
        raise AssertionError("first\n\x1b]0;title\x07second")

    monkeypatch.setattr("MedAISegLib.cli.inspect.list_images", broken)
    result = run("inspect", "nowhere", "--json")
    assert result.exit_code == FAULT
    told = json.loads(result.stdout)["error"]["what"]
    assert "first\n" in told
    assert "second" in result.stderr
    assert not {"\x1b", "\x07"} & set(result.stderr + told)
