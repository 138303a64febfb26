"""The segresnet template of Auto3DSeg itself, on the CPU: ``python auto3dseg_run.py TEMPLATE TASK``.

TEMPLATE is ``auto3dseg/algorithm_templates/segresnet`` in a checkout of Project-MONAI/research-contributions on GitHub,
TASK a JSON file: ``config`` (what differs from the template's own hyper_parameters.yaml), ``folds``, ``images`` by key,
and where everything lies. Nothing of the template is changed; a package that it imports to draw curves of a training
and that inference has no use for is replaced by an empty one.
"""

from __future__ import annotations

import json
import logging.config  # noqa: F401 - the template uses it and leaves importing it to packages that are not here
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel
import numpy as np
import torch
from monai.apps.auto3dseg.ensemble_builder import AlgoEnsembleBestN

SEED = 20
MOST_OF_A_WINDOW = 64


def make(template: Path, task: dict[str, Any]) -> None:
    """A checkpoint of each fold as the template's training leaves it, its weights drawn and balanced on the case."""
    from segmenter import Segmenter  # type: ignore[import-not-found]

    settings = str(template / "configs" / "hyper_parameters.yaml")
    for fold, file in enumerate(_checkpoints(task)):
        file.parent.mkdir(parents=True)
        own = {"bundle_root": str(file.parents[1]), "fold": fold}
        torch.manual_seed(SEED + fold)
        segmenter = Segmenter(config_file=settings, config_dict={**own, **_surroundings(task), **task["config"]})
        prepared = segmenter.get_data_transform_builder()(augment=False, resample_label=False)(dict(task["images"]))
        _balance(segmenter.model.eval(), prepared["image"].as_tensor(), sigmoid=segmenter.config["sigmoid"])
        segmenter.checkpoint_save(str(file), segmenter.model, epoch=1, best_metric=0.5)


def infer(task: dict[str, Any]) -> None:
    """The template's command on one fold; several by MONAI's ensemble of algorithms. Either saves one file."""
    from infer import InferClass, run  # type: ignore[import-not-found]

    overrides = _surroundings(task) | {"infer#output_path": task["output"]}
    files = _checkpoints(task)
    if len(files) == 1:
        run(**overrides, **{"infer#ckpt_name": str(files[0])})
        return
    members = [InferClass(**overrides, **{"infer#ckpt_name": str(file)}) for file in files]
    found = [member.infer(dict(task["images"])) for member in members]
    decided = AlgoEnsembleBestN().ensemble_pred(found, sigmoid=task["config"].get("sigmoid", False))
    layers = decided.movedim(0, -1).numpy().astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(layers, found[0].affine.numpy()), Path(task["output"]) / "ensemble.nii.gz")


def _checkpoints(task: dict[str, Any]) -> list[Path]:
    folds = range(task["folds"])
    return [Path(task["model"]) / f"segresnet_{fold}" / "model" / "model.pt" for fold in folds]


def _surroundings(task: dict[str, Any]) -> dict[str, Any]:
    return {
        "data_file_base_dir": task["folder"],
        "data_list_file_path": task["datalist"],
        "log_output_file": str(Path(task["folder"]) / "run.log"),
        "mlflow_tracking_uri": None,
        "auto_scale_allowed": False,
        "num_workers": 0,
        "cache_rate": 0,
    }


def _balance(network: torch.nn.Module, prepared: torch.Tensor, *, sigmoid: bool) -> None:
    """Shift the last layer so that every class is found in the middle of the image."""
    for axis in (1, 2, 3):
        length = min(prepared.shape[axis], MOST_OF_A_WINDOW) // 8 * 8
        prepared = prepared.narrow(axis, (prepared.shape[axis] - length) // 2, length)
    heads = [(name, value) for name, value in network.named_parameters() if name.endswith("bias")]
    with torch.no_grad():
        scores = network(prepared[None])
        flat = (scores[0] if isinstance(scores, (list, tuple)) else scores)[0].flatten(1)
        level = flat.quantile(0.8, dim=1) if sigmoid else flat.mean(dim=1)
        for name, value in heads:
            if "head" in name or value is heads[-1][1]:
                value -= level


def main(template: str, task_file: str) -> None:
    """Make a model, and have the template segment the case with it."""
    curves = ModuleType("torch.utils.tensorboard")
    curves.SummaryWriter = None  # type: ignore[attr-defined]
    sys.modules[curves.__name__] = curves
    sys.path.insert(0, str(Path(template) / "scripts"))
    sys.dont_write_bytecode = True
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    make(Path(template), task)
    infer(task)


if __name__ == "__main__":
    main(*sys.argv[1:])
