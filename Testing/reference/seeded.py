"""Weights from a fixed seed, such that every class of the network is found somewhere in the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.formats.slice_network import SliceNetwork
from MedAISegLib.models.spec import InferenceStage, Threshold
from monai.bundle import ConfigParser
from numpy.typing import NDArray

_SEED = 20
_BACKGROUND_SHARE = 0.6
_LAYER_SHARE = 0.15
_LEAST_SPREAD = 1e-4


def write_architecture(path: Path) -> None:
    """A DiNTS architecture file of 12 blocks and 4 depths: each depth goes on, some paths join neighbouring depths."""
    random = np.random.default_rng(_SEED)
    active = np.zeros((12, 10), dtype=np.float32)
    active[:, [0, 3, 6, 9]] = 1
    active[random.integers(0, 12, 8), random.integers(0, 10, 8)] = 1
    cells = random.integers(0, 5, (12, 10))
    torch.save({"node_a": np.ones((13, 4), dtype=np.float32), "arch_code_a": active, "arch_code_c": cells}, path)


def write_weights(
    path: Path, config: Path, root: Path, case: Case, stage: InferenceStage, network_def: str = "network_def"
) -> None:
    """Draw weights for the config's network, and shift the scores of its classes so that each wins somewhere.

    Args:
        path: the file to write, as ``{"model": state_dict}``.
        case: the image in which the classes shall be found.
        stage: how the network's input is prepared, and how its output is decided.
        network_def: the config's entry that describes the network.
    """
    torch.manual_seed(_SEED)
    parser = ConfigParser()
    parser.read_config(config)
    parser["bundle_root"] = str(root)
    network: torch.nn.Module = parser.get_parsed_content(network_def).eval()
    with torch.inference_mode():
        scores = _in_windows(network, stage)(window_of(case, stage))[0].flatten(1).double().numpy()
    state = network.state_dict()
    bias = [name for name, value in state.items() if name.endswith("bias") and value.shape == (len(scores),)][-1]
    spread = scores.std(axis=1).mean()
    if spread < _LEAST_SPREAD:
        # A deep network with weights at random lets so little of the image through that its classes would be noise.
        offset = state[bias].double().numpy()[:, None]
        scores = (scores - offset) / spread + offset
        state[bias.removesuffix("bias") + "weight"] /= spread
    shift = _shift_for_layers(scores) if isinstance(stage.decision, Threshold) else shift_for_classes(scores)
    state[bias] += torch.from_numpy(shift).float()
    torch.save({"model": state}, path)


def _in_windows(network: torch.nn.Module, stage: InferenceStage) -> torch.nn.Module:
    size = stage.windows.size or ()
    return SliceNetwork(network, size.index(1)) if 1 in size else network


def window_of(case: Case, stage: InferenceStage) -> torch.Tensor:
    """(1, channel, axis, axis, axis), the middle of the prepared image in the size of a window."""
    image = prepare(case, stage).values
    size = stage.windows.size or (0, 0, 0)
    for axis, wanted in enumerate(size, start=1):
        length = wanted or image.shape[axis]
        lacking = max(0, length - image.shape[axis])
        image = torch.nn.functional.pad(
            image, [0, 0] * (image.ndim - 1 - axis) + [lacking // 2, lacking - lacking // 2]
        )
        image = image.narrow(axis, (image.shape[axis] - length) // 2, length)
    return image[None]


def _shift_for_layers(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.quantile(scores, 1 - _LAYER_SHARE, axis=1)


def shift_for_classes(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Raise the classes that win too rarely and lower the others, until each wins about its share."""
    count = len(scores)
    wanted = np.full(count, (1 - _BACKGROUND_SHARE) / (count - 1))
    wanted[0] = _BACKGROUND_SHARE
    scores = scores[:, :: max(1, scores.shape[1] // 50_000)]
    step = scores.std()
    shift = -scores.mean(axis=1)
    for n in range(400):
        won = np.bincount((scores + shift[:, None]).argmax(axis=0), minlength=count) / scores.shape[1]
        shift += step / (1 + n / 20) * np.clip(np.log(wanted / np.maximum(won, wanted / 20)), -1, 1)
    return shift
