"""What MONAI replaces in a bundle's description before it evaluates it is replaced here too; no stray file is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats.monai_bundle.config import read_files
from MedAISegLib.formats.monai_bundle.references import Inference
from MedAISegLib.formats.monai_bundle.shorthands import written_out
from MedAISegLib.formats.monai_bundle.values import Unresolved

CONFIG: dict[str, Any] = {
    "size": [96, 64, 32],
    "options": {"factor": 2, "nested": {"above": "@##factor", "beside": "$@#above + 1", "macro": "%###size#1"}},
}


def alone(config: dict[str, Any]) -> dict[str, Any]:
    return written_out(config, lambda _: None)


def bundle(folder: Path, config: dict[str, Any], **others: Any) -> Path:
    (folder / "configs").mkdir()
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    for name, content in others.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%size", [96, 64, 32]),
        ("%size#1", 64),
        ("%options::factor", 2),
        ("%#size", [96, 64, 32]),
        ({"deeper": ["%#1", 7]}, {"deeper": [7, 7]}),
        ("%options#nested#above", "@options#factor"),
        ("100 %", "100 %"),
    ],
)
def test_macros_become_what_they_name(text: Any, expected: Any) -> None:
    assert alone({**CONFIG, "asked": text})["asked"] == expected


@pytest.mark.parametrize("text", ["%asked", "%steps#7", "%size#9", "%other.json#size", "%size#0#1", "@####size"])
def test_what_names_nothing_stays(text: str) -> None:
    assert alone({**CONFIG, "asked": text})["asked"] == text


def test_a_macro_that_names_nothing_has_no_value() -> None:
    for text in ("%asked", "%other.json#size"):
        assert isinstance(Inference(alone({"asked": text}), Path()).value("asked"), Unresolved)


def test_levels_are_counted_from_where_the_reference_stands() -> None:
    nested = Inference(alone(CONFIG), Path()).value("options#nested")
    assert nested == {"above": 2, "beside": 3, "macro": 64}


def test_keys_that_are_paths_set_what_stands_before_them() -> None:
    changes = {"size#1": 48, "options::factor": 3, "options#new": "x", "steps#0": 1}
    found = alone({**CONFIG, **changes})
    assert found["size"] == [96, 48, 32]
    assert (found["options"]["factor"], found["options"]["new"], found["steps#0"]) == (3, "x", 1)


def test_keys_with_a_plus_add() -> None:
    found = alone({**CONFIG, "+size": [1], "+options": {"factor": 5, "b": 6}, "+fresh": [2]})
    assert found["size"] == [96, 64, 32, 1]
    assert (found["options"]["factor"], found["options"]["b"], found["fresh"]) == (5, 6, [2])
    assert CONFIG["size"] == [96, 64, 32]


def test_a_macro_takes_from_another_file_of_the_bundle(tmp_path: Path) -> None:
    config = {"whole": "%other.json", "part": "%other.json::a#1", "again": "%configs/../other.json#a"}
    files = read_files(bundle(tmp_path, config, other={"a": [1, "@b"]}))
    assert files.inference["whole"] == {"a": [1, "@b"]}
    assert (files.inference["part"], files.inference["again"]) == ("@b", [1, "@b"])
    assert "other.json" in files.parts


def test_no_file_is_read_outside_of_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"a": 1}')
    root = tmp_path / "bundle"
    root.mkdir()
    texts = ["%../secret.json#a", f"%{tmp_path}/secret.json#a", "%link.json#a"]
    bundle(root, {"asked": texts})
    (root / "link.json").symlink_to(tmp_path / "secret.json")
    assert read_files(root).inference["asked"] == texts


def test_the_metadata_can_be_referred_to(tmp_path: Path) -> None:
    root = bundle(tmp_path, {"asked": "$@_meta_#version + '!'"})
    (root / "configs" / "metadata.json").write_text('{"version": "1.2"}')
    assert Inference(read_files(root).inference, root).value("asked") == "1.2!"


def test_macros_that_blow_a_small_file_up_are_an_error(tmp_path: Path) -> None:
    config: dict[str, Any] = {"a0": [1, 1]} | {f"a{n}": [f"%a{n - 1}"] * 10 for n in range(1, 30)}
    with pytest.raises(ModelError, match="too many items"):
        read_files(bundle(tmp_path, config))


def test_entries_that_are_switched_off_are_not_there() -> None:
    entry = {"_target_": "Dropout", "_disabled_": "$1 < 2"}
    asked = {"_target_": "UNet", "act": entry, "norm": "batch"}
    inference = Inference({"asked": asked, "plain": {"a": entry, "b": 1}, "alone": entry}, Path())
    assert inference.value("asked").arguments == {"norm": "batch"}
    assert inference.value("plain") == {"b": 1}
    assert inference.value("alone") is None
