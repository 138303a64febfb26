"""Bundles that average several networks: MONAI's EnsembleEvaluator and MeanEnsembled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundles import Change, inference, postprocessing, write_bundle
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.formats.monai_bundle import read
from MedAISegLib.models.operations import Interpolation
from MedAISegLib.models.spec import Activation, Argmax, Averaging, InferenceStage, Restore, RestoreOrder, Threshold

torch = pytest.importorskip("torch")
nets = pytest.importorskip("monai.networks.nets")
safetensors_torch = pytest.importorskip("safetensors.torch")

pytestmark = pytest.mark.engine

KINDS = {
    "UNet": {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2]},
    "SegResNet": {
        "spatial_dims": 3, "in_channels": 1, "out_channels": 3, "init_filters": 8, "blocks_down": [1, 1],
        "blocks_up": [1],
    },
}  # fmt: skip
MEAN = {"_target_": "MeanEnsembled", "keys": "@pred_keys", "output_key": "pred"}
SOFTMAX = {"_target_": "Activationsd", "keys": "@pred_keys", "softmax": True}
ARGMAX = {"_target_": "AsDiscreted", "argmax": True}


def loader(number: int) -> dict[str, Any]:
    return {
        "_target_": "CheckpointLoader",
        "load_path": f"$@bundle_root + '/models/network_{number}.pt'",
        "load_dict": {"model": f"@network_{number}"},
    }


def ensemble(*changes: Change) -> Change:
    """The bundle of this suite, with two networks of different architectures."""

    def change(metadata: dict[str, Any], config: dict[str, Any]) -> None:
        del config["network_def"]
        for number, (name, arguments) in enumerate(KINDS.items()):
            config[f"network_def_{number}"] = {"_target_": name, **arguments}
            config[f"network_{number}"] = f"$@network_def_{number}.to(@device)"
            config[f"checkpointloader_{number}"] = loader(number)
        config["pred_keys"] = ["pred0", "pred1"]
        config["evaluator"] = {
            "_target_": "EnsembleEvaluator",
            "device": "@device",
            "networks": ["@network_0", "@network_1"],
            "pred_keys": "@pred_keys",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        }
        config["inferer"]["roi_size"] = [16, 16, 8]
        postprocessing(MEAN, SOFTMAX | {"keys": "pred"}, ARGMAX)(metadata, config)
        for one in changes:
            one(metadata, config)

    return change


def evaluator(**entries: Any) -> Change:
    return lambda _, config: config["evaluator"].update(entries)


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., InferenceStage]:
    """Compiles the ensemble, changed."""
    return lambda *changes: read(write_bundle(tmp_path, ensemble(*changes))).spec.stages[0]


def test_a_mean_of_scores_is_the_engines_plain_mean(stage: Callable[..., InferenceStage]) -> None:
    compiled = stage()
    assert compiled.averaging == Averaging()
    assert compiled.decision == Argmax()
    assert compiled.restore.activation is Activation.SOFTMAX


def test_what_comes_before_the_mean_is_applied_to_each_network(stage: Callable[..., InferenceStage]) -> None:
    compiled = stage(postprocessing(SOFTMAX, MEAN, ARGMAX))
    assert compiled.averaging == Averaging(Activation.SOFTMAX)
    assert compiled.restore.activation is Activation.NONE


def test_each_network_may_have_its_own_entry_for_the_same_activation(stage: Callable[..., InferenceStage]) -> None:
    each = [SOFTMAX | {"keys": key} for key in ("pred0", "pred1")]
    assert stage(postprocessing(*each, MEAN, ARGMAX)).averaging == Averaging(Activation.SOFTMAX)


def test_sigmoids_that_are_averaged_decide_class_by_class(stage: Callable[..., InferenceStage]) -> None:
    sigmoid = {"_target_": "Activationsd", "keys": "@pred_keys", "sigmoid": True}
    compiled = stage(postprocessing(sigmoid, MEAN))
    assert compiled.averaging == Averaging(Activation.SIGMOID)
    assert compiled.decision == Threshold((0, 2, 3), 0.5)


def test_the_way_back_may_come_before_the_mean(stage: Callable[..., InferenceStage]) -> None:
    invert = {"_target_": "Invertd", "keys": "@pred_keys", "transform": "@preprocessing", "nearest_interp": False}
    compiled = stage(postprocessing(SOFTMAX, invert, MEAN, ARGMAX))
    assert compiled.restore == Restore(Activation.NONE, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.LINEAR)


def test_weights_follow_the_networks_not_the_order_of_the_keys(stage: Callable[..., InferenceStage]) -> None:
    mean = MEAN | {"keys": ["pred1", "pred0"], "weights": [3, 1]}
    assert stage(postprocessing(mean, ARGMAX)).averaging == Averaging(weights=(1.0, 3.0))


def test_predictions_have_monais_names_where_the_bundle_names_none(stage: Callable[..., InferenceStage]) -> None:
    mean = MEAN | {"keys": ["pred_0", "pred_1"]}
    assert stage(evaluator(pred_keys=None), postprocessing(mean, ARGMAX)).averaging == Averaging()


def test_networks_and_loaders_may_stand_in_lists(tmp_path: Path) -> None:
    def in_lists(_: dict[str, Any], config: dict[str, Any]) -> None:
        config["networks"] = [config.pop(f"network_def_{n}") for n in range(2)]
        config["evaluator"]["networks"] = "@networks"
        config["handlers"] = [config.pop(f"checkpointloader_{n}") for n in range(2)]
        for n, entry in enumerate(config["handlers"]):
            entry["load_dict"] = {"model": f"@networks#{n}"}

    root = write_bundle(tmp_path, ensemble(in_lists))
    states = write_weights(root)
    assert_built_with(root, states)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (postprocessing(ARGMAX), "several networks without MeanEnsembled"),
        (postprocessing(MEAN | {"_target_": "VoteEnsembled"}, ARGMAX), "VoteEnsemble before the mean"),
        (postprocessing(MEAN | {"keys": ["pred0"]}, ARGMAX), "takes pred0 of the predictions pred0, pred1"),
        (postprocessing(MEAN | {"output_key": None}, ARGMAX), "does not name its result"),
        (postprocessing(MEAN | {"weights": [[1, 2, 3], [3, 2, 1]]}, ARGMAX), "not one number a network"),
        (postprocessing(MEAN | {"weights": [1, 2, 3]}, ARGMAX), "not 2 positive numbers"),
        (postprocessing(MEAN | {"weights": "$open('x')"}, ARGMAX), "is code"),
        (postprocessing(SOFTMAX | {"keys": "pred0"}, MEAN, ARGMAX), "different activations"),
        (postprocessing(ARGMAX | {"keys": "@pred_keys"}, MEAN), "AsDiscrete before the mean"),
        (evaluator(networks=[]), "list of networks"),
        (evaluator(networks="$open('x')"), "is code"),
        (evaluator(networks=["@network_0", {"_target_": "scripts.Mine"}]), "code of the model's own"),
        (evaluator(pred_keys=["pred0"]), "as many different keys"),
        (evaluator(pred_keys=["pred0", "pred0"]), "as many different keys"),
        (lambda _, config: config["network_def_1"].update(in_channels=2), r"different numbers of input channels"),
        (lambda _, config: config["network_def_1"].update(out_channels=2), r"different numbers of classes: \[2, 3\]"),
        (lambda _, config: config.pop("checkpointloader_1"), "no CheckpointLoader says"),
        (inference(checkpointloader_1={**loader(1), "load_path": "$open('x')"}), "is code"),
    ],
)
def test_ensembles_that_are_refused(stage: Callable[..., InferenceStage], change: Change, said: str) -> None:
    with pytest.raises((ModelError, NotTrustedError), match=said):
        stage(change)


def write_weights(root: Path, dtype: Any = torch.float32) -> list[dict[str, Any]]:
    """Weights of both networks, of the given type, from a fixed seed: one as safetensors, one as torch writes them."""
    torch.manual_seed(5)
    states = [dict(getattr(nets, name)(**arguments).to(dtype).state_dict()) for name, arguments in KINDS.items()]
    (root / "models").mkdir()
    safetensors_torch.save_file(states[0], root / "models" / "network_0.safetensors")
    torch.save({"model": states[1]}, root / "models" / "network_1.pt")
    return states


def assert_built_with(root: Path, states: list[dict[str, Any]]) -> None:
    (networks,) = read(root).build_networks()
    assert [type(network).__name__ for network in networks] == list(KINDS)
    for network, state in zip(networks, states, strict=True):
        assert not network.training
        for name, value in network.state_dict().items():
            assert value.dtype is torch.float32
            assert torch.equal(value, state[name].float())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_each_network_gets_its_own_weights_in_32_bits(tmp_path: Path, dtype: Any) -> None:
    root = write_bundle(tmp_path, ensemble())
    assert_built_with(root, write_weights(root, dtype))


def test_swapped_weights_are_an_error(tmp_path: Path) -> None:
    root = write_bundle(tmp_path, ensemble(evaluator(networks=["@network_1", "@network_0"])))
    write_weights(root)
    assert [type(network).__name__ for network in read(root).build_networks()[0]] == ["SegResNet", "UNet"]
    (root / "models" / "network_0.safetensors").rename(root / "models" / "network_1.safetensors")
    (root / "models" / "network_1.pt").rename(root / "models" / "network_0.pt")
    with pytest.raises(ModelError, match="do not fit the network"):
        read(root).build_networks()


@pytest.mark.parametrize("weights", [None, [1, 3]])
@pytest.mark.parametrize("each_first", [False, True])
@pytest.mark.parametrize("inferer", ["windows", "whole"])
def test_scores_are_those_of_monais_inferer_and_mean(
    tmp_path: Path, each_first: bool, weights: list[int] | None, inferer: str
) -> None:
    from MedAISegLib.engine.preparation import prepare
    from MedAISegLib.engine.slabs import collect
    from MedAISegLib.engine.windows import Placement, score_slabs
    from monai.inferers import SimpleInferer, SlidingWindowInferer
    from monai.transforms import Activations, MeanEnsemble

    windows = {"roi_size": [16, 16, 8], "overlap": 0.5, "mode": "gaussian"}
    entry = {"_target_": "SlidingWindowInferer", **windows} if inferer == "windows" else {"_target_": "SimpleInferer"}
    mean = MEAN | {"weights": weights}
    steps = (SOFTMAX, mean, ARGMAX) if each_first else (mean, ARGMAX)
    root = write_bundle(tmp_path, ensemble(postprocessing(*steps), lambda _, config: config.update(inferer=entry)))
    write_weights(root)
    source = read(root)
    (stage,), (networks,) = source.spec.stages, source.build_networks()
    voxels = np.random.default_rng(1).normal(size=(24, 20, 16)).astype(np.float32)
    case = Case({"image": Volume(voxels, VolumeGeometry((24, 20, 16), np.diag([1.0, 1.0, 2.0, 1.0])), "CT")})
    cpu = torch.device("cpu")
    with torch.inference_mode():
        values = prepare(case, stage).values
        placement = Placement(1, cpu, cpu)
        ours = collect(score_slabs(networks, values, stage.windows, placement, lambda _: None, stage.averaging))
        infer = SlidingWindowInferer(**windows) if inferer == "windows" else SimpleInferer()
        predictions = [infer(values[None], network)[0] for network in networks]
        each = [Activations(softmax=True)(p) for p in predictions] if each_first else predictions
        theirs = MeanEnsemble(weights)(each)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
