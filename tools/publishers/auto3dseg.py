"""The Auto3DSeg models published for Slicer (github.com/lassoan/SlicerMONAIAuto3DSeg)."""

from __future__ import annotations

import re
from typing import Any

from .checkout import Checkout, counted, plain_id

PAGE = "https://github.com/lassoan/SlicerMONAIAuto3DSeg"
_LICENCES = {"cc by 4.0": ("CC BY 4.0", True), "cc-by-sa4.0": ("CC BY-SA 4.0", True)}
_ARCHIVE = re.compile(r"-v(?P<version>[0-9.]+)\.zip$")


def models(checkout: Checkout) -> list[dict[str, Any]]:
    """An entry for each model, in its newest version."""
    return [_entry(model, checkout) for model in checkout.json("MONAIAuto3DSeg/Resources/Models.json")["models"]]


def _entry(model: dict[str, Any], checkout: Checkout) -> dict[str, Any]:
    url = model["versions"][0]["url"]
    archive = _ARCHIVE.search(url)
    if archive is None:
        raise ValueError(f"{url}: its version is not seen")
    stated = model.get("license", "")
    licence, commercial = _LICENCES.get(stated.lower(), (stated, None))
    inputs = [item["title"].removeprefix("Input ").removesuffix(" volume") for item in model.get("inputs", [])]
    if len(inputs) < 2:
        inputs = ["image"]
    labels = {str(number): name for number, name in enumerate(model["segmentNames"], 1)}
    quick = " at a coarse spacing, for a quick look" if "quick" in model["title"] else ""
    entry = {
        "id": f"auto3dseg_{plain_id(model['title'])}",
        "name": model["title"],
        "publisher": "Auto3DSeg for Slicer",
        "format": "auto3dseg",
        "page": f"{PAGE}/tree/{checkout.commit}",
        "version": archive["version"],
        "description": f"SegResNet for {counted(labels)} in {model['imagingModality']}{quick}",
        "channels": [{"name": name, "modality": model["imagingModality"]} for name in inputs],
        "labels": labels,
        "license": licence,
        "commercial_use": commercial,
        "files": [{"url": url}],
    }
    return {key: value for key, value in entry.items() if value not in ("", None)}
