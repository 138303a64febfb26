"""Bundles that want their code run: nothing of it is before the trust, and trust allows no more than was trusted."""

from __future__ import annotations

import errno
import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from bundles import write_bundle
from coded_bundles import SCRIPT, STATE, scan, write_coded
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.app.segment import run
from MedAISegLib.core.errors import ModelError, NotTrustedError, ResourceError
from MedAISegLib.formats import read_model
from MedAISegLib.models import installing
from MedAISegLib.models.store import models_home
from MedAISegLib.models.trust import content_sha256, is_trusted, trust_model

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("canary")]

Config = dict[str, Any]


def touch(canary: Path) -> str:
    return f"open({str(canary)!r}, 'w')"


def require_untouched(root: Path, canary: Path, *, named: str = "") -> None:
    """Neither reading nor installing nor running the model runs anything of it, and it says what it would run."""
    modules = set(sys.modules)
    with pytest.raises(NotTrustedError) as caught:
        read_model(root)
    assert named in str(caught.value)
    with pytest.raises(NotTrustedError):
        install_model(root)
    with pytest.raises(NotTrustedError):
        run(SegmentationJob(str(root), device="cpu"), (scan(),))
    assert not canary.exists()
    assert not {name for name in set(sys.modules) - modules if name.partition(".")[0] == "scripts"}
    assert not models_home().exists() or list(models_home().iterdir()) == []


