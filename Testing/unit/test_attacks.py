"""Models that want to do harm: each is refused with the reason, nothing is run, nothing is written elsewhere.

Archives have their own tests (test_archive), as have downloads (test_download) and the store
(test_attacks_on_the_store).
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import write_bundle
from MedAISegLib.app.model_sources import install_model
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats import read_model
from MedAISegLib.formats.checkpoint_facts import checkpoint_facts
from MedAISegLib.models.card import card_of
from MedAISegLib.models.store import models_home

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
load_state = pytest.importorskip("MedAISegLib.formats.checkpoint").load_state

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("unharmed")]

Config = dict[str, Any]


class Attack:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


class Evaluates(Attack):
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"open({str(self.canary)!r}, 'w')",)


WEIGHTS = {"w": torch.zeros(2)}
SHAPES: dict[str, Callable[[Any], Any]] = {
    "alone": lambda attack: attack,
    "beside plain weights": lambda attack: {**WEIGHTS, "x": attack},
    "model": lambda attack: {"model": WEIGHTS, "x": attack},
    "state_dict": lambda attack: {"state_dict": {**WEIGHTS, "x": attack}},
    "network_weights": lambda attack: {"network_weights": WEIGHTS, "trainer_name": attack},
    "module.": lambda attack: {"module.w": torch.zeros(2), "module.x": attack},
    "in a list": lambda attack: {"model": WEIGHTS, "config": {"a": [1, (attack,)]}},
    "as a key": lambda attack: {"model": WEIGHTS, "config": {(attack,): 1}},
}


@pytest.mark.parametrize("kind", [Attack, Evaluates])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_checkpoint_that_runs_code_is_refused(
    kind: type[Attack], shape: str, zipped: bool, suffix: str, tmp_path: Path, canary: Path
) -> None:
    path = tmp_path / f"model{suffix}"
    torch.save(SHAPES[shape](kind(canary)), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError) as caught:
        load_state(path)
    if suffix != ".safetensors":
        assert isinstance(caught.value, NotTrustedError), str(caught.value)
    with pytest.raises(ModelError):
        checkpoint_facts(path)


def test_a_bare_pickle_is_refused(tmp_path: Path, canary: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps({"model": Attack(canary)}))
    with pytest.raises(ModelError):
        load_state(tmp_path / "model.pt")


@pytest.mark.parametrize("place", ["network_def", "inferer", "preprocessing", "postprocessing"])
@pytest.mark.parametrize(
    "poison",
    [
        {"_target_": "os.system", "command": "touch CANARY"},
        {"_target_": "subprocess.run", "args": ["touch", "CANARY"]},
        {"_target_": "builtins.eval", "source": "open('CANARY', 'w')"},
        {"_target_": "torch.hub.load", "repo_or_dir": "CANARY", "model": "m", "source": "local"},
        {"_target_": "scripts.attack.Run"},
        {"_target_": "monai.utils.misc.os.system", "command": "touch CANARY"},
        "$__import__('os').system('touch CANARY')",
        "$open('CANARY', 'w')",
        "$[open(x, 'w') for x in ['CANARY']]",
        "$(lambda: open('CANARY', 'w'))()",
        "$torch.hub.load('CANARY', 'm', source='local')",
        "$().__class__.__base__.__subclasses__()",
        "$@network_def.__class__.__init__.__globals__['os'].system('touch CANARY')",
    ],
    ids=lambda poison: poison if isinstance(poison, str) else poison["_target_"],
)
def test_a_bundle_that_would_run_code_is_refused(poison: Any, place: str, tmp_path: Path, canary: Path) -> None:
    text = json.dumps(poison).replace("CANARY", str(canary))

    def change(_: Config, config: Config) -> None:
        if place.endswith("processing"):
            config[place]["transforms"].append(json.loads(text))
        else:
            config[place] = json.loads(text)

    root = write_bundle(tmp_path, change)
    (root / "scripts").mkdir()
    (root / "scripts" / "__init__.py").write_text(f"open({str(canary)!r}, 'w')")
    (root / "scripts" / "attack.py").write_text(f"open({str(canary)!r}, 'w')")
    with pytest.raises(ModelError):
        install_model(root)
    assert not models_home().exists() or list(models_home().iterdir()) == []


@pytest.mark.parametrize("key", ["imports", "initialize", "run", "_requires_", "device", "evaluator", "handlers"])
def test_what_a_bundle_does_beside_the_network_is_never_run(key: str, tmp_path: Path, canary: Path) -> None:
    def change(_: Config, config: Config) -> None:
        config[key] = [f"$open({str(canary)!r}, 'w')", {"_target_": "os.system", "command": f"touch {canary}"}]

    with contextlib.suppress(ModelError):
        read_model(write_bundle(tmp_path, change))


GROWING = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)
"""Nine to the eighth power items in a few lines."""
MERGING = "a0: &a0 {x: 1, y: 2}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 22))
"""Two to the power of 21 entries while it is read, and two when all is done; more levels would never end."""


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch CANARY']",
        "a: !!python/object/new:os.system ['touch CANARY']",
        "a: !!python/name:os.system",
        "a: !!python/module:os",
        "a: !attack {}",
        GROWING,
        MERGING,
        "a: &a {" + ", ".join(f"k{n}: 1" for n in range(999)) + "}\nb: {<<: [" + "*a, " * 9999 + "*a]}",
        "a: &a {<<: *a}",
        "a: 1" + ":00" * 300_000,
        "a: 1" + ":00" * 300_000 + ".5",
        "[" * 100_000,
        "a: " + "{b: " * 500 + "1" + "}" * 500,
    ],
)  # fmt: skip
def test_yaml_that_makes_objects_or_grows_is_refused(text: str, tmp_path: Path, canary: Path) -> None:
    root = write_bundle(tmp_path)
    (root / "configs" / "inference.json").unlink()
    (root / "configs" / "inference.yaml").write_text(text.replace("CANARY", str(canary)))
    with pytest.raises(ModelError):
        read_model(root)


@pytest.mark.parametrize("name", ["metadata.json", "inference.json"])
@pytest.mark.parametrize(
    "content", ["[" * 200_000, '{"a":' * 90 + "1" + "}" * 90, '{"a": "' + "x" * 3_000_000 + '"}', "{", "\x00", "3"]
)
def test_json_beyond_its_bounds_is_refused(name: str, content: str, tmp_path: Path) -> None:
    root = write_bundle(tmp_path)
    (root / "configs" / name).write_text(content)
    with pytest.raises(ModelError):
        read_model(root)


@pytest.mark.parametrize("name", ["model.json", "colormap.json", "medaiseg.json", "dataset.json", "plans.json"])
@pytest.mark.parametrize(
    "content", ["[" * 200_000, '{"a": "' + "x" * 80_000_000 + '"}', "{", "\x00", "3", '{"a": 1e999}']
)
def test_descriptions_of_the_other_formats_are_bounded(name: str, content: str, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for other in ("model.json", "dataset.json", "plans.json"):
        (folder / other).write_text("{}")
    torch.save(WEIGHTS, folder / "model.pth")
    (folder / name).write_text(content)
    with pytest.raises(ModelError):
        read_model(folder)


def names(metadata: Config) -> dict[str, str]:
    classes: dict[str, str] = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    return classes


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m, c: c["inferer"].update(roi_size=[10**6] * 3), "window"),
        (lambda m, c: c["inferer"].update(roi_size=[4096, 4096, 4096]), "window"),
        (lambda m, c: names(m).update({"2": "s" * 301}), "longer than 300"),
        (lambda m, c: names(m).update({"2": "spleen\x1b[2J"}), "control characters"),
        (lambda m, c: m.update(name="n" * 301), "longer than 300"),
        (lambda m, c: names(m).update({"1000000": "far"}), ""),
        (lambda m, c: names(m).update({str(n): f"s{n}" for n in range(70_000)}), ""),
    ],
)  # fmt: skip
def test_what_would_exhaust_the_machine_is_refused(change: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=why):
        read_model(write_bundle(tmp_path, change))


def scripted(folder: Path) -> Path:
    class Adds(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1

    path = folder / "model.ts"
    torch.jit.trace(Adds(), torch.zeros(1, 1, 8, 8, 8)).save(str(path))
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name", "ignore::DeprecationWarning")
@pytest.mark.parametrize("hidden", ["code", "twice", "pickle"])
def test_torchscript_that_hides_something_is_refused(hidden: str, tmp_path: Path, canary: Path) -> None:
    torchscript = pytest.importorskip("MedAISegLib.formats.medaiseg_bundle.torchscript")
    path = scripted(tmp_path)
    torchscript.require_harmless(path)
    with zipfile.ZipFile(path, "a") as file:
        if hidden == "code":
            code = f"def f(x: Tensor) -> Tensor:\n  torch.save([x], {str(canary)!r})\n  return x\n"
            file.writestr("model/code/__torch__/hidden.py", code)
        elif hidden == "twice":
            file.writestr("model/data.pkl", pickle.dumps(Attack(canary), protocol=2))
        else:
            file.writestr("model/hidden.pkl", pickle.dumps(Attack(canary), protocol=2))
    with pytest.raises(NotTrustedError):
        torchscript.open_torchscript(path)


def test_html_of_a_model_card_is_shown_as_text(tmp_path: Path) -> None:
    pytest.importorskip("MedAISegLib.slicer_ui.texts", reason="needs Slicer's modules", exc_type=ImportError)
    from MedAISegLib.slicer_ui.model_card_text import details_of, summary_of

    def change(metadata: Config, _: Config) -> None:
        metadata["name"] = metadata["description"] = metadata["intended_use"] = "<img src='file:///etc/passwd'>"
        names(metadata)["1"] = "<script>alert(1)</script>"

    card = card_of(read_model(write_bundle(tmp_path, change)).spec)
    for text in (summary_of(card, ""), details_of(card)):
        assert "<img" not in text
        assert "<script" not in text
