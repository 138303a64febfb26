"""The MeshNet brain models (github.com/neuroneural/brainchop-models)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from MedAISegLib.formats.meshnet.published import PUBLISHED

from .checkout import Checkout, counted, plain_id

PAGE = "https://github.com/neuroneural/brainchop-models"
_RAW = "https://raw.githubusercontent.com/neuroneural/brainchop-models"
_COLOR_MAPS = {"subcortical": "model30chan18cls/colormap.json", "model5_gw_ae": "model5_gw_ae/colormap3.json"}
"""Where the names of the classes do not lie in the model's own ``colormap.json``."""
_NOT_READ = "Its weights are published for TensorFlow.js only, which is not read."


def models(checkout: Checkout) -> list[dict[str, Any]]:
    """An entry for each model whose description lies in the repository."""
    folders = sorted(
        name.split("/")[1] for name in checkout.names if name.startswith("meshnet/") and name.endswith("/model.json")
    )
    return [_entry(checkout, folder) for folder in folders]


def _entry(checkout: Checkout, folder: str) -> dict[str, Any]:
    """Of a model that nobody can read here, what it is and why."""
    color_map = _COLOR_MAPS.get(folder, f"{folder}/colormap.json")
    files = {"model.json": f"{folder}/model.json", "model.pth": f"{folder}/model.pth"}
    labels: dict[str, str] = {}
    if f"meshnet/{color_map}" in checkout.names:
        files["colormap.json"] = color_map
        names = json.loads(checkout.text(f"meshnet/{color_map}"))["labels"]
        labels = {str(number): name.strip().rstrip("*") for number, name in enumerate(names) if number > 0}
    is_read = f"meshnet/{folder}/model.pth" in checkout.names
    weights = hashlib.sha256(checkout.content(f"meshnet/{folder}/model.pth")).hexdigest() if is_read else ""
    known = PUBLISHED.get(weights)
    what = counted(labels) if labels else "the brain"
    entry = {
        "id": f"meshnet_{plain_id(folder)}",
        "name": (known.name if known else "") or f"MeshNet {folder}",
        "publisher": "brainchop",
        "format": "meshnet",
        "page": f"{PAGE}/tree/{checkout.commit}/meshnet/{folder}",
        "description": f"MeshNet for {what} in T1 images of the whole head",
        "channels": [{"name": "T1", "modality": "MR"}],
        "labels": labels,
        "license": known.license if known else "",
        "commercial_use": known.commercial_use if known else None,
        "citation": known.citation if known else "",
        "files": [_file(checkout, name, path) for name, path in files.items()] if is_read else None,
        "restricted": "" if is_read else _NOT_READ,
    }
    return {key: value for key, value in entry.items() if value not in ("", None, {})}


def _file(checkout: Checkout, name: str, path: str) -> dict[str, Any]:
    content = checkout.content(f"meshnet/{path}")
    return {
        "url": f"{_RAW}/{checkout.commit}/meshnet/{path}",
        "checksum": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size_bytes": len(content),
        "save_as": name,
    }
