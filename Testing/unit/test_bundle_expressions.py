"""Expressions of a bundle: harmless ones have their value, all others none, and nothing is ever run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bundles import Change, write_bundle
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats import read_model
from MedAISegLib.formats.monai_bundle.references import Inference
from MedAISegLib.formats.monai_bundle.values import Component, Device, FileContent, Unresolved, plain

CONFIG: dict[str, Any] = {
    "bundle_root": "/home/author/models",
    "size": [96, 64, 32],
    "options": {"high": True, "factor": 2, "names": {"liver": 1, "spleen": 2}},
    "low": "$not @options#high",
    "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    "network_def": {"_target_": "UNet", "channels": "@size", "dims": "$len(@size)"},
    "network": "$@network_def.to(@device)",
    "steps": [{"_target_": "LoadImaged"}, {"_target_": "Flipd", "_disabled_": True}, {"_target_": "Spacingd"}],
    "code": "$__import__('os').getcwd()",
}


def value(text: Any, root: Path = Path()) -> Any:
    return Inference({**CONFIG, "asked": text}, root).value("asked")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text with an @ in it", "plain text with an @ in it"),
        ("@size", [96, 64, 32]),
        ("@size#1", 64),
        ("@size::1", 64),
        ("@options#names#spleen", 2),
        ("$@size[0]", 96),
        ("$@size[:2]", [96, 64]),
        ("$@options['names']['liver']", 1),
        ("$@options#names", {"liver": 1, "spleen": 2}),
        ("$[1.5, 1.5] if @options#high else [3.0, 3.0]", [1.5, 1.5]),
        ("$'a' if @low else 'b'", "b"),
        ("$len(@options#names) + 1", 3),
        ("$@bundle_root + '/models/' + 'model.pt'", "./models/model.pt"),
        ("$os.path.join(@bundle_root, 'models', 'model.pt')", "models/model.pt"),
        ("$@size + [1]", [96, 64, 32, 1]),
        ("$(@size[0] - 32) // @options#factor * -1", -32),
        ("$1.0 - float(16) / 64", 0.75),
        ("$list(range(3))", [0, 1, 2]),
        ("$'spleen' in @options#names and 1 < 2 <= 2", True),
        ("$None", None),
        ("$torch.float32", "float32"),
        ("$np.uint8", "uint8"),
        ("$monai.utils.CommonKeys.PRED", "pred"),
        ("$'gpu' if torch.cuda.is_available() else 'host'", "host"),
        ({"a": ["@size#2", {"b": "$1 + 1"}]}, {"a": [32, {"b": 2}]}),
    ],
)
def test_harmless_expressions_have_their_value(text: Any, expected: Any) -> None:
    assert value(text) == expected


def test_an_object_is_named_and_not_built() -> None:
    network = value("@network")
    assert network == Component("UNet", {"channels": [96, 64, 32], "dims": 3}, "network_def")
    assert value("$monai.networks.nets.UNet(spatial_dims=len(@size))") == Component(
        "monai.networks.nets.UNet", {"spatial_dims": 3}, "asked"
    )
    assert value("@device") == Device()


def test_disabled_entries_are_left_out() -> None:
    assert [step.name for step in value("@steps")] == ["LoadImaged", "Spacingd"]


def test_what_a_file_holds_is_named_and_not_read() -> None:
    text = "$torch.from_numpy(torch.load(@bundle_root + '/models/a.pt', map_location='cuda')['node'])"
    assert value(text) == FileContent("./models/a.pt", ("node",), as_tensor=True)


def test_a_file_of_the_bundle_is_looked_for_there(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").touch()
    assert value("$os.path.exists(@bundle_root + '/weights.pt')", tmp_path) is True
    assert value("$os.path.exists('other.pt')", tmp_path) is False
    with pytest.raises(ModelError, match="outside"):
        value("$os.path.exists('../../etc/passwd')", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "$__import__('os').system('touch {marker}')",
        "$open('{marker}', 'w')",
        "$eval(\"open('{marker}', 'w')\")",
        "$exec(\"open('{marker}', 'w')\")",
        "$(lambda: open('{marker}', 'w'))()",
        "$[open(p, 'w') for p in ['{marker}']]",
        "$getattr(torch, 'load')('{marker}')",
        "$().__class__.__mro__[1].__subclasses__()",
        "$pathlib.Path('{marker}').touch()",
        "$os.system('touch {marker}')",
        "$torch.hub.load('a/b', 'c')",
        "$torch.hub.load_state_dict_from_url('https://example.org/a.pt')",
        "$subprocess.run(['touch', '{marker}'])",
        '$f\'{{open("{marker}", "w")}}\'',
        "$(found := 1)",
        "$@network_def.__class__",
        "$@size.append(1)",
        "$2 ** 10 ** 10",
        "$'a' * 10 ** 9",
        "$[0] * 100000",
        "$list(range(10 ** 9))",
        "$'%s' % 1",
        "$1 +",
        "$" + "(" * 3000 + ")" * 3000,
        "$" + "-" * 3500 + "1",
        "$1\0",
        "$" + "9" * 3900,
        "$import os",
        "@nothing",
        "@size#9",
        "@network_def#nothing",
        "%other.json#size",
        "%steps#7",
        "$1 / 0",
        "$_reference_0",
    ],
)
def test_everything_else_has_no_value_and_is_not_run(text: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    assert isinstance(value(text.replace("{marker}", str(marker))), Unresolved)
    assert not marker.exists()


def test_code_hurts_only_where_it_is_needed() -> None:
    held = value({"needed": 1, "other": "@code"})
    assert plain(held["needed"], "asked#needed") == 1
    with pytest.raises(NotTrustedError, match=r"code: .*getcwd.* is code"):
        plain(held, "asked")


def test_code_in_a_target_names_nothing() -> None:
    assert isinstance(value({"_target_": "$__import__('os').system"}), Unresolved)


def test_a_switch_that_is_code_leaves_the_entry_without_value() -> None:
    assert isinstance(value({"_target_": "UNet", "_disabled_": "@code"}), Unresolved)


def test_a_partial_object_is_no_object() -> None:
    assert isinstance(value({"_target_": "UNet", "_mode_": "callable"}), Unresolved)


@pytest.mark.parametrize(
    "config",
    [
        {"a": "@a"},
        {"a": "@b", "b": "$@c + 1", "c": {"d": "@a"}},
        {f"a{n}": f"@a{n + 1}" for n in range(5000)} | {"a": "@a0"},
    ],
)
def test_references_that_never_end_are_an_error(config: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="circle"):
        Inference(config, Path()).value("a")


def test_a_small_text_that_describes_an_endless_tree_is_an_error() -> None:
    config = {"a0": [1, 1]} | {f"a{n}": [f"@a{n - 1}"] * 10 for n in range(1, 30)}
    with pytest.raises(ModelError, match="too many values"):
        plain(Inference(config, Path()).value("a29"), "a29")


@pytest.mark.engine
@pytest.mark.parametrize(
    "change",
    [
        lambda _, config: config["network_def"].update(act={"_target_": "torch.nn.PReLU", "_mode_": "callable"}),
        lambda _, config: config["network_def"].update(norm={"_target_": "numpy.array", "object": [1]}),
        lambda _, config: config["inferer"].update(_mode_="callable"),
        lambda _, config: config["inferer"].update(_args_=[[16, 16, 16]]),
    ],
)
def test_what_only_its_own_parser_can_do_needs_trust(change: Change, tmp_path: Path) -> None:
    with pytest.raises(NotTrustedError, match="trust"):
        read_model(write_bundle(tmp_path, change))
