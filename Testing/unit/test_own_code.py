"""What of a bundle's code is named before the trust: all that MONAI would run, but for what MONAI itself has."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
from MedAISegLib.formats.monai_trusted.monai_classes import is_of_monai
from MedAISegLib.formats.monai_trusted.own_code import own_code

pytestmark = pytest.mark.engine

HARM = "__import__('os').system('harm')"


def named(entry: Any, root: Path, **config: Any) -> tuple[str, ...]:
    return own_code({"inferer": entry, **config}, root).named


@pytest.mark.parametrize(
    "name",
    [
        # Each is in a bundle of MONAI's Model Zoo.
        *("Activationsd", "AddClickSignalsd", "AddGuidanceFromPointsDeepEditd", "AffineBoxToWorldCoordinated"),
        *("BasicUNet", "CacheDataset", "CheckpointLoader", "ClassificationSaver", "Compose", "DataLoader", "HoVerNet"),
        *("HoVerNetNuclearTypePostProcessingd", "RetinaNetDetector", "SimpleInferer", "SlidingWindowHoVerNetInferer"),
        *("StatsHandler", "SupervisedEvaluator", "ThreadDataLoader", "TorchVisionFCModel"),
        *("monai.networks.nets.DiNTS", "monai.networks.nets.TopologyInstance"),
        "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
        "monai.apps.vista3d.transforms.VistaPreTransformd",
        # Other ways to write them.
        *("SpacingD", "SpacingDict", "monai.transforms.SpacingD", "monai.transforms.spatial.dictionary.Spacingd"),
    ],
)
def test_what_published_bundles_use_is_monais(name: str, tmp_path: Path) -> None:
    assert is_of_monai(name)
    assert named({"_target_": name}, tmp_path) == ()


@pytest.mark.parametrize(
    "name",
    [
        *("Popen", "subprocess.Popen", "Thread", "scripts.own.Scores", "", ".", "monai", "monai.", "Monai.UNet"),
        *("monai.apps.auto3dseg.bundle_gen.subprocess.Popen", "monai.bundle.scripts.os.PathLike"),
        *(
            "monai.data.thread_buffer.Thread",
            "monai.transforms.utils.torch.nn.Linear",
            "monai.utils.type_conversion.Any",
        ),
        *("monai.networks.nets.resnet.optional_import", "monai.networks.nets.os.UNet", "monai.transforms.UNet"),
        *("monai.bundle.ConfigParser", "monai.apps.auto3dseg.AutoRunner", "monai.networks.nets/unet.UNet"),
    ],
)
def test_what_only_looks_like_monais_is_named(name: str, tmp_path: Path) -> None:
    assert not is_of_monai(name)
    assert named({"_target_": name}, tmp_path) == (f"the class {name!r} (inferer)",)


def test_whatever_counts_is_defined_in_monai() -> None:
    importlib.import_module("monai.bundle")
    reached = {
        f"{module}.{name}": thing
        for module in [module for module in sys.modules if module.partition(".")[0] == "monai"]
        for name, thing in vars(sys.modules[module]).items()
        if inspect.isclass(thing) or inspect.isfunction(thing)
    }
    of_monai = {place for place, thing in reached.items() if thing.__module__.partition(".")[0] == "monai"}
    counted = {place for place in reached if is_of_monai(place)}
    assert len(counted) > 1000
    assert counted <= of_monai
    transforms = {
        place for place in of_monai if place.startswith("monai.transforms.") and inspect.isclass(reached[place])
    }
    assert {place for place in transforms - counted if reached[place].__module__ == place.rpartition(".")[0]} == set()


def test_a_file_of_the_bundle_hides_behind_no_name_of_monai(tmp_path: Path) -> None:
    (tmp_path / "SimpleInferer.py").write_text("harm = True")
    assert named({"_target_": "SimpleInferer"}, tmp_path) == ("the class 'SimpleInferer' (inferer)",)


@pytest.mark.parametrize(
    "expression",
    [
        "$monai.config.deviceconfig.os.system(command='harm')",
        "$monai . config . deviceconfig . os . system(command='harm')",
        "$[monai.networks.nets.UNet(spatial_dims=monai.apps.auto3dseg.bundle_gen.subprocess.Popen(args=['harm']))]",
        "$monai.networks.nets.resnet.optional_import(module='harm')",
        f"$1 if True else {HARM}",
        f"$1 if not torch.cuda.is_available() else {HARM}",
        f"$True or {HARM}",
        f"$torch.device({HARM})",
        f"$@network_def.to({HARM})",
        f"$torch.load('models/model.pt', map_location={HARM})",
        "$torch.load('models/model.pt', weights_only=False)",
        "$1 if True else monai.data.utils.pd.eval('harm')",
    ],
)
def test_an_expression_that_calls_more_than_is_known_is_named(expression: str, tmp_path: Path) -> None:
    network = {"_target_": "UNet"}
    shown = repr(expression if len(expression) <= 100 else expression[:100] + "…")
    assert named(expression, tmp_path, network_def=network) == (f"the expression {shown} (inferer)",)


@pytest.mark.parametrize(
    "expression",
    [
        "$monai.inferers.SlidingWindowInferer(roi_size=[8, 8, 8])",
        "$monai.networks.nets.vista3d132(in_channels=1)",
        "$@network_def.to(@device).eval()",
        "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "$torch.load('models/model.pt', map_location=torch.device('cpu'))['model']",
        "$os.path.join('models', str(len([1, 2])) + '.pt')",
    ],
)
def test_an_expression_of_nothing_but_what_is_known_is_not_named(expression: str, tmp_path: Path) -> None:
    config = {"network_def": {"_target_": "UNet"}, "device": "$torch.device('cpu')"}
    assert named(expression, tmp_path, **config) == ()


def test_ten_harmless_things_hide_nothing(tmp_path: Path) -> None:
    entries = {f"part{n}": {"_target_": f"scripts.own.Part{n}"} for n in range(10)}
    found = own_code({**entries, "inferer": {"_target_": "subprocess.Popen"}}, tmp_path)
    assert "subprocess.Popen" in found.described()
