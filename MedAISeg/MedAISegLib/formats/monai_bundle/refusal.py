"""Bundles that are no model for this program, told by name rather than by the first thing that fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import ModelError
from .description import image_format, prediction_format, section, text
from .references import Inference
from .values import Component, Unresolved

_DETECTORS = ("RetinaNet", "RetinaNetDetector")
_CLASSIFIERS = ("TorchVisionFCModel", "DenseNet", "EfficientNet", "ResNet", "SENet", "ViT", "Classifier", "MILModel")
_GENERATORS = (
    "AutoencoderKL",
    "DiffusionModelUNet",
    "VQVAE",
    "Generator",
    "AutoEncoder",
    "VarAutoEncoder",
    "ControlNet",
)
_KINDS = {
    "labels": "classification", "classification": "classification", "class": "classification",
    "dict": "detection", "boxes": "detection", "detection": "detection",
    "image": "generative", "hounsfield": "generative", "magnitude": "generative", "latent": "generative",
    "regression": "regression",
}  # fmt: skip
_PROMPTS = ("Guidance", "Click", "DeepEdit", "VistaPre", "VistaPost", "Prompt")


def refuse_other_tasks(metadata: Mapping[str, Any], inference: Inference, name: str) -> None:
    """Raises:
    ModelError: if the bundle does not segment, or only 2-D images, or needs clicks.
    """
    refuse_other_kinds(metadata, inference, name)
    reason = _unsupported(metadata, inference, _network_name(inference))
    if reason:
        raise ModelError(f"it is not supported yet, because {reason}.", where=name)


def refuse_other_kinds(metadata: Mapping[str, Any], inference: Inference, name: str) -> None:
    """Raises:
    ModelError: if the bundle does not segment, by whatever code.
    """
    kind = _other_kind(metadata, _network_name(inference))
    if kind:
        raise ModelError(f"it is a {kind} model, not a segmentation model.", where=name)


def _other_kind(metadata: Mapping[str, Any], network: str) -> str:
    prediction = prediction_format(metadata)
    if network in _DETECTORS or text(prediction, "type") == "object":
        return "detection"
    if network in _CLASSIFIERS:
        return "classification"
    if network in _GENERATORS:
        return "generative"
    return _KINDS.get(text(prediction, "format").lower(), "")


def _unsupported(metadata: Mapping[str, Any], inference: Inference, network: str) -> str:
    outputs = section(metadata, "network_data_format", "outputs")
    shape = image_format(metadata).get("spatial_shape")
    if (isinstance(shape, list) and len(shape) == 2) or inference.value("network_def#spatial_dims") == 2:
        return "it works on 2-D images"
    if len(outputs) > 1:
        return f"its network has several outputs ({', '.join(sorted(outputs))})"
    if network.startswith("vista3d") or any(word in name for name in _used(inference) for word in _PROMPTS):
        return "it is interactive: it asks the user for clicks or label prompts"
    return ""


def _network_name(inference: Inference) -> str:
    value = inference.value("network_def")
    return value.name if isinstance(value, Component) else ""


def _used(inference: Inference) -> list[str]:
    """Names of the transforms, as far as they can be listed, and of the inferer."""
    names: list[str] = []
    for part in ("preprocessing", "postprocessing", "inferer"):
        waiting = [inference.value(part)]
        while waiting and len(names) < 1000:
            value = waiting.pop()
            if isinstance(value, Component):
                names.append(value.name)
                waiting.append(value.arguments.get("transforms"))
            elif isinstance(value, list):
                waiting += value
            elif isinstance(value, Unresolved):
                names.append(value.text)
    return names
