"""The segmentation bundles of the MONAI Model Zoo (github.com/Project-MONAI/model-zoo)."""

from __future__ import annotations

from typing import Any

from .checkout import Checkout, counted, licence_of

PAGE = "https://github.com/Project-MONAI/model-zoo"
_MODALITIES = {"ct": "CT", "mr": "MR", "mri": "MR", "pet": "PT", "mammogram": "MG"}
_TEMPLATES = ("segmentation_template",)
_INSTANCES = "It finds instances, by detectron2 and a script of its own that writes a COCO file; it cannot be run here."
_LATER: tuple[dict[str, Any], ...] = (
    {
        "id": "retinalOCT_RPD_segmentation",
        "name": "retinalOCT_RPD_segmentation",
        "publisher": "MONAI Model Zoo",
        "format": "monai_bundle",
        "page": f"{PAGE}/tree/15f8298339c1c71657fd774010fbec8e96a5c4dd/models/retinalOCT_RPD_segmentation",
        "version": "0.0.1",
        "description": "MONAI bundle for reticular pseudodrusen (RPD) in optical coherence tomography of the retina",
        "channels": [{"name": "image"}],
        "labels": {"1": "RPD"},
        "license": "BSD-2-Clause",
        "commercial_use": True,
        "restricted": _INSTANCES,
    },
)
"""Of after the last version that is given out as archives with checksums."""
_LONGEST_CITATION = 600
_SEVERAL = "It gives several results instead of one map of labels, so that it cannot be run here."
_CLICKS = "It segments what the user has clicked on, so that it cannot be run here."


def models(checkout: Checkout) -> list[dict[str, Any]]:
    """An entry for each bundle whose network gives a segmentation."""
    info = checkout.json("models/model_info.json")
    folders = sorted(
        {name.split("/")[1] for name in checkout.names if name.count("/") > 1 and name.startswith("models/")}
    )
    found = (_entry(checkout, folder, info) for folder in folders if folder not in _TEMPLATES)
    return [*(entry for entry in found if entry), *(later for later in _LATER if later["id"] not in folders)]


def _entry(checkout: Checkout, folder: str, info: dict[str, Any]) -> dict[str, Any] | None:
    metadata = checkout.json(f"models/{folder}/configs/metadata.json")
    data = metadata.get("network_data_format", {})
    output = next(iter(data.get("outputs", {}).values()), {})
    version = metadata["version"]
    published = info.get(f"{folder}_v{version}")
    if (
        output.get("format") not in {"segmentation", "labels"}
        or "segment" not in _about(folder, metadata)
        or not published
    ):
        return None
    channels = _channels(data)
    labels = _labels(output)
    licence, commercial = licence_of(checkout.text(f"models/{folder}/LICENSE"))
    data_licence = checkout.text(f"models/{folder}/docs/data_license.txt").lower().replace("-", "")
    if commercial and "noncommercial" in data_licence:
        # The data that it was trained on may not be used so; whether the weights may, nobody says.
        commercial = None
    entry = {
        "id": folder,
        "name": metadata["name"],
        "publisher": "MONAI Model Zoo",
        "format": "monai_bundle",
        "page": f"{PAGE}/tree/{checkout.commit}/models/{folder}",
        "version": version,
        "description": f"MONAI bundle for {counted(labels) if labels else 'segmentation'} in {_inputs(channels)}",
        "channels": channels,
        "labels": labels,
        "license": licence,
        "commercial_use": commercial,
        "citation": _citation(metadata.get("references", [])),
        "intended_use": str(metadata.get("intended_use") or "").strip(),
        "files": [{"url": published["source"], "checksum": f"sha1:{published['checksum']}"}],
        "notices": _notices(checkout, folder, data["outputs"]),
    }
    return {key: value for key, value in entry.items() if value not in ("", None, [], {})}


def _notices(checkout: Checkout, folder: str, outputs: dict[str, Any]) -> list[str]:
    """Why it cannot be run here."""
    if len(outputs) > 1 and "pred" not in outputs:
        return [_SEVERAL]
    return [_CLICKS] if "AddClickSignals" in checkout.text(f"models/{folder}/configs/inference.json") else []


def _about(folder: str, metadata: dict[str, Any]) -> str:
    return " ".join(
        (folder, metadata.get("name", ""), metadata.get("task", ""), metadata.get("description", ""))
    ).lower()


def _channels(data: dict[str, Any]) -> list[dict[str, str]]:
    image = next((spec for spec in data.get("inputs", {}).values() if spec.get("type") == "image"), {})
    modality = _MODALITIES.get(str(image.get("modality", "")).lower(), "")
    names = [str(name) for name in image.get("channel_def", {}).values()]
    if len(set(names)) != len(names):
        names = [f"{name} {number}" for number, name in enumerate(names, 1)]
    units = {"units": "HU"} if image.get("format") == "hounsfield" and modality == "CT" else {}
    return [{"name": name} | ({"modality": modality} if modality else {}) | units for name in names]


def _labels(output: dict[str, Any]) -> dict[str, str]:
    named = output.get("channel_def") or output.get("label_def") or {}
    classes = {str(value): str(name) for value, name in named.items()}
    if not any(name.lower() == "background" for name in classes.values()):
        # Each class is a layer of its own, label values count from 1.
        return {str(int(value) + 1): name for value, name in classes.items()}
    return {value: name for value, name in classes.items() if name.lower() != "background"}


def _inputs(channels: list[dict[str, str]]) -> str:
    modalities = dict.fromkeys(channel["modality"] for channel in channels if "modality" in channel)
    kind = " and ".join(modalities) or "images"
    return kind if len(channels) < 2 else f"{kind} of {len(channels)} channels"


def _citation(references: list[str]) -> str:
    text = "\n".join(str(reference).strip() for reference in references)
    return text if len(text) <= _LONGEST_CITATION else str(references[0]).strip()[:_LONGEST_CITATION]
