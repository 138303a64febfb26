"""Bundles whose network is TorchScript: beside their description, or with it inside, as MONAI exports them."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from bundles import METADATA, write_bundle
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats import monai_bundle, read_model

torch = pytest.importorskip("torch")
nets = pytest.importorskip("monai.networks.nets")

pytestmark = pytest.mark.engine

NETWORK = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2]}
OWN = {"_target_": "scripts.networks.Mine"}
VALUES = torch.rand(1, 1, 16, 16, 8)


def network(**other: Any) -> Any:
    torch.manual_seed(3)
    return nets.UNet(**{**NETWORK, **other}).eval()


def folder(tmp_path: Path, definition: dict[str, Any] | None = None) -> Path:
    root = write_bundle(
        tmp_path, lambda _, config: config.update(network_def=definition or {"_target_": "UNet", **NETWORK})
    )
    (root / "models").mkdir()
    return root


def export(root: Path, path: Path, **other: Any) -> Path:
    """What ``monai.bundle ckpt_export`` writes: the network, and the files of the description as JSON."""
    description = {
        f"{name}.json": (root / "configs" / f"{name}.json").read_bytes() for name in ("metadata", "inference")
    }
    torch.jit.save(torch.jit.script(network(**other)), path, description)
    return path


def assert_runs(path: Path) -> None:
    ((opened,),) = monai_bundle.read(path).build_networks()
    assert not opened.training
    with torch.inference_mode():
        torch.testing.assert_close(opened(VALUES), network()(VALUES))


def test_a_lone_file_is_a_model(tmp_path: Path) -> None:
    path = export(folder(tmp_path), tmp_path / "two.ts")
    spec = read_model(path).spec
    assert (spec.id, spec.name, spec.format) == ("two", "Two organs", "monai_bundle")
    assert [segment.name for segment in spec.segments] == ["liver", "spleen"]
    assert spec.stages == read_model(folder_with_weights(tmp_path)).spec.stages
    assert_runs(path)


def folder_with_weights(tmp_path: Path) -> Path:
    root = tmp_path / "two_organs"
    torch.save(network().state_dict(), root / "models" / "model.pt")
    return root


def test_the_hash_of_a_lone_file_is_of_that_file(tmp_path: Path) -> None:
    path = export(folder(tmp_path), tmp_path / "two.ts")
    before = read_model(path).spec.sha256
    (tmp_path / "other.txt").write_text("beside")
    assert read_model(path).spec.sha256 == before
    export(tmp_path / "two_organs", path, channels=[8, 8])
    assert read_model(path).spec.sha256 != before


def test_a_folder_may_hold_nothing_but_the_file(tmp_path: Path) -> None:
    source, root = folder(tmp_path), tmp_path / "only"
    (root / "models").mkdir(parents=True)
    export(source, root / "models" / "model.ts")
    assert read_model(root).spec.id == "only"
    assert_runs(root)


def test_torchscript_stands_in_for_weights_that_are_missing(tmp_path: Path) -> None:
    root = folder(tmp_path)
    export(root, root / "models" / "model.ts")
    assert_runs(root)


def test_weights_go_before_torchscript(tmp_path: Path) -> None:
    root = folder(tmp_path)
    export(root, root / "models" / "model.ts", channels=[8, 8])
    folder_with_weights(tmp_path)
    assert_runs(root)


@pytest.mark.parametrize("definition", [OWN, "$torch.jit.load(@bundle_root + '/models/model.ts')"])
def test_torchscript_stands_in_for_a_network_of_the_bundles_own(tmp_path: Path, definition: Any) -> None:
    root = folder(tmp_path, definition)
    with pytest.raises(NotTrustedError, match="own code"):
        monai_bundle.read(root)
    export(root, root / "models" / "model.ts")
    assert_runs(root)


def test_a_flat_network_of_the_bundles_own_is_known_by_the_metadata(tmp_path: Path) -> None:
    def change(metadata: dict[str, Any], config: dict[str, Any]) -> None:
        metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] = [64, 64]
        config.update(network_def=OWN, inferer={"_target_": "SimpleInferer"})
        config["preprocessing"]["transforms"].pop()

    root = write_bundle(tmp_path, change)
    (root / "models").mkdir()
    export(root, root / "models" / "model.ts", spatial_dims=2)
    ((opened,),) = monai_bundle.read(root).build_networks()
    assert opened(VALUES[..., :1]).shape == (1, 3, 16, 16, 1)


def test_metadata_without_classes_does_not_do_for_a_network_of_the_bundles_own(tmp_path: Path) -> None:
    root = folder(tmp_path, OWN)
    export(root, root / "models" / "model.ts")
    (root / "configs" / "metadata.json").write_text(json.dumps({"name": "No facts"}))
    with pytest.raises(ModelError, match="how many channels and classes"):
        monai_bundle.read(root)


def test_another_number_of_classes_than_described_is_an_error(tmp_path: Path) -> None:
    root = folder(tmp_path)
    export(root, root / "models" / "model.ts", out_channels=2)
    ((opened,),) = monai_bundle.read(root).build_networks()
    with pytest.raises(ModelError, match="2 classes"):
        opened(VALUES)


class Writes(torch.nn.Module):
    """Leaves a file behind."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        torch.save(values, "never-written")
        return values


