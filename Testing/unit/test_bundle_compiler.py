"""A bundle as a specification: network, windows and metadata; whatever is hostile or does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import Change, inference, preprocessing, write_bundle
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.core.terminology import Code
from MedAISegLib.formats import read_model
from MedAISegLib.formats.monai_bundle import read
from MedAISegLib.models.operations import (
    Interpolation,
    Orient,
    PadToMultiple,
    Resample,
    ResizeTo,
    ReverseAxes,
)
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Blending,
    Channel,
    InferenceStage,
    ModelSpec,
    Padding,
    Restore,
    RestoreOrder,
    Windows,
)

ENDLESS_YAML = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., ModelSpec]:
    """Compiles the bundle of this suite, changed."""
    return lambda change=None: read(write_bundle(tmp_path, change)).spec


def test_a_bundle_is_compiled(spec: Callable[..., ModelSpec]) -> None:
    model = spec()
    assert model.stages == (
        InferenceStage(
            (ReverseAxes(), Orient("RAS")),
            Windows((32, 32, 16)),
            Argmax(),
            Restore(Activation.SOFTMAX, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.LINEAR),
        ),
    )
    assert (model.id, model.name, model.version) == ("two_organs", "Two organs", "1.2")
    assert model.channels == (Channel("image", "CT", "HU"),)
    assert [(s.label_value, s.name) for s in model.segments] == [(1, "liver"), (2, "spleen")]
    assert len(model.sha256) == 64
    assert model.notices == ()


@pytest.mark.parametrize(
    ("inferer", "windows"),
    [
        ({"_target_": "SimpleInferer"}, Windows()),
        (
            {
                "_target_": "monai.inferers.SlidingWindowInfererAdapt", "roi_size": 64, "sw_batch_size": 4,
                "overlap": [0.5, 0.5, 0], "mode": "gaussian", "sigma_scale": 0.25, "padding_mode": "replicate",
                "cval": -1, "device": "$torch.device('cpu')", "progress": True, "cache_roi_weight_map": True,
            },
            Windows((64, 64, 64), (0.5, 0.5, 0), Blending.GAUSSIAN, 0.25, Padding.REPLICATE, -1, 4),
        ),
        (
            {"_target_": "SlidingWindowInferer", "roi_size": [64, 64, -1], "mode": "$monai.utils.BlendMode.GAUSSIAN"},
            Windows((64, 64, 0), blending=Blending.GAUSSIAN),
        ),
    ],
)  # fmt: skip
def test_windows(spec: Callable[..., ModelSpec], inferer: dict[str, Any], windows: Windows) -> None:
    assert spec(inference(inferer=inferer)).stages[0].windows == windows


@pytest.mark.parametrize(
    ("inferer", "said"),
    [
        ({"_target_": "SliceInferer", "roi_size": [64, 64]}, "the inferer 'SliceInferer' is not"),
        ({"_target_": "scripts.inferer.Mine"}, "the inferer 'scripts.inferer.Mine' is not"),
        ({"_target_": "SlidingWindowInferer", "roi_size": [64, 64, 64], "overlap": 1.0}, "overlap"),
        ({"_target_": "SlidingWindowInferer", "roi_size": [64, 64, 64], "padding_mode": "circular"}, "circular"),
        ({"_target_": "SlidingWindowInferer", "roi_size": [64, 64, 64], "sigma_scale": [0.1, 0.2, 0.3]}, "each axis"),
        ({"_target_": "SlidingWindowInferer", "roi_size": [64, 64, 64], "with_coord": True}, "position of each window"),
        ({"_target_": "SlidingWindowInferer", "roi_size": "$open('x')"}, "is code"),
        ("$open('x')", "is code"),
    ],
)
def test_windows_that_are_refused(spec: Callable[..., ModelSpec], inferer: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        spec(inference(inferer=inferer))


def test_the_metadata_names_terminology_colour_and_region(spec: Callable[..., ModelSpec]) -> None:
    kinds = {
        "category": {"value": "1", "scheme": "SCT", "meaning": "A"},
        "type": {"value": "2", "scheme": "SCT", "meaning": "B"},
    }

    def change(metadata: dict[str, Any], _: dict[str, Any]) -> None:
        segment = {"name": "Spleen", "terminology": kinds, "color": [1, 2, 3]}
        metadata["medaiseg"] = {
            "wants_region": True,
            "anatomy": "abdomen",
            "test_time_flips": [[0], [0, 1]],
            "segments": {"2": segment},
        }

    model = spec(change)
    assert model.wants_region
    assert model.anatomy == "abdomen"
    assert model.stages[0].windows.test_time_flips == ((0,), (0, 1))
    assert [segment.name for segment in model.segments] == ["liver", "Spleen"]
    assert model.segments[1].terminology.type == Code("2", "SCT", "B")
    assert model.segments[1].color_rgb == (1, 2, 3)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"segments": {"1": {"color": "red"}}}, "segments.1"),
        ({"segments": {"1": {"terminology": {"type": 3}}}}, "segments.1"),
        ({"segments": {"1": 5}}, "segments.1"),
        ({"test_time_flips": [["a"]]}, "test_time_flips"),
    ],
)
def test_damaged_metadata_of_our_own_is_an_error(
    spec: Callable[..., ModelSpec], own: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        spec(lambda metadata, _: metadata.update(medaiseg=own))


@pytest.mark.parametrize(("argument", "said"), [("out_channels", "4 classes"), ("in_channels", "4 channels")])
def test_a_network_that_does_not_fit_the_metadata_is_an_error(
    spec: Callable[..., ModelSpec], argument: str, said: str
) -> None:
    with pytest.raises(ModelError, match=f"{said}.* but the metadata names"):
        spec(lambda _, config: config["network_def"].update({argument: 4}))


def test_labels_may_be_named_by_the_config_alone(spec: Callable[..., ModelSpec]) -> None:
    def change(metadata: dict[str, Any], config: dict[str, Any]) -> None:
        del metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
        config["labels"] = {"background": 0, "heart": 1, "lung": 2}

    assert [segment.name for segment in spec(change).segments] == ["heart", "lung"]


def test_labels_without_any_name_are_numbered(spec: Callable[..., ModelSpec]) -> None:
    model = spec(lambda metadata, _: metadata.clear())
    assert [segment.name for segment in model.segments] == ["label 1", "label 2"]
    assert model.channels == (Channel("image"),)
    assert model.name == "two_organs"


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        ("os.system", NotTrustedError, "os.system"),
        ("builtins.eval", NotTrustedError, "builtins.eval"),
        ("torch.hub.load", NotTrustedError, "torch.hub.load"),
        ("subprocess.Popen", NotTrustedError, "subprocess.Popen"),
        ("scripts.networks.Mine", NotTrustedError, "code of the model's own"),
        ("monai.networks.nets.os.system", NotTrustedError, "is none of those"),
        ("monai.networks.nets.DenseNet121", NotTrustedError, "is none of those"),
        ("Mine", NotTrustedError, "is none of those"),
        ("$torch.hub.load('a', 'b')", NotTrustedError, "is code"),
    ],
)
def test_only_networks_of_the_list_are_built(
    spec: Callable[..., ModelSpec], target: str, error: type[ModelError], said: str
) -> None:
    with pytest.raises(error, match=said):
        spec(lambda _, config: config["network_def"].update(_target_=target))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"channels": "$__import__('os').listdir()"}, r"network_def#channels: .*listdir.* is code"),
        ({"norm": {"_target_": "os.system", "command": "true"}}, "os.system"),
        ({"act": [{"_target_": "os.system", "command": "true"}]}, "an object os.system"),
        ({"pretrained": True}, "fetches weights"),
        ({"spatial_dims": 2}, "2 numbers are expected"),
        ({"spatial_dims": 4}, "no number of dimensions"),
        ({"out_channels": "three"}, "no number of channels"),
    ],
)
def test_network_arguments_that_are_refused(
    spec: Callable[..., ModelSpec], arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        spec(lambda _, config: config["network_def"].update(arguments))


def test_an_argument_that_is_gone_is_dropped_and_said(spec: Callable[..., ModelSpec]) -> None:
    network = {"_target_": "SwinUNETR", "img_size": 96, "in_channels": 1, "out_channels": 3}
    assert "img_size" in spec(inference(network_def=network)).notices[0].message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "damaged"),
        ("[]", "no mapping"),
        ("[" * 100 + "]" * 100, "no mapping"),
        ('{"a":' * 70 + "1" + "}" * 70, "too deeply"),
        ('{"a":' * 100_000, "too deeply|damaged"),
        ('{"a": "' + "x" * 3_000_000 + '"}', "too large"),
    ],
)
def test_a_damaged_description_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    root = write_bundle(tmp_path)
    (root / "configs" / "inference.json").write_text(text)
    with pytest.raises(ModelError, match=said):
        read(root)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object/apply:os.system ['true']", "no YAML"),
        ("a: [", "no YAML"),
        (ENDLESS_YAML, "too many items"),
    ],
)  # fmt: skip
def test_a_hostile_yaml_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    root = write_bundle(tmp_path)
    (root / "configs" / "inference.json").unlink()
    (root / "configs" / "inference.yaml").write_text(text)
    with pytest.raises(ModelError, match=said):
        read(root)


def test_an_entry_that_is_missing_is_an_error(spec: Callable[..., ModelSpec]) -> None:
    with pytest.raises(ModelError, match="'@postprocessing' names nothing"):
        spec(lambda _, config: config.pop("postprocessing"))


def test_channels_of_the_same_name_are_an_error(spec: Callable[..., ModelSpec]) -> None:
    def change(metadata: dict[str, Any], config: dict[str, Any]) -> None:
        image = metadata["network_data_format"]["inputs"]["image"]
        image.update(num_channels=2, channel_def={"0": "T1", "1": "T1"})
        config["network_def"]["in_channels"] = 2

    with pytest.raises(ModelError, match="two channels are alike"):
        spec(change)


def test_a_folder_without_a_config_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model of a known format"):
        read_model(tmp_path)
    root = write_bundle(tmp_path)
    (root / "configs" / "inference.json").unlink()
    with pytest.raises(ModelError, match=r"needs a configs/inference\.json"):
        read(root)


FLAT = {"_target_": "UNet", "spatial_dims": 2, "in_channels": 1, "out_channels": 3}


def test_a_slice_inferer_moves_a_2d_network_through_the_volume(spec: Callable[..., ModelSpec]) -> None:
    inferer = {"_target_": "SliceInferer", "roi_size": [64, 48], "spatial_dim": 1, "overlap": 0.5}
    model = spec(inference(network_def=FLAT, inferer=inferer))
    (stage,) = model.stages
    assert stage.windows == Windows((64, 1, 48), (0.5,) * 3)
    assert not stage.slicewise
    assert model.sees_slices


@pytest.mark.parametrize(
    ("inferer", "size"),
    [
        ({"_target_": "SimpleInferer"}, (0, 0, 1)),
        ({"_target_": "SlidingWindowInferer", "roi_size": [64, -1]}, (64, 0, 1)),
    ],
)
def test_a_bundle_for_flat_images_takes_a_volume_slice_by_slice(
    spec: Callable[..., ModelSpec], inferer: dict[str, Any], size: tuple[int, int, int]
) -> None:
    (stage,) = spec(both(inference(network_def=FLAT, inferer=inferer), preprocessing(*FLAT_STEPS))).stages
    assert stage.slicewise
    assert stage.windows.size == size
    assert stage.preprocessing == (
        ReverseAxes(),
        ResizeTo((64, 32, 0), floored_labels=True),
        PadToMultiple((16, 16, 1)),
        Resample((0.5, 0.7, 0.0)),
    )


FLAT_STEPS = (
    {"_target_": "Resized", "spatial_size": [64, 32], "mode": "bilinear"},
    {"_target_": "DivisiblePadd", "k": 16},
    {"_target_": "Spacingd", "pixdim": [0.5, 0.7]},
)


def both(first: Change, second: Change) -> Change:
    def change(metadata: dict[str, Any], config: dict[str, Any]) -> None:
        first(metadata, config)
        second(metadata, config)

    return change


def test_sides_of_the_patient_mean_nothing_to_a_flat_image(spec: Callable[..., ModelSpec]) -> None:
    with pytest.raises(NotTrustedError, match="no three patient sides"):
        spec(inference(network_def=FLAT, inferer={"_target_": "SimpleInferer"}))


def test_a_slice_inferer_needs_a_2d_network(spec: Callable[..., ModelSpec]) -> None:
    with pytest.raises(NotTrustedError, match="SliceInferer"):
        spec(inference(inferer={"_target_": "SliceInferer", "roi_size": [64, 64]}))
