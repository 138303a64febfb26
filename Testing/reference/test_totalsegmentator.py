"""Tasks of the catalogue with weights from a fixed seed: our labels are those of TotalSegmentator's pipeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.models.spec import InferenceStage

from Testing.totalsegmentators import describe_task, networks_of, published, write_task

from . import images
from .bundle_run import differing_share
from .nnunet_models import case_of, require_nnunet, run_nnunet, shift_scores, written_labels

pytestmark = pytest.mark.engine

LARGEST_DIFFERENCE = 0.001


def spleen_turned(data: Path) -> list[images.Image]:
    """Stored in another order of the axes, one of them reversed, and with values between whole numbers."""
    ((voxels, affine),) = images.spleen_ct(data)
    return [images.permuted(images.flipped((0.9 * voxels + 0.6, affine)))]


def small_ct(data: Path) -> list[images.Image]:
    ((voxels, affine),) = images.spleen_ct(data)
    return [
        (voxels[50:100, 50:100, :12], affine @ np.array([[1, 0, 0, 50], [0, 1, 0, 50], [0, 0, 1, 0], [0, 0, 0, 1]]))
    ]


PATCH = (16, 24, 24)
TASKS = {
    "at 3 mm": ("totalsegmentator_total_3mm", images.spleen_ct, PATCH),
    "cropped by a rough model": ("totalsegmentator_liver_segments", spleen_turned, PATCH),
    "cleaned": ("totalsegmentator_body_6mm", images.short_trunk_ct, PATCH),
    "five parts at 1.5 mm": ("totalsegmentator_total", images.short_trunk_ct, PATCH),
    "numbered along the spine": ("totalsegmentator_vertebrae_pp", images.spleen_ct, PATCH),
    "within what is within the skull": ("totalsegmentator_teeth", small_ct, (64, 48, 48)),
}
SPARSE = {"totalsegmentator_vertebrae_pp": 0.8}
"""Tasks that look at bodies one by one, and how much the background is favoured so that they lie apart."""
QUICK = ("at 3 mm",)
CASES = [
    pytest.param(*task, id=name, marks=() if name in QUICK else pytest.mark.reference) for name, task in TASKS.items()
]


def found_by(stage: InferenceStage, rough: int) -> tuple[int, ...]:
    """What a stage wants a rough model to have found."""
    return stage.crop.labels if stage.crop and stage.crop.stage == rough else ()


def favour(checkpoint: Path, labels: list[int], by: float = 0.3) -> None:
    """Some labels are found more often, so that there is something to crop to."""
    content = torch.load(checkpoint, weights_only=False)
    last = [name for name in content["network_weights"] if "seg_layers" in name and name.endswith("bias")][-1]
    content["network_weights"][last][sorted(set(labels))] += by
    torch.save(content, checkpoint)


@pytest.fixture(autouse=True)
def _nnunet_is_there() -> None:
    require_nnunet()
    pytest.importorskip("scipy")


@pytest.mark.parametrize(("model_id", "read", "patch"), CASES)
def test_labels_are_those_of_totalsegmentator(model_id, read, patch, shared_data, tmp_path):
    paths = images.write_images(read(shared_data), tmp_path / "images")
    root = write_task(tmp_path / model_id, model_id, patch)
    describe_task(root, model_id)
    source = read_model(root)
    case = case_of(source, paths)
    folders = [root / folder for folder, _, _ in networks_of(published(model_id))]
    stages = source.spec.stages
    for number, (folder, stage, networks) in enumerate(zip(folders, stages, source.build_networks(), strict=True)):
        checkpoint = folder / "fold_0" / "checkpoint_final.pth"
        shift_scores(checkpoint, networks[0], prepare(case, stage).values, regions=False)
        favour(checkpoint, [label for later in stages for label in found_by(later, number)])
        if model_id in SPARSE:
            favour(checkpoint, [0], SPARSE[model_id])
    output = tmp_path / "reference" / "case"
    run_nnunet("totalsegmentator_run.py", output, root / "medaiseg.json", paths[0], output)
    expected = written_labels(output)
    source = read_model(root)
    ours = segment(case, source.spec, source.build_networks(), device="cpu").layers[0]
    share = differing_share(ours, expected)
    print(f"\n{share:.6%} of the foreground differ, {len(np.unique(expected)) - 1} labels in {expected.shape}")
    assert len(np.unique(expected)) > 2
    assert share <= LARGEST_DIFFERENCE
