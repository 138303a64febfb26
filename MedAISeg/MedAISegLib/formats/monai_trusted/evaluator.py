"""A trusted bundle whose way from images to results is an evaluator of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...core.errors import ModelError
from .parsing import Description

_USUAL = ("SupervisedEvaluator", "Evaluator")
_LEFT_OUT = ("key_val_metric", "additional_metrics", "val_handlers", "epoch_length")
"""What an evaluator has for comparing with labels, and for writing."""


class OneBatch:
    """A data loader that is given its only batch later."""

    def __init__(self) -> None:
        self.batch: Any = None

    def __iter__(self) -> Iterator[Any]:
        yield self.batch

    def __len__(self) -> int:
        return 1


def has_usual_evaluator(config: Mapping[str, Any]) -> bool:
    """Whether the evaluator of an inference config, if it has one, does no more than MONAI's SupervisedEvaluator."""
    written = config.get("evaluator")
    if not isinstance(written, dict):
        return True
    return str(written.get("_target_")).rpartition(".")[2] in _USUAL and "iteration_update" not in written


def on_one_batch(evaluator: Any) -> dict[str, Any]:
    """An evaluator as the config writes it, but for one batch that is given later, and for nothing but its result."""
    kept = {key: value for key, value in evaluator.items() if key not in _LEFT_OUT}
    return kept | {"val_data_loader": OneBatch()}


def evaluate(description: Description, batch: dict[str, Any]) -> Mapping[str, Any]:
    """The output of the bundle's evaluator for a batch, its post-processing done.

    Raises:
        ModelError: if the package that runs evaluators is not there, or it gives nothing.
    """
    try:
        from ignite.engine import Events
    except ImportError as error:
        raise ModelError(
            "it brings an evaluator of its own, which needs the package pytorch-ignite.",
            where="evaluator",
            remedy="Install it for the Python that runs the model: pip install pytorch-ignite.",
        ) from error
    loader = description.option("evaluator#val_data_loader", None)
    evaluator = description.first("evaluator")
    given: list[Any] = []
    loader.batch = batch
    with evaluator.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: given.append(engine.state.output)):
        evaluator.run()
    output = given[0] if given else None
    output = output[0] if isinstance(output, list) and output else output
    if not isinstance(output, Mapping):
        raise ModelError("its evaluator gives no result.", where="evaluator")
    return output
