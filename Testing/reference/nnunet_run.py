"""nnUNetv2_predict on one case, in a process of its own: ``python nnunet_run.py MODEL OUTPUT MIRROR IMAGE...``."""

from __future__ import annotations

import sys

import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor


def main(model: str, output: str, mirror: str, *images: str) -> None:
    """Predict with all folds that there are, on the CPU; the labels are written as ``OUTPUT.nii.gz``."""
    predictor = nnUNetPredictor(
        tile_step_size=0.5,
        use_gaussian=True,
        use_mirroring=mirror == "mirror",
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.initialize_from_trained_model_folder(model, None)
    predictor.predict_from_files_sequential([list(images)], [output], save_probabilities=False, overwrite=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
