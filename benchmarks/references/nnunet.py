"""nnU-Net's side: ``nnUNetv2_predict_from_modelfolder``, and in a process that stays the steps that it goes through."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from MedAISegLib.formats import read_model
from numpy.typing import NDArray

from Testing.reference.nnunet_models import PACKAGES, Model, case_of, write_trained
from Testing.reference.seeded import shift_for_classes, window_of
from Testing.reference.test_nnunet import write_cascade

from ..clock import ForwardClock, timed
from ..recipes import Cascade
from ..record import WarmRun
from ..setting import Made, Setting
from ..sides import Assignment

_FOLDERS = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
_PATHS = os.pathsep.join(path for path in (str(PACKAGES), os.environ.get("PYTHONPATH")) if path)
VARIABLES = {"PYTHONPATH": _PATHS} | {name: tempfile.gettempdir() for name in _FOLDERS}
"""What its processes find in their environment: its packages stand apart, and it asks for folders it does not use."""

_PREDICT = "from nnunetv2.inference.predict_from_raw_data import predict_entry_point_modelfolder as main; main()"
_OPTIONS = ("-f", "0", "--disable_tta", "-npp", "1", "-nps", "1")
_CHECKPOINT = "fold_0/checkpoint_final.pth"


def make(recipe: Model | Cascade, data: Path, folder: Path, images: Sequence[Path]) -> Made:
    """Trained-model folders with weights that are drawn, their scores shifted so that the image holds every class."""
    del data
    if isinstance(recipe, Model):
        _write(recipe, folder, images)
        return Made(folder)
    _write(recipe.low, folder / "low", images)
    write_cascade(folder / "full", folder / "low", recipe.full)
    return Made(folder, options={"first": str(folder / "low"), "then": str(folder / "full")})


def command(setting: Setting, output: Path, device: str) -> list[str]:
    """Its own command; for a cascade one after the other, as its users must."""
    options = setting.model.options
    images = setting.images[0].parent
    if not options:
        return _predict(images, output, setting.model.root, device)
    first = output.with_name(f"{output.name}-first")
    steps = [
        _predict(images, first, options["first"], device),
        [*_predict(images, output, options["then"], device), "-prev_stage_predictions", str(first)],
    ]
    return ["sh", "-c", " && ".join(" ".join(f"'{word}'" for word in step) for step in steps)]


@dataclass(frozen=True)
class PredictorSide:
    """See :class:`benchmarks.sides.WarmSide`; of a cascade, a predictor a step."""

    assignment: Assignment
    predictors: Sequence[Any]
    forward: ForwardClock

    def run_window(self) -> None:
        network, planned = self.predictors[-1].network, self.predictors[-1].configuration_manager
        channels = next(value.shape[1] for name, value in network.named_parameters() if name.endswith("conv.weight"))
        with torch.no_grad():
            network(torch.zeros(1, channels, *planned.patch_size, device=self.predictors[-1].device))

    def run(self, precision: str) -> tuple[WarmRun, NDArray[Any]]:
        # Its predictor has autocast of its own: 16 bits on a GPU, 32 elsewhere, whatever a caller would like.
        del precision
        self.forward.take()
        reader = self.predictors[0].plans_manager.image_reader_writer_class()
        (image, properties), read_s = timed(lambda: reader.read_images([str(p) for p in self.assignment.images]))
        labels, spent_s = None, [0.0, 0.0, 0.0]
        for predictor in self.predictors:
            labels, stages_s = _predicted(predictor, image, properties, labels, self.forward)
            spent_s = [a + b for a, b in zip(spent_s, stages_s, strict=True)]
        output = self.assignment.output
        _, write_s = timed(lambda: reader.write_seg(labels, str(output / "case.nii.gz"), properties))
        shutil.rmtree(output)
        output.mkdir()
        return WarmRun.of(read_s, *spent_s, write_s, self.forward.take()), labels


def load(assignment: Assignment) -> PredictorSide:
    """A predictor for each step, as its command makes it."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictors = []
    for folder in assignment.options.values() or (str(assignment.model),):
        predictor = nnUNetPredictor(
            use_mirroring=False,
            perform_everything_on_device=assignment.device != "cpu",
            device=torch.device(assignment.device),
            allow_tqdm=False,
        )
        predictor.initialize_from_trained_model_folder(folder, (0,))
        predictor.network.load_state_dict(predictor.list_of_parameters[0])
        predictor.network.to(predictor.device)
        predictors.append(predictor)
    return PredictorSide(assignment, predictors, ForwardClock())


def _predicted(
    predictor: Any, image: Any, properties: Any, previous: Any, forward: ForwardClock
) -> tuple[NDArray[Any], list[float]]:
    """(k, j, i) labels, and the seconds of preparing, inferring and finishing."""
    from nnunetv2.inference.data_iterators import PreprocessAdapterFromNpy
    from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape

    plans, dataset, planned = predictor.plans_manager, predictor.dataset_json, predictor.configuration_manager
    # Its cropping marks the outside with -1.
    before = None if previous is None else previous[None].astype(np.int16)
    adapter = PreprocessAdapterFromNpy([image], [before], [properties], None, plans, dataset, planned, 1)
    prepared, prepare_s = timed(lambda: next(adapter))
    scores, infer_s = forward.timed(lambda: predictor.predict_logits_from_preprocessed_data(prepared["data"]).cpu())
    labels, finish_s = timed(
        lambda: convert_predicted_logits_to_segmentation_with_correct_shape(
            scores,
            plans,
            planned,
            predictor.label_manager,
            prepared["data_properties"],
            num_threads_torch=torch.get_num_threads(),
        )
    )
    return labels, [prepare_s, infer_s, finish_s]


def _predict(images: Path, output: Path, model: Path | str, device: str) -> list[str]:
    given = ("-i", str(images), "-o", str(output), "-m", str(model), "-device", device)
    return [sys.executable, "-c", _PREDICT, *given, *_OPTIONS]


def _write(model: Model, root: Path, images: Sequence[Path]) -> None:
    write_trained(model, root)
    source = read_model(root)
    case = case_of(source, list(images))
    with torch.inference_mode():
        scores = source.build_networks()[0][0](window_of(case, source.spec.stages[0]))[0].flatten(1)
    content = torch.load(root / _CHECKPOINT, weights_only=False)
    weights = content["network_weights"]
    last = [name for name in weights if "seg_layers" in name and name.endswith("bias")][-1]
    weights[last] += torch.from_numpy(shift_for_classes(scores.double().numpy())).float()
    torch.save(content, root / _CHECKPOINT)