def test_a_file_that_does_more_than_compute_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path)
    torch.jit.save(torch.jit.script(Writes()), root / "models" / "model.ts")
    with pytest.raises(NotTrustedError, match="no network needs"):
        monai_bundle.read(root).build_networks()


def test_a_lone_file_that_needs_code_cannot_be_trusted(tmp_path: Path) -> None:
    root = folder(tmp_path)
    config = json.loads((root / "configs" / "inference.json").read_text())
    config["preprocessing"]["transforms"].append({"_target_": "scripts.Mine", "keys": "image"})
    (root / "configs" / "inference.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="code of the model's own") as refused:
        read_model(export(root, tmp_path / "two.ts"))
    assert not isinstance(refused.value, NotTrustedError)


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b'{"a": "' + b"x" * 3_000_000 + b'"}', b'{"a":' * 70 + b"1" + b"}" * 70]
)
def test_a_damaged_description_inside_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "two.ts"
    torch.jit.save(torch.jit.script(network()), path, {"metadata.json": b"{}", "inference.json": content})
    with pytest.raises(ModelError, match=r"two.ts/inference.json"):
        read_model(path)


def test_a_description_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    path = export(folder(tmp_path), tmp_path / "two.ts")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(next(n for n in archive.namelist() if n.endswith("inference.json")), "{}")
    with pytest.raises(ModelError, match="several times"):
        read_model(path)


def test_other_files_of_that_ending_are_no_bundles(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(network()), tmp_path / "plain.ts")
    (tmp_path / "text.ts").write_text("export const a = 1;")
    shutil.make_archive(str(tmp_path / "zip"), "zip", tmp_path, "text.ts")
    (tmp_path / "zip.zip").rename(tmp_path / "zip.ts")
    for name in ("plain.ts", "text.ts", "zip.ts"):
        assert not monai_bundle.recognises(tmp_path / name)


def test_monais_own_export_is_read(tmp_path: Path) -> None:
    scripts = pytest.importorskip("monai.bundle.scripts")
    root = folder(tmp_path)
    folder_with_weights(tmp_path)
    path = tmp_path / "exported.ts"
    scripts.ckpt_export(
        net_id="network_def",
        filepath=str(path),
        ckpt_file=str(root / "models" / "model.pt"),
        meta_file=str(root / "configs" / "metadata.json"),
        config_file=str(root / "configs" / "inference.json"),
        key_in_ckpt="",
        use_trace=False,
    )
    assert read_model(path).spec.name == METADATA["name"]
    assert_runs(path)
