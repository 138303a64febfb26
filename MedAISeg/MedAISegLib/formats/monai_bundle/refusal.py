"""Bundles that are no model for this program, told by name rather than by the first thing that fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import ModelError
from ..other_task import CLASSIFICATION, OtherTaskError
from .architecture import NETWORKS
from .description import prediction_format, section, text
from .references import Inference
from .values import Component, Unresolved, needs_trust

_DETECTORS = ("RetinaNet", "RetinaNetDetector")
_CLASSIFIERS = ("TorchVisionFCModel", "DenseNet", "EfficientNet", "ResNet", "SENet", "ViT", "Classifier", "MILModel")
_GENERATORS = (
    "AutoencoderK",
    "DiffusionModelUN",
    "VQVAE",
    "Generator",
    "AutoEncoder",
    "VarAutoEncoder",
    "ControlNet",
)
_KINDS = {
    **dict.fromkeys(("labels", "classification", "class", "classes"), CLASSIFICATION), "points": "landmark",
    "dict": "detection", "boxes": "detection", "detection": "detection",
    "image": "generative", "hounsfield": "generative", "magnitude": "generative", "latent": "generative",
    "regression": "regression",
}  # fmt: skip
_CLICKS = "AddClickSignals"
_PROMPTS = ("Guidance", "Click", "DeepEdit", "VistaPre", "VistaPost", "Prompt")


def refuse_other_tasks(metadata: Mapping[str, Any], inference: Inference, name: str) -> None:
    """Raises:
    OtherTaskError: if the bundle does not segment.
    NotTrustedError: if it segments in a way that is not compiled.
    """
    refuse_other_kinds(metadata, inference, name)
    reason = _unsupported(metadata, inference, _network_name(inference))
    if reason:
        raise needs_trust(reason, name)


def refuse_other_kinds(metadata: Mapping[str, Any], inference: Inference, name: str) -> None:
    """Raises:
    OtherTaskError: if the bundle does not segment, by whatever code.
    """
    kind = _other_kind(metadata, _network_name(inference))
    if kind:
        raise OtherTaskError(kind, where=name)


def refuse_clicks(inference: Inference, name: str) -> None:
    """Raises:
    ModelError: if the bundle can do nothing without the user's clicks.
    """
    if any(_CLICKS in used for used in used_names(inference)):
        raise ModelError(
            "it segments what the user has clicked on, and there is no way to give it clicks here.",
            where=name,
            remedy="Run it with MONAI Label.",
        )


def _other_kind(metadata: Mapping[str, Any], network: str) -> str:
    prediction = prediction_format(metadata)
    if network in _DETECTORS or text(prediction, "type") == "object":
        return "detection"
    if network in _CLASSIFIERS:
        return CLASSIFICATION
    if network.startswith(_GENERATORS):
        return "generative"
    kind = _KINDS.get(text(prediction, "format").lower(), "")
    # Some call the labels of voxels labels too.
    return "" if kind == CLASSIFICATION and network in NETWORKS else kind


def _unsupported(metadata: Mapping[str, Any], inference: Inference, network: str) -> str:
    outputs = section(metadata, "network_data_format", "outputs")
    if len(outputs) > 1:
        return f"its network has several outputs ({', '.join(sorted(outputs))})"
    if network.startswith("vista3d") or any(word in name for name in used_names(inference) for word in _PROMPTS):
        return "it is interactive: it asks the user for clicks or label prompts"
    return ""


def _network_name(inference: Inference) -> str:
    """Of the network, or of the first generator where a bundle has several networks of other names."""
    value = inference.value("network_def")
    if isinstance(value, Component):
        return value.name
    targets = (inference.value(f"{name}#_target_") for name in inference.names() if name.endswith("_def"))
    names = (target.rpartition(".")[2] for target in targets if isinstance(target, str))
    return next((name for name in names if name.startswith(_GENERATORS)), "")


def used_names(inference: Inference) -> list[str]:
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
