"""An image through a network that gives one score a class."""

from __future__ import annotations

import torch

from ..core.case import Case
from ..core.errors import ModelError
from ..core.progress import Progress
from ..models.spec import Activation, InferenceStage
from .backends.reduced_precision import tensor_float_32
from .preparation import prepare


def class_probabilities(
    case: Case, stage: InferenceStage, network: torch.nn.Module, device: torch.device, progress: Progress
) -> tuple[float, ...]:
    """The probability of each class, in the network's order.

    Args:
        case: an image, of one slice where the stage goes slice by slice: its network takes (batch, channel, a, b).
        device: that the network is on.

    Raises:
        ModelError: if the network's output is no list of numbers, or the image does not fit it.
    """
    with torch.inference_mode(), tensor_float_32(allowed=False):
        values = prepare(case, stage, progress, device=device).values
        if stage.slicewise and values.shape[-1] != 1:
            raise ModelError(f"its preparation gives {tuple(values.shape[1:])} values, and no flat image.")
        image = values[..., 0] if stage.slicewise else values
        try:
            scores = network(image[None].to(device))
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"the network cannot take an image of {tuple(image.shape)} values: {str(error).splitlines()[0]}"
            ) from error
        if isinstance(scores, (tuple, list)) and scores:
            # Of several outputs the first counts.
            scores = scores[0]
        if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or len(scores) != 1:
            raise ModelError("the network gives no list of scores.")
        found = _activated(scores[0].float(), stage.restore.activation)
        if not bool(found.isfinite().all()):
            raise ModelError("the network's scores are no numbers: nothing can be said of the image.")
        return tuple(float(value) for value in found.cpu())


def _activated(scores: torch.Tensor, activation: Activation) -> torch.Tensor:
    if activation is Activation.SOFTMAX:
        return torch.softmax(scores, dim=0)
    return torch.sigmoid(scores) if activation is Activation.SIGMOID else scores