PLACES = ("network_def", "inferer", "preprocessing", "postprocessing")
POISONS = {
    "system": "$__import__('os').system('touch CANARY')",
    "system by name": {"_target_": "os.system", "command": "touch CANARY"},
    "subprocess": {"_target_": "subprocess.run", "args": ["touch", "CANARY"]},
    "eval": {"_target_": "builtins.eval", "source": "open('CANARY', 'w')"},
    "eval without a module": {"_target_": "eval", "source": "open('CANARY', 'w')"},
    "hub": {"_target_": "torch.hub.load", "repo_or_dir": "CANARY", "model": "m", "source": "local"},
    "script": {"_target_": "scripts.own.Scores", "out_channels": 3},
    "a module that MONAI imports": {
        "_target_": "monai.apps.auto3dseg.bundle_gen.subprocess.Popen",
        "args": ["touch", "CANARY"],
    },
    "system of a module that MONAI imports": "$monai.config.deviceconfig.os.system(command='touch CANARY')",
    "subclasses": "$[c for c in ().__class__.__base__.__subclasses__()]",
    "import": "$import scripts.own",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("poison", POISONS)
def test_what_is_evaluated_or_built_waits_for_trust(poison: str, place: str, tmp_path: Path, canary: Path) -> None:
    entry = json.loads(json.dumps(POISONS[poison]).replace("CANARY", str(canary)))

    def change(_: Config, config: Config) -> None:
        if place.endswith("processing"):
            config[place]["transforms"].append(entry)
        else:
            config[place] = entry

    named = entry["_target_"] if isinstance(entry, dict) else entry.removeprefix("$")[:30]
    named = "scripts.own" if poison == "import" else named
    script = SCRIPT + f"\n{touch(canary)}\n"
    require_untouched(write_coded(tmp_path, change, script), canary, named=named)


@pytest.mark.parametrize(
    "key", ["imports", "import", "initialize", "run", "_requires_", "handlers", "evaluator", "dataset", "x"]
)
def test_what_stands_beside_waits_for_trust_as_well(key: str, tmp_path: Path, canary: Path) -> None:
    def change(_: Config, config: Config) -> None:
        config[key] = [f"${touch(canary)}", {"_target_": "os.system", "command": f"touch {canary}"}, "$import scripts"]

    require_untouched(write_coded(tmp_path, change, f"{SCRIPT}\n{touch(canary)}\n"), canary)


def test_an_evaluator_of_its_own_is_named(tmp_path: Path, canary: Path) -> None:
    def change(_: Config, config: Config) -> None:
        config["evaluator"] = {"_target_": "scripts.own.Judge"}

    require_untouched(write_coded(tmp_path, change), canary, named="scripts.own.Judge")


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system ['touch CANARY']", "a: !!python/module:scripts"])
def test_tags_of_yaml_are_refused_even_with_trust(text: str, tmp_path: Path, canary: Path) -> None:
    root = write_coded(tmp_path)
    (root / "configs" / "inference.json").unlink()
    (root / "configs" / "inference.yaml").write_text(text.replace("CANARY", str(canary)))
    trust_model(root)
    with pytest.raises(ModelError, match="no YAML"):
        read_model(root)
    assert not canary.exists()


class Attack:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("content", [lambda attack: attack, lambda attack: {"model": STATE, "x": attack}])
def test_trust_is_none_in_weights_that_hold_code(content: Any, tmp_path: Path, canary: Path) -> None:
    root = write_coded(tmp_path)
    torch.save(content(Attack(canary)), root / "models" / "model.pt")
    trust_model(root)
    with pytest.raises(NotTrustedError, match="weights' file holds code"):
        read_model(root).build_networks()
    assert not canary.exists()


@pytest.mark.parametrize("path", ["../outside.pt", "/etc/passwd", "$@bundle_root + '/../outside.pt'"])
def test_weights_come_from_the_bundle_even_with_trust(path: str, tmp_path: Path) -> None:
    def change(_: Config, config: Config) -> None:
        config["network"] = "$@network_def.to(@device)"
        config["checkpointloader"] = {
            "_target_": "CheckpointLoader", "load_path": path, "load_dict": {"model": "@network"},
        }  # fmt: skip

    root = write_coded(tmp_path, change)
    torch.save(STATE, tmp_path / "outside.pt")
    trust_model(root)
    with pytest.raises(ModelError, match="outside of the bundle"):
        read_model(root).build_networks()


def test_metadata_cannot_say_that_the_bundle_lies_elsewhere(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "scripts").mkdir(parents=True)
    (other / "scripts" / "own.py").write_text("raise RuntimeError('of another folder')")
    root = write_coded(tmp_path, lambda _, config: config.update(bundle_root=str(other)))
    trust_model(root)
    segmentation, _ = run(SegmentationJob(str(root), device="cpu"), (scan(),))
    assert segmentation.layers.any()


def test_trust_is_no_file_that_a_model_could_bring(tmp_path: Path, canary: Path) -> None:
    root = write_coded(tmp_path, script=f"{SCRIPT}\n{touch(canary)}\n")
    entry = {"trusted": {content_sha256(root): {"models": [root.name], "given": ""}}, "trust": True}
    for place in (root, root / "configs"):
        (place / "trust.json").write_text(json.dumps(entry))
    require_untouched(root, canary)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"trusted": true}', '{"trusted": [1]}', "\x00", '{"trusted": {"": {}}}']
)
def test_a_damaged_record_trusts_nothing(content: str, tmp_path: Path, canary: Path) -> None:
    root = write_coded(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trust.json").write_text(content)
    require_untouched(root, canary)


def test_trust_in_one_model_is_none_in_its_namesake(tmp_path: Path, canary: Path) -> None:
    trust_model(write_coded(tmp_path / "good"))
    require_untouched(write_coded(tmp_path / "bad", script=f"{SCRIPT}\n{touch(canary)}\n"), canary)


@pytest.mark.parametrize("linked", ["scripts", "scripts/own.py", "scripts/more", "models"])
def test_what_a_link_leads_to_is_never_trusted(linked: str, tmp_path: Path) -> None:
    root = write_coded(tmp_path)
    place, elsewhere = root / linked, tmp_path / "elsewhere"
    if place.exists():
        place.rename(elsewhere)
    else:
        elsewhere.mkdir()
    place.symlink_to(elsewhere)
    trust_model(root)
    with pytest.raises(ModelError, match="link") as caught:
        read_model(root)
    assert not isinstance(caught.value, NotTrustedError)


def test_a_model_that_cannot_be_installed_leaves_no_trust_behind(tmp_path: Path) -> None:
    root = write_coded(tmp_path)
    torch.save({"other": torch.zeros(1)}, root / "models" / "model.pt")
    with pytest.raises(ModelError):
        install_model(root, InstallOptions(trust=True))
    assert not is_trusted(root)
    # Trust that it had before is not taken away by that.
    trust_model(root)
    with pytest.raises(ModelError):
        install_model(root, InstallOptions(trust=True))
    assert is_trusted(root)


def test_trust_comes_with_the_model_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, record = write_coded(tmp_path), tmp_path / "home" / "trust.json"

    def put_in_place(*_: Path) -> None:
        assert not record.exists()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(installing, "_swap_in", put_in_place)
        with pytest.raises(ResourceError):
            install_model(root, InstallOptions(trust=True))
    assert not is_trusted(root)
    install_model(root, InstallOptions(trust=True))
    assert is_trusted(root)


def test_a_symlinked_store_holds_models_as_any_other(tmp_path: Path, canary: Path) -> None:
    real = tmp_path / "real_store"
    real.mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "models").symlink_to(real)
    install_model(write_coded(tmp_path), InstallOptions(trust=True))
    segmentation, _ = run(SegmentationJob("two_organs", device="cpu"), (scan(),))
    assert segmentation.layers.any()
    # Whoever can put another store in its place does not get at the trust.
    other = tmp_path / "other_store"
    other.mkdir()
    write_coded(other, script=f"{SCRIPT}\n{touch(canary)}\n")
    (tmp_path / "home" / "models").unlink()
    (tmp_path / "home" / "models").symlink_to(other)
    with pytest.raises(NotTrustedError):
        run(SegmentationJob("two_organs", device="cpu"), (scan(),))
    assert not canary.exists()


def test_bytecode_is_trusted_like_any_file(tmp_path: Path, canary: Path) -> None:
    root = write_coded(tmp_path)
    trust_model(root)
    cache = root / "scripts" / "__pycache__"
    cache.mkdir()
    (cache / f"own.{sys.implementation.cache_tag}.pyc").write_bytes(pickle.dumps(Attack(canary)))
    require_untouched(root, canary)


def test_a_plain_bundle_asks_for_no_trust_and_its_scripts_never_run(tmp_path: Path, canary: Path) -> None:
    root = write_bundle(tmp_path, lambda _, config: config.update(imports=["$import scripts.own"]))
    (root / "scripts").mkdir()
    (root / "scripts" / "own.py").write_text(touch(canary))
    trust_model(root)
    assert not read_model(root).spec.own_code
    assert not canary.exists()
