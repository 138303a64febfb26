"""nnUNetv2_predict on one case: ``python nnunet_run.py MODEL OUTPUT MIRROR PREVIOUS IMAGE...``."""

from __future__ import annotations

import sys

import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor


def main(model: str, output: str, mirror: str, previous: str, *images: str) -> None:
    """Predict with all folds that there are, on the CPU; the labels are written as ``OUTPUT.nii.gz``.

    Args:
        previous: folder in which a cascade finds the labels of its first step under the output's name; or empty.
    """
    predictor = nnUNetPredictor(
        tile_step_size=0.5,
        use_gaussian=True,
        use_mirroring=mirror == "mirror",
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.initialize_from_trained_model_folder(model, None)
    predictor.predict_from_files_sequential(
        [list(images)], [output], overwrite=True, folder_with_segs_from_prev_stage=previous or None
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
