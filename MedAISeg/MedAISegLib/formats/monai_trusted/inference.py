"""A trusted bundle's own way from images to its result: its transforms, its inferer, its post-processing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from ...core.errors import ModelError
from ...core.progress import Progress, RunStage
from .evaluator import evaluate
from .images import CaseImages, load_from, without_savers
from .parsing import NETWORK, Description

_PREDICTION = "pred"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a bundle's post-processing leaves.

    Attributes:
        result: (channel, i, j, k) or (channel, i, j), a MetaTensor unless the bundle's code has lost that.
        prepared: the network's input, (channel, axis, …).
        saver: the SaveImaged that would have written it.
    """

    result: Any
    prepared: Any
    saver: Any | None


class BundleInference:
    """The entries of a bundle that a run takes, evaluated once and used for one image after the other."""

    def __init__(
        self, description: Description, device: torch.device, *, own_evaluator: bool, result_key: str = ""
    ) -> None:
        """Args:
        result_key: of the result, where the bundle leaves several and the first that it saves is not meant.
        """
        self._description = description
        self._device = device
        self._preprocessing = description.first("preprocessing", "dataset#transform")
        post = description.option("postprocessing", None) or description.option("evaluator#postprocessing", None)
        self._postprocessing, self._saver = without_savers(post)
        self._own_evaluator = own_evaluator
        self._result_key = result_key

    def run(self, images: CaseImages, progress: Progress) -> Outcome:
        """From an image to the result."""
        from monai.data.utils import list_data_collate

        with progress.stage(RunStage.PREPARE):
            prepared = self._preprocessing(load_from(images, self._preprocessing))
            if not isinstance(prepared, Mapping):
                raise ModelError("its preprocessing gives no single image.", where="preprocessing")
            batch = list_data_collate([prepared])
        if self._own_evaluator:
            with progress.stage(RunStage.INFER):
                output = evaluate(self._description, batch)
        else:
            with progress.stage(RunStage.INFER):
                inferred = self._infer(batch)
            with progress.stage(RunStage.POSTPROCESS):
                output = self._postprocess(batch, inferred)
        return Outcome(self._result(output), prepared.get("image"), self._saver)

    def _infer(self, batch: dict[str, Any]) -> dict[str, Any]:
        """As MONAI's SupervisedEvaluator does."""
        from monai.engines.utils import default_prepare_batch
        from monai.inferers.inferer import SimpleInferer

        option = self._description.option
        inferer = option("evaluator#inferer", None) or option("inferer", None) or SimpleInferer()
        network = self._description.first(*NETWORK)
        prepare_batch = option("evaluator#prepare_batch", default_prepare_batch)
        inputs, _, *more = prepare_batch(batch, self._device, False, **option("evaluator#to_kwargs", {}))
        args, kwargs = more or ((), {})
        mixed = self._device.type == "cuda" and bool(option("evaluator#amp", False))
        with torch.autocast("cuda", **option("evaluator#amp_kwargs", {})) if mixed else nullcontext():
            return {"image": inputs, _PREDICTION: inferer(inputs, network, *args, **kwargs)}

    def _postprocess(self, batch: dict[str, Any], inferred: dict[str, Any]) -> Mapping[str, Any]:
        from monai.data.utils import decollate_batch
        from monai.engines.utils import engine_apply_transform

        if not self._description.option("evaluator#decollate", True):
            given, output = batch, inferred
        else:
            # Lists that transforms leave beside the image may be longer than the batch.
            given, output = (decollate_batch(part, detach=True)[0] for part in (batch, inferred))
        if self._postprocessing is not None:
            _, output = engine_apply_transform(given, output, self._postprocessing)
        return output

    def _result(self, output: Mapping[str, Any]) -> Any:
        keys = (_PREDICTION, *(self._saver.keys if self._saver is not None else ()))
        keys = (self._result_key,) if self._result_key else keys
        for key in keys:
            if isinstance(output.get(key), torch.Tensor):
                return output[key]
        raise ModelError(f"it gives no {_PREDICTION}, but {', '.join(map(str, output))}.", where="postprocessing")
