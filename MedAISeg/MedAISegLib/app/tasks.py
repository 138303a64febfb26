"""Which function carries out which request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any

from ..core.progress import Progress
from ..models.store_progress import StoreCallback
from .protocol import (
    ClassifyRequest,
    DevicesRequest,
    DiagnoseRequest,
    ExportRequest,
    MeasureRequest,
    NeedRequest,
    Reply,
    Request,
    SegmentRequest,
    WarmUpRequest,
)
from .store_protocol import (
    ExportModelRequest,
    InstallModelRequest,
    ModelsRequest,
    PackModelsRequest,
    RemoveModelRequest,
    TrustRequest,
    VerifyRequest,
)
from .warm_models import WarmModels


@dataclass(frozen=True)
class Task:
    """A request on its way, and what all requests share.

    Attributes:
        tell: how far an act of the store is.
        models: those that are in memory.
        paces: seconds by amount of work (app.need), of each model's hash on each device that it has run on.
    """

    request: Any
    progress: Progress
    tell: StoreCallback
    models: WarmModels
    paces: dict[tuple[str, str], float]


_QUICK = {
    ModelsRequest: "MedAISegLib.app.model_requests:list_models",
    TrustRequest: "MedAISegLib.app.model_requests:change_trust",
    DevicesRequest: "MedAISegLib.app.device_requests:list_devices",
    DiagnoseRequest: "MedAISegLib.app.device_requests:diagnose",
    NeedRequest: "MedAISegLib.app.need_request:estimate_need",
}
_STORE = {
    InstallModelRequest: "MedAISegLib.app.model_requests:install_models",
    RemoveModelRequest: "MedAISegLib.app.model_requests:delete_model",
    VerifyRequest: "MedAISegLib.app.model_requests:verify_models",
    PackModelsRequest: "MedAISegLib.app.model_requests:pack_models",
    ExportModelRequest: "MedAISegLib.app.model_requests:export_model",
}
_LONG = {
    WarmUpRequest: "MedAISegLib.app.run_requests:warm_up",
    SegmentRequest: "MedAISegLib.app.run_requests:segment",
    ClassifyRequest: "MedAISegLib.app.run_requests:classify",
}
_RESULTS = {
    MeasureRequest: "MedAISegLib.app.result_requests:measure",
    ExportRequest: "MedAISegLib.app.result_requests:export",
}
"""By name, so that what is heavy is imported where and when it is needed."""


class Lane(Enum):
    """The requests of a lane are carried out one after the other; lanes do not wait for each other.

    One result is measured and written while the next is computed: that takes no network, and of a result's voxels only
    what is mapped.
    """

    QUICK = "quick"
    STORE = "store"
    LONG = "long"
    RESULTS = "results"

    @property
    def has_folders(self) -> bool:
        """Whether its requests read voxels in a folder of the client's, which has to last until they have ended."""
        return self in (Lane.LONG, Lane.RESULTS)


_LANES = {Lane.QUICK: _QUICK, Lane.STORE: _STORE, Lane.LONG: _LONG, Lane.RESULTS: _RESULTS}


def lane_of(request: Request) -> Lane:
    """Where a request is carried out."""
    return next(lane for lane, tasks in _LANES.items() if type(request) in tasks)


def carry_out(task: Task) -> Reply:
    """Do what a request asks for.

    Raises:
        MedAISegError: of any kind.
    """
    task.progress.cancel.raise_if_cancelled()
    module, attribute = _LANES[lane_of(task.request)][type(task.request)].split(":")
    function: Callable[[Task], Reply] = getattr(import_module(module), attribute)
    return function(task)
