"""Small models with random weights in the layout of TotalSegmentator's archives, for tasks of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from MedAISegLib.models.published import PublishedModel, find_published

from Testing.nnunets import architecture, configuration, write_model

PLANS = {
    "plans_name": "nnUNetPlans",
    "label_manager": "LabelManager",
    "experiment_planner_used": "ExperimentPlanner",
    "transpose_backward": [0, 1, 2],
    "foreground_intensity_properties_per_channel": {
        "0": {"mean": 60.0, "std": 70.0, "percentile_00_5": -150.0, "percentile_99_5": 250.0}
    },
}
UNUSED = {
    "data_identifier": "x",
    "batch_size": 2,
    "median_image_size_in_voxels": [1, 1, 1],
    "batch_dice": False,
    "resampling_fn_seg": "resample_data_or_seg_to_shape",
    "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
}
"""What nnU-Net's classes read although prediction does not use it."""


def published(model_id: str) -> PublishedModel:
    model = find_published(model_id)
    assert model is not None
    return model


def networks_of(model: PublishedModel) -> Iterator[tuple[str, int, tuple[float, float, float]]]:
    """Folder, number of labels and spacing of each network that a task needs, in the order of its stages."""
    described: Any = model.description_file
    rough, chain = described.get("crop"), []
    while rough is not None:
        chain.append(rough)
        rough = rough.get("crop")
    for crop in reversed(chain):
        yield crop["folder"], max(crop["labels"]), tuple(crop["pipeline"]["spacing_mm"])
    for part in described["parts"]:
        yield part["folder"], len(part["paints"]) - 1, tuple(described["pipeline"].get("spacing_mm", (1.5, 1.5, 1.5)))


def write_task(root: Path, model_id: str, patch: tuple[int, int, int] = (16, 24, 24)) -> Path:
    """The folders that the task's archives unpack to, each network drawn from its own seed."""
    for number, (folder, labels, spacing) in enumerate(networks_of(published(model_id))):
        name = folder.rpartition("__")[2]
        planned = configuration(patch_size=list(patch), spacing=list(spacing), architecture=architecture(3, stages=3))
        write_model(
            root / folder,
            name=name,
            configurations={name: planned | UNUSED},
            labels={"background": 0, **{f"label {value}": value for value in range(1, labels + 1)}},
            plans=PLANS,
            checkpoint={"inference_allowed_mirroring_axes": (0, 1, 2)},
            seed=number,
        )
    return root


def describe_task(root: Path, model_id: str) -> None:
    """Write ``medaiseg.json`` as an installation from the catalogue does."""
    model = published(model_id)
    content = {"name": model.name, "labels": model.labels, **(model.description_file or {})}
    (root / "medaiseg.json").write_text(json.dumps(content), encoding="utf-8")
