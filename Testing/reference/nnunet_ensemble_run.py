"""nnUNetv2_ensemble on one case: ``python nnunet_ensemble_run.py OUTPUT MIRROR MODEL... -- IMAGE...``.

Each model predicts with its probabilities saved; these are averaged and decided by nnU-Net's own functions. The labels
are written as ``OUTPUT.nii.gz``, the mean probabilities as ``OUTPUT.npz``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from batchgenerators.utilities.file_and_folder_operations import load_json
from nnunetv2.ensembling.ensemble import merge_files
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager


def main(output: str, mirror: str, *rest: str) -> None:
    """Predict with each model, and merge."""
    models, images = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    predictions = []
    for number, model in enumerate(models):
        predictor = nnUNetPredictor(
            use_mirroring=mirror == "mirror",
            perform_everything_on_device=False,
            device=torch.device("cpu"),
            allow_tqdm=False,
        )
        predictor.initialize_from_trained_model_folder(model, None)
        target = f"{output}_{number}"
        predictor.predict_from_files_sequential([list(images)], [target], save_probabilities=True, overwrite=True)
        predictions.append(f"{target}.npz")
    plans, dataset = (load_json(str(Path(models[0]) / name)) for name in ("plans.json", "dataset.json"))
    manager = PlansManager(plans)
    reader = manager.image_reader_writer_class()
    merge_files(predictions, output, ".nii.gz", reader, manager.get_label_manager(dataset), save_probabilities=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
