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
from MedAISegLib.formats.auto3dseg.config import read_configuration

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


def many(key: str, where: str, said: str) -> Callable[[Config, Config], None]:
    def change(metadata: Config, config: Config) -> None:
        config["network_def"][key] = 10**9
        (only,) = metadata["network_data_format"][where].values()
        only.pop("num_channels")
        only.pop("channel_def")
        only["format"] = said

    return change


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


@pytest.mark.parametrize(
    ("key", "where", "said"),
    [("in_channels", "inputs", ""), ("out_channels", "outputs", "segmentation")],
)
def test_a_network_of_more_channels_or_classes_than_any_is_refused_before_they_are_listed(
    key: str, where: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="it has 1000000000 c"):
        read_model(write_bundle(tmp_path, many(key, where, said)))


def test_more_classes_than_any_are_refused_where_a_network_classifies(tmp_path: Path) -> None:
    def change(metadata: Config, config: Config) -> None:
        metadata["network_data_format"]["outputs"]["pred"] = {"format": "classification"}
        config["network_def"] = {"_target_": "DenseNet121", "spatial_dims": 3, "in_channels": 1, "out_channels": 10**9}
        config["postprocessing"] = {"_target_": "Activationsd", "keys": "pred", "softmax": True}

    with pytest.raises(ModelError, match="it has 1000000000 classes"):
        read_model(write_bundle(tmp_path, change))


def test_a_network_of_endless_many_levels_is_read_soon(tmp_path: Path) -> None:
    def change(_: Config, config: Config) -> None:
        config["network_def"] |= {"channels": [10**9] * 60_000, "strides": [10**9] * 60_000}

    read_model(write_bundle(tmp_path, change))


@pytest.mark.parametrize("key", ["input_channels", "output_classes"])
def test_more_than_any_are_refused_in_a_configuration_of_auto3dseg(key: str) -> None:
    content = {"network": {"_target_": "SegResNetDS"}, "input_channels": 1, "output_classes": 2, key: 10**9}
    with pytest.raises(ModelError, match="it has 1000000000 c"):
        read_configuration(content, "model.pt")


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
