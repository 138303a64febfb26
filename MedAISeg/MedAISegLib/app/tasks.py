"""Which function carries out which request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..core.progress import Progress
from .protocol import (
    DevicesRequest,
    DiagnoseRequest,
    ExportRequest,
    InstallModelRequest,
    MeasureRequest,
    ModelsRequest,
    NeedRequest,
    RemoveModelRequest,
    Reply,
    Request,
    SegmentRequest,
    WarmUpRequest,
)
from .warm_models import WarmModels


@dataclass(frozen=True)
class Task:
    """A request on its way, and what all requests share.

    Attributes:
        models: those that are in memory.
        paces: seconds by amount of work (app.need), of each model's hash on each device that it has run on.
    """

    request: Any
    progress: Progress
    models: WarmModels
    paces: dict[tuple[str, str], float]


_QUICK = {
    ModelsRequest: "MedAISegLib.app.model_requests:list_models",
    InstallModelRequest: "MedAISegLib.app.model_requests:install_model",
    RemoveModelRequest: "MedAISegLib.app.model_requests:delete_model",
    DevicesRequest: "MedAISegLib.app.device_requests:list_devices",
    DiagnoseRequest: "MedAISegLib.app.device_requests:diagnose",
    NeedRequest: "MedAISegLib.app.need_request:estimate_need",
}
_LONG = {
    WarmUpRequest: "MedAISegLib.app.run_requests:warm_up",
    SegmentRequest: "MedAISegLib.app.run_requests:segment",
    MeasureRequest: "MedAISegLib.app.result_requests:measure",
    ExportRequest: "MedAISegLib.app.result_requests:export",
}
"""By name, so that what is heavy is imported where and when it is needed."""


def is_quick(request: Request) -> bool:
    """Whether a request is answered beside a run; it has no folder of voxels."""
    return type(request) in _QUICK


def carry_out(task: Task) -> Reply:
    """Do what a request asks for.

    Raises:
        MedAISegError: of any kind.
    """
    task.progress.cancel.raise_if_cancelled()
    module, attribute = (_QUICK | _LONG)[type(task.request)].split(":")
    function: Callable[[Task], Reply] = getattr(import_module(module), attribute)
    return function(task)
