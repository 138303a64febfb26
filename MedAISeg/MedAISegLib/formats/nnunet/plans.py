"""A configuration of ``plans.json``: what was planned for one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import ModelError
from ...core.records import from_json
from .resampling import Resampling, read_resampling

_PREPROCESSOR = "DefaultPreprocessor"


@dataclass(frozen=True)
class Intensity:
    """Of the foreground of the training images, one channel."""

    mean: float
    std: float
    percentile_00_5: float
    percentile_99_5: float


@dataclass(frozen=True)
class Configuration:
    """One configuration of the plans.

    Attributes:
        patch_size: voxels of a window, two numbers in a 2-D configuration.
        spacing_mm: of the network's input, as many numbers.
        transpose_forward: new axis n is the image's axis ``transpose_forward[n]``.
        normalization_schemes: class name of each channel's normalisation.
        use_mask_for_norm: of each channel, whether only the inside of the body counts.
        intensities: by channel; empty where the plans have none.
        reader: class that read the training images.
        architecture: ``network_class_name`` and ``arch_kwargs``.
        previous_stage: configuration whose labels are further channels of this one; empty for none.
    """

    name: str
    dataset_name: str
    patch_size: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    transpose_forward: tuple[int, int, int]
    normalization_schemes: tuple[str, ...]
    use_mask_for_norm: tuple[bool, ...]
    intensities: tuple[Intensity, ...]
    reader: str
    architecture: Mapping[str, Any]
    previous_stage: str = ""
    resampling: Resampling = field(default_factory=Resampling)

    @property
    def is_2d(self) -> bool:
        return len(self.patch_size) == 2


def read_configuration(plans: Mapping[str, Any], name: str, where: str) -> Configuration:
    """The configuration of that name, with what it inherits.

    Raises:
        ModelError: if there is none, or it is damaged or asks for a way of working that is not supported.
    """
    content = _inherited(plans.get("configurations"), name, where)
    _require_known(content, where)
    try:
        transpose = from_json(tuple[int, int, int], plans.get("transpose_forward", [0, 1, 2]))
        config = Configuration(
            name=name,
            dataset_name=str(plans.get("dataset_name", "")),
            patch_size=from_json(tuple[int, ...], content.get("patch_size")),
            spacing_mm=from_json(tuple[float, ...], content.get("spacing")),
            transpose_forward=transpose,
            normalization_schemes=from_json(tuple[str, ...], content.get("normalization_schemes")),
            use_mask_for_norm=from_json(tuple[bool, ...], content.get("use_mask_for_norm")),
            intensities=_intensities(plans.get("foreground_intensity_properties_per_channel")),
            reader=str(plans.get("image_reader_writer", "")),
            architecture=_architecture(content),
            previous_stage=str(content.get("previous_stage") or ""),
            resampling=read_resampling(content, where),
        )
    except ValueError as error:
        raise ModelError(f"the configuration {name} is damaged: {error}.", where=where) from error
    if len(config.patch_size) not in (2, 3) or len(config.spacing_mm) != len(config.patch_size):
        raise ModelError(f"the configuration {name} has no window of two or three axes.", where=where)
    if sorted(transpose) != [0, 1, 2] or min(config.patch_size) < 1 or min(config.spacing_mm) <= 0:
        raise ModelError(f"the configuration {name} has impossible numbers.", where=where)
    return config


def _inherited(configurations: Any, name: str, where: str) -> dict[str, Any]:
    chain: list[dict[str, Any]] = []
    wanted: Any = name
    while wanted is not None:
        content = configurations.get(wanted) if isinstance(configurations, dict) else None
        if not isinstance(content, dict) or len(chain) > len(configurations):
            raise ModelError(f"there is no configuration {wanted!r}.", where=where)
        chain.append(content)
        wanted = content.get("inherits_from")
    merged: dict[str, Any] = {}
    for content in reversed(chain):
        merged |= content
    return merged


def _require_known(content: Mapping[str, Any], where: str) -> None:
    if content.get("preprocessor_name", _PREPROCESSOR) != _PREPROCESSOR:
        raise ModelError(f"its preprocessor {content['preprocessor_name']} is not known.", where=where)


def _intensities(content: Any) -> tuple[Intensity, ...]:
    if not isinstance(content, dict):
        return ()
    wanted = ("mean", "std", "percentile_00_5", "percentile_99_5")
    ordered = [content[key] for key in sorted(content, key=int)]
    return tuple(from_json(Intensity, {key: values.get(key) for key in wanted}) for values in ordered)


def _architecture(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """As newer plans have it, or put together from the entries of those made before nnU-Net 2.3."""
    architecture = content.get("architecture")
    if isinstance(architecture, dict):
        return architecture
    features, most = content.get("UNet_base_num_features"), content.get("unet_max_num_features")
    blocks = content.get("n_conv_per_stage_encoder")
    if not isinstance(blocks, list) or not isinstance(features, int) or not isinstance(most, int):
        raise ValueError("it does not describe a network")
    kind = content.get("UNet_class_name")
    dimensions = len(content.get("patch_size", ()))
    return {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{kind}",
        "arch_kwargs": {
            "n_stages": len(blocks),
            "features_per_stage": [min(features * 2**stage, most) for stage in range(len(blocks))],
            "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
            "kernel_sizes": content.get("conv_kernel_sizes"),
            "strides": content.get("pool_op_kernel_sizes"),
            "n_conv_per_stage" if kind == "PlainConvUNet" else "n_blocks_per_stage": blocks,
            "n_conv_per_stage_decoder": content.get("n_conv_per_stage_decoder"),
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
    }
