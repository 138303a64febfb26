"""A model of any format, exported as our own folder, gives the labels that it gave before; on a real CT."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.formats.medaiseg_bundle.writing import Exported, export_model
from MedAISegLib.formats.monai_bundle.architecture import NETWORKS
from MedAISegLib.models.spec import ModelSpec
from MedAISegLib.readers import read_images
from safetensors import safe_open

from Testing.format_samples import SAMPLES, SEVERAL_STAGES, bundle, conform_to_little
from Testing.totalsegmentators import describe_task, networks_of, published, write_task
from Testing.unit.test_monai_networks import ARGUMENTS, kinds

pytestmark = pytest.mark.engine

WRITERS = {name: sample.write for name, sample in SAMPLES.items()} | SEVERAL_STAGES
LENGTHS = (20, 36, 40)


@pytest.fixture(scope="module")
def crop(shared_data: Path) -> Volume:
    """A piece of a real CT with its own geometry: spleen, fat, bone and air."""
    (volume,) = read_images(shared_data / "ct_spleen" / "spleen_2_crop_ct.nii.gz")
    start = [(whole - length) // 2 for whole, length in zip(volume.voxels.shape, LENGTHS, strict=True)]
    box = tuple(slice(first, first + length) for first, length in zip(start, LENGTHS, strict=True))
    affine = volume.geometry.affine_lps.copy()
    affine[:3, 3] = (affine @ [*start, 1])[:3]
    return Volume(np.ascontiguousarray(volume.voxels[box]), VolumeGeometry(LENGTHS, affine))


@pytest.fixture(autouse=True, scope="module")
def _small_heads() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        conform_to_little(patch)
        yield


def export(path: Path, folder: Path) -> Exported:
    return export_model(read_model(path), path, folder)


@pytest.fixture(scope="module", params=WRITERS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Exported]:
    """A model by the name of its sample, and what was exported of it."""
    pytest.importorskip("dynamic_network_architectures")
    if "ONNX" in request.param:
        pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("models")
    path = WRITERS[request.param](folder)
    return request.param, path, export(path, folder / "shared")


def labels_of(path: Path, image: Volume) -> np.ndarray[Any, Any]:
    source = read_model(path)
    case = Case({channel.name: image for channel in source.spec.channels})
    return segment(case, source.spec, source.build_networks(), device="cpu").layers


def said_of_itself(spec: ModelSpec) -> tuple[object, ...]:
    return spec.segments, spec.channels, spec.license, spec.commercial_use, spec.citation, spec.intended_use


def test_labels_names_codes_and_licence_stay(shared: tuple[str, Path, Exported], crop: Volume) -> None:
    _, path, result = shared
    exported = result.folder
    before, after = labels_of(path, crop), labels_of(exported, crop)
    assert before.any()
    np.testing.assert_array_equal(after, before)
    assert said_of_itself(read_model(exported).spec) == said_of_itself(read_model(path).spec)
    assert read_model(exported).spec.format == "medaiseg_bundle"
    assert (exported / "LICENSE").is_file() == (path / "LICENSE").is_file()


def test_what_has_a_name_becomes_weights_without_any_code(shared: tuple[str, Path, Exported]) -> None:
    name, _, exported = shared
    by_name = name in SEVERAL_STAGES or SAMPLES[name].by_name
    kinds_of_files = {file.suffix for file in exported.folder.rglob("*") if file.is_file() and file.suffix}
    if by_name:
        assert kinds_of_files == {".json", ".safetensors"}
        assert any("no code" in notice.message or "our own layout" in notice.message for notice in exported.notices)
    else:
        assert kinds_of_files & {".ts", ".onnx"}
        assert any("as it is" in notice.message or "as it was" in notice.message for notice in exported.notices)


def test_each_fold_has_a_file_of_its_own_and_each_weight_is_there_once(tmp_path: Path) -> None:
    pytest.importorskip("dynamic_network_architectures")
    path = SAMPLES["nnU-Net of slices"].write(tmp_path)
    exported = export(path, tmp_path / "shared").folder
    files = sorted(exported.glob("*.safetensors"))
    assert len(files) == 2
    assert len(json.loads((exported / "medaiseg.json").read_text())["networks"][0]) == 2
    for file, network in zip(files, read_model(path).build_networks()[0], strict=True):
        parameters = sum(value.numel() for value in network.parameters())
        with safe_open(file, "pt") as content:
            stored = sum(content.get_tensor(key).numel() for key in content.keys())  # noqa: SIM118
        assert stored == parameters


def test_a_wide_head_stays_apart_from_its_trunk(tmp_path: Path) -> None:
    """Without that, the scores of all classes of a whole head would be held at once."""
    from MedAISegLib.engine.windows import WideHeadNetwork

    exported = export(SAMPLES["MeshNet"].write(tmp_path), tmp_path / "shared").folder
    ((network,),) = read_model(exported).build_networks()
    assert isinstance(network, WideHeadNetwork)


@pytest.mark.parametrize(
    "task",
    [
        "totalsegmentator_vertebrae_body",
        pytest.param("totalsegmentator_total", marks=pytest.mark.slow),
        pytest.param("totalsegmentator_lung_vessels", marks=pytest.mark.slow),
    ],
)
def test_a_task_of_totalsegmentator_with_all_its_networks(task: str, crop: Volume, tmp_path: Path) -> None:
    """What one finds and another sees the surroundings of; five that paint one result; one with a label of its own."""
    pytest.importorskip("dynamic_network_architectures")
    root = write_task(tmp_path / task, task)
    describe_task(root, task)
    exported = export(root, tmp_path / "shared").folder
    assert len(list(exported.glob("*.safetensors"))) == len(list(networks_of(published(task))))
    before = labels_of(root, crop)
    assert before.any()
    np.testing.assert_array_equal(labels_of(exported, crop), before)
    assert said_of_itself(read_model(exported).spec) == said_of_itself(read_model(root).spec)


def of_monai(name: str) -> dict[str, Any]:
    arguments = json.loads(json.dumps(ARGUMENTS[name])) | {NETWORKS[name]: 3}
    if name == "DiNTS":
        part = {"_target_": "TopologyInstance", "num_blocks": 4, "num_depths": 2, "spatial_dims": 3, "device": "cpu"}
        arguments["dints_space"] = part
    return {"_target_": name, **arguments}


ALL_OF_MONAI = sorted({kind for kind in kinds().values() if kind in NETWORKS})
QUICK = ("BasicUNet", "DynUNet")


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in ALL_OF_MONAI])
def test_every_network_of_monai_is_exported_as_weights(name: str, crop: Volume, tmp_path: Path) -> None:
    torch.manual_seed(2)
    length = 64 if name == "SwinUNETR" else 32
    path = bundle(tmp_path, of_monai(name), (length, length, length))
    exported = export(path, tmp_path / "shared").folder
    assert list(exported.glob("*.safetensors"))
    np.testing.assert_array_equal(labels_of(exported, crop), labels_of(path, crop))
