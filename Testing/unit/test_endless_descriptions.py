"""Short descriptions of bundles that stand for more than anyone gets through are refused, and soon."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest
from bundles import write_bundle
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model

pytestmark = pytest.mark.timeout(60)

Config = dict[str, Any]

LISTS = "[[[[0] * 10000] * 10000] * 10000] * 10000"
"""Four lists, and ten to the power of sixteen items."""


def nested(of: Callable[[list[str]], Any], place: str) -> Callable[[Config], None]:
    """Each entry names the next one twice."""

    def change(config: Config) -> None:
        for n in range(35):
            config[f"part{n}"] = of([f"@part{n + 1}"] * 2)
        config["part35"] = []
        config[place] = of(["@part0"])

    return change


def overlap(expression: str) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        config["inferer"]["overlap"] = expression

    return change


def composed(items: list[str]) -> Config:
    return {"_target_": "Compose", "transforms": items}


def levels(config: Config) -> None:
    config["x" * 1_000_000] = {"a": "@#" * 300_000}


def long_names(config: Config) -> None:
    config["preprocessing"] = {"x" * 1_000_000: {f"a{n}": 0 for n in range(50_000)}}


@pytest.mark.parametrize(
    "change",
    [
        nested(list, "preprocessing"),
        nested(list, "postprocessing"),
        nested(composed, "preprocessing"),
        overlap(f"$0.5 if [{LISTS}] == [{LISTS}] else 0.25"),
        overlap(f"$0.5 if {LISTS} in [{LISTS}] else 0.25"),
        overlap(f"$max([{LISTS}, {LISTS}])"),
        overlap(f"${LISTS}"),
        levels,
        long_names,
    ],
    ids=["lists", "lists-after", "composed", "equal", "in", "max", "made", "levels", "long-names"],
)
def test_a_description_that_nobody_gets_through_is_refused(change: Callable[[Config], None], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"too many values|too long"):
        read_model(write_bundle(tmp_path, lambda _, config: change(config)))


def test_a_macro_that_is_no_path_of_a_file_takes_no_time(tmp_path: Path) -> None:
    def change(_: Config, config: Config) -> None:
        config["other"] = "%" + ".json#" * 300_000 + "\n"

    assert read_model(write_bundle(tmp_path, change)).spec.name == "Two organs"


def test_a_path_that_is_written_in_many_ways_is_written_out_once(tmp_path: Path) -> None:
    def change(_: Config, config: Config) -> None:
        names = [f"k{n}" for n in range(12)]
        node = config
        for name in names:
            node = node.setdefault(name, {})
        node["large"] = [0] * 20_000
        ways = islice(product(("#", "::"), repeat=12), 4000)
        config["many"] = ["%" + "".join(map("".join, zip(names, way, strict=True))) + "large" for way in ways]

    with pytest.raises(ModelError, match="too many items"):
        read_model(write_bundle(tmp_path, change))


def test_what_is_added_to_an_alias_is_added_in_that_place_alone(tmp_path: Path) -> None:
    root = write_bundle(tmp_path)
    (root / "configs" / "inference.json").unlink()
    many = ", ".join(["0"] * 9000)
    text = f"one: &one [0]\nmany: [{', '.join(['*one'] * 9000)}]\n+many#0: [{many}]\n"
    (root / "configs" / "inference.yaml").write_text(text)
    with pytest.raises(ModelError, match="names nothing"):
        read_model(root)
