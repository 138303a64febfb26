"""What every model format owes: read whole or refused with a reason, never a bare exception, whichever there are."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MedAISegLib.app.model_sources import InstallOptions, install_model
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import ModelError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.records import from_json, to_json
from MedAISegLib.core.volume import Volume
from MedAISegLib.formats import FORMATS, read_model
from MedAISegLib.models.receipts import require_unchanged
from MedAISegLib.models.spec import ModelSpec
from MedAISegLib.models.store import find_model, installed_models, models_home

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("dynamic_network_architectures")
samples = pytest.importorskip("Testing.format_samples")

pytestmark = pytest.mark.engine

SAMPLES: dict[str, Any] = samples.SAMPLES
ONE_OF_EACH = {sample.format: name for name, sample in reversed(SAMPLES.items())}
every_sample = pytest.mark.parametrize("name", SAMPLES)
DEEP = '{"networks": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    samples.conform_to_little(monkeypatch)


@pytest.fixture
def model(name: str, tmp_path: Path) -> Path:
    """The sample, as it should be."""
    if SAMPLES[name].weights.endswith(".onnx"):
        pytest.importorskip("onnxruntime")
    (tmp_path / "given").mkdir()
    path: Path = SAMPLES[name].write(tmp_path / "given")
    return path


def image_for(spec: ModelSpec, shape: tuple[int, int, int] = (18, 20, 22)) -> Case:
    """Oblique, with other lengths and spacings along each axis, so that a wrong order of axes cannot go unnoticed."""
    turn = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([1.5, 1.0, 1.2])
    affine[:3, 3] = 5, -20, 40
    values = np.random.default_rng(3).normal(0, 100, shape).astype(np.float32)
    return Case({channel.name: Volume(values, VolumeGeometry(shape, affine)) for channel in spec.channels})


def labels_of(path: Path) -> np.ndarray[Any, Any]:
    from MedAISegLib.engine.run import segment

    source = read_model(path)
    return segment(image_for(source.spec), source.spec, source.build_networks(), device="cpu").layers


def refusal(path: Path) -> ModelError:
    """What a user is told, wherever the damage shows: reading or building, and no later."""
    with pytest.raises(ModelError) as caught:
        read_model(path).build_networks()
    error = caught.value
    assert error.what
    assert error.where
    assert error.remedy, str(error)
    assert "Error(" not in str(error)
    return error


def test_every_format_of_the_registry_has_a_sample() -> None:
    assert set(FORMATS) == set(samples.formats_of(SAMPLES))


@every_sample
def test_one_format_recognises_it_and_no_other(name: str, model: Path) -> None:
    claimed = [format_name for format_name, place in FORMATS.items() if import_module(place).recognises(model)]
    assert claimed == [SAMPLES[name].format]
    assert read_model(model).spec.format == SAMPLES[name].format


@every_sample
def test_its_spec_is_the_same_after_json(name: str, model: Path) -> None:
    spec = read_model(model).spec
    assert from_json(ModelSpec, to_json(spec)) == spec
    assert len(spec.sha256) == 64
    assert spec.segments
    assert spec.channels


@every_sample
def test_its_labels_lie_on_the_grid_of_the_image_and_are_the_same_again(name: str, model: Path) -> None:
    spec = read_model(model).spec
    found = labels_of(model)
    assert found.shape[1:] == image_for(spec).geometry.shape_kji
    assert set(np.unique(found)) <= {0, *(segment.label_value for segment in spec.segments)}
    assert len(np.unique(found)) > 1
    np.testing.assert_array_equal(labels_of(model), found)


@every_sample
def test_its_networks_are_on_the_cpu_and_do_not_train(name: str, model: Path) -> None:
    source = read_model(model)
    built = source.build_networks()
    assert len(built) == len(source.spec.stages)
    for network in (network for members in built for network in members):
        assert not network.training
        assert {value.device.type for value in network.state_dict().values()} <= {"cpu"}


@every_sample
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_weights_that_break_off_are_refused(name: str, share: float, model: Path) -> None:
    file = model / SAMPLES[name].weights
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    refusal(model)


@every_sample
@pytest.mark.parametrize("content", [b"no weights\n" * 100, bytes(5000)], ids=["text", "zeros"])
def test_weights_that_are_something_else_are_refused(name: str, content: bytes, model: Path) -> None:
    (model / SAMPLES[name].weights).write_bytes(content)
    refusal(model)


@pytest.mark.parametrize(("name", "file"), [(n, file) for n, sample in SAMPLES.items() for file in sample.needed])
def test_what_is_missing_is_named_or_it_is_no_model_at_all(name: str, file: str, model: Path) -> None:
    (model / file).unlink()
    refusal(model)


@every_sample
def test_labels_for_another_number_of_classes_are_refused(name: str, model: Path) -> None:
    SAMPLES[name].other_labels(model)
    refusal(model)


@every_sample
def test_a_key_that_nobody_knows_is_refused(name: str, model: Path) -> None:
    SAMPLES[name].unknown(model)
    assert "flavour" in str(refusal(model))


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.json])
@pytest.mark.parametrize("content", [DEEP, "", "[]", "{", '"text"', "\x00", "{}"])
def test_a_description_of_another_make_is_refused(name: str, content: str, model: Path) -> None:
    (model / SAMPLES[name].json).write_text(content, encoding="utf-8")
    refusal(model)


@pytest.mark.parametrize("name", sorted(set(SAMPLES) & {"nnU-Net", "Auto3DSeg", "MeshNet"}))
@pytest.mark.parametrize("content", [DEEP, "{", "[]", '{"flavour": 1}'])
def test_what_is_told_beside_it_is_held_to_the_same(name: str, content: str, model: Path) -> None:
    (model / "medaiseg.json").write_text(content, encoding="utf-8")
    refusal(model)


@pytest.mark.usefixtures("tried_here", "run_plainly")
@every_sample
def test_it_is_installed_verified_and_removed(name: str, model: Path, tmp_path: Path) -> None:
    from MedAISegLib.models.installing import remove_model

    expected = labels_of(model)
    installed, _ = install_model(model)
    assert find_model(installed.id) == models_home() / installed.id
    assert require_unchanged(installed)
    np.testing.assert_array_equal(labels_of(installed.path), expected)
    (installed.path / SAMPLES[name].weights).write_bytes(b"changed")
    with pytest.raises(ModelError, match="changed since"):
        require_unchanged(installed)
    remove_model(installed.id)
    assert installed.id not in {one.id for one in installed_models()}


@pytest.mark.usefixtures("tried_here")
@pytest.mark.parametrize("name", ONE_OF_EACH.values())
def test_a_damaged_update_from_an_archive_leaves_the_installed_one_as_it_was(name: str, model: Path) -> None:
    whole = Path(shutil.make_archive(str(model), "zip", model.parent, model.name))
    installed, _ = install_model(whole)
    (model / SAMPLES[name].weights).write_bytes(b"no weights")
    damaged = shutil.make_archive(str(model.parent / "damaged" / model.name), "zip", model.parent, model.name)
    with pytest.raises(ModelError):
        install_model(damaged, InstallOptions(overwrite=True))
    assert require_unchanged(installed)
    assert [one.name for one in models_home().iterdir() if not one.name.startswith(".")] == [installed.id]
