"""MONAI's networks come without the packages that they do not need, and nobody else misses those afterwards."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from MedAISegLib.formats.monai_bundle.architecture import NETWORKS

torch = pytest.importorskip("torch")
monai_networks = pytest.importorskip("MedAISegLib.formats.monai_networks")
auto3dseg = pytest.importorskip("MedAISegLib.formats.auto3dseg.network")

nets, only_what_is_needed = monai_networks.nets, monai_networks.only_what_is_needed

pytestmark = pytest.mark.engine

NOT_NEEDED = ("ignite", "matplotlib", "nibabel", "pandas", "PIL", "pydicom", "scipy", "skimage", "torchvision")
IN_AND_OUT = {"in_channels": 1, "out_channels": 2}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "UNet": IN_AND_OUT | {"spatial_dims": 3, "channels": (4, 8), "strides": (2,)},
    "BasicUNet": IN_AND_OUT | {"features": (4, 4, 8, 8, 8, 4)},
    "DynUNet": IN_AND_OUT
    | {
        "spatial_dims": 3,
        "kernel_size": [3, 3, 3],
        "strides": [1, 2, 2],
        "upsample_kernel_size": [2, 2],
        "filters": [4, 8, 8],
    },
    "SegResNet": IN_AND_OUT | {"init_filters": 8},
    "SegResNetDS": IN_AND_OUT | {"init_filters": 8, "blocks_down": (1, 1)},
    "SegResNetDS2": IN_AND_OUT | {"init_filters": 8, "blocks_down": (1, 1)},
    "UNETR": IN_AND_OUT | {"img_size": 32, "feature_size": 4, "hidden_size": 12, "mlp_dim": 12, "num_heads": 2},
    "SwinUNETR": IN_AND_OUT | {"feature_size": 12, "depths": (1, 1, 1, 1)},
    "VNet": IN_AND_OUT,
    "AttentionUnet": IN_AND_OUT | {"spatial_dims": 3, "channels": (4, 8), "strides": (2,)},
    "HighResNet": IN_AND_OUT,
    "FlexibleUNet": IN_AND_OUT | {"backbone": "resnet10", "spatial_dims": 3, "decoder_channels": (8, 8, 8, 8, 8)},
    "MedNeXt": IN_AND_OUT | {"spatial_dims": 3, "init_filters": 4},
    "DiNTS": {"in_channels": 1, "num_classes": 2},
}
"""Small networks of each kind that a model may ask for; other spellings of a name are the same class."""


def run_in_a_new_python(code: str) -> None:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def kinds() -> dict[str, str]:
    """The classes behind all names, each with one of its names."""
    names = [*ARGUMENTS, *NETWORKS, *sorted(auto3dseg._NETWORKS)]
    return {getattr(nets, name).__name__: name for name in reversed(names)}


@pytest.mark.parametrize("name", sorted(set(kinds().values())))
def test_every_network_that_a_model_may_ask_for_is_built_and_computes(name: str) -> None:
    arguments = dict(ARGUMENTS[name])
    if name == "DiNTS":
        arguments["dints_space"] = nets.TopologyInstance(num_blocks=4, num_depths=2, spatial_dims=3)
    network = getattr(nets, name)(**arguments).eval()
    length = 64 if name == "SwinUNETR" else 32
    with torch.inference_mode():
        scores = network(torch.zeros(1, 1, length, length, length))
    assert (scores[0] if isinstance(scores, (list, tuple)) else scores).shape[-4:] == (2, length, length, length)


def test_a_new_process_imports_nothing_that_is_not_needed_and_finds_it_later() -> None:
    code = f"""
import sys
from MedAISegLib.formats.monai_networks import nets
assert not [name for name in {NOT_NEEDED} if name in sys.modules]
import scipy.ndimage, nibabel, pydicom, matplotlib
"""
    run_in_a_new_python(code)


def test_what_others_import_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("asked_here", "asked_by_a_thread"):
        (tmp_path / f"{name}.py").write_text("found = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with only_what_is_needed():
        assert importlib.import_module("asked_here").found
        thread = threading.Thread(target=importlib.import_module, args=("asked_by_a_thread",))
        thread.start()
        thread.join()
    assert "asked_by_a_thread" in sys.modules


def test_monai_itself_is_refused_what_it_does_not_need_and_only_for_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asked_by_monai.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    from monai.utils import optional_import

    with only_what_is_needed():
        assert not optional_import("asked_by_monai")[1]
    assert optional_import("asked_by_monai")[1]
