"""The one object that owns what the module has open in Slicer's process: worker, files, timer, observers, runs."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

from ..app.client import WorkerClient
from ..app.exchange import Exchange
from ..app.protocol import (
    DevicesReply,
    DevicesRequest,
    DiagnoseReply,
    DiagnoseRequest,
    InstallModelRequest,
    ModelsReply,
    ModelsRequest,
    NeedReply,
    NeedRequest,
    RemoveModelRequest,
    Request,
    WarmUpRequest,
)
from ..core.errors import InputError, MedAISegError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..models.card import ModelCard
from ..models.catalogue import known_models, merged
from ..models.spec import Channel
from .event_loop import EventLoop, application_loop, temporary_folder
from .inputs import NodeInput, why_excluded
from .pump import Job, Pieces, Pump
from .run_life import Means
from .run_queue import RunQueue
from .runs import Run, RunRequest
from .scene import mrml_scene, slicer_module
from .settings import Settings
from .worker_link import WorkerLink

T = TypeVar("T")

Failed = Callable[[MedAISegError], None]


def ignore(_: object) -> None:
    """For callbacks that nobody needs."""


class Session:
    """Create it by :func:`session`. All methods are for the main thread, and so are all callbacks."""

    def __init__(
        self,
        *,
        scene: Any = None,
        loop: EventLoop | None = None,
        settings: Settings | None = None,
        log: Callable[[str], None] = ignore,
        exchange_root: Path | None = None,
    ) -> None:
        """Starts nothing but a sweep of what a killed Slicer has left. The defaults are those of the application."""
        self.scene = mrml_scene() if scene is None else scene
        self.settings = settings or Settings()
        root = exchange_root or temporary_folder()
        self.exchange = Exchange(root)
        Exchange.sweep(root)
        self.worker = WorkerLink(self.settings, log=log)
        loop = loop or application_loop()
        self.pump = Pump(loop, drain=self.client.drain)
        self._cards: tuple[ModelCard, ...] = ()
        self._queue = RunQueue(self.pump, self._means())
        self._is_closed = False
        self._closing = self.scene.AddObserver(slicer_module().vtkMRMLScene.StartCloseEvent, self._on_scene_closing)
        self._unhook = loop.at_quit(self.close)
        atexit.register(self.close)

    @property
    def client(self) -> WorkerClient:
        """The worker's state, process number and last words."""
        return self.worker.client

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those that are not finished and the last ones that are, oldest first."""
        return self._queue.runs

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """Stop everything and leave nothing behind: no process, timer, observer, file. Closing twice is no harm."""
        if self._is_closed:
            return
        self._is_closed = True
        atexit.unregister(self.close)
        self._unhook()
        self.scene.RemoveObserver(self._closing)
        self.pump.close()
        self.client.close()
        self.exchange.close()

    def submit(self, request: RunRequest) -> Run:
        """Queue a run; runs go one after the other.

        Raises:
            InputError: if an image or the output is not in the scene, or cannot be used.
            UsageError: if the session is closed.
        """
        nodes = {
            name: self._volume(name, wanted.node_id)
            for name, wanted in request.inputs.items()
            if isinstance(wanted, NodeInput)
        }
        return self._queue.submit(request, nodes, self._output(request.output.node_id))

    def wait(self, run: Run) -> None:
        """Go on until a run is finished, processing events; Slicer stays usable meanwhile.

        Raises:
            MedAISegError: what the run failed with; Cancelled.
            UsageError: if called from a run's own callback.
        """
        self._queue.wait(run)

    def add_listener(self, listener: Callable[[Run], None]) -> Callable[[], None]:
        """Hear of each change of each run, also of those that others submit; the returned function takes that back."""
        return self._queue.add_listener(listener)

    def ask(self, request: Request, *, on_done: Callable[[Any], None] = ignore, on_error: Failed = ignore) -> Job[Any]:
        """Ask the worker for anything that is no run."""
        return self.pump.add(self.worker.ask(request), on_done=on_done, on_error=on_error)

    def models(self) -> tuple[ModelCard, ...]:
        """What is known of models now, without the worker: the catalogue, and what was last told of installed ones.

        Raises:
            ResourceError: if the catalogue is damaged.
        """
        return merged(known_models(), self._cards)

    def refresh_models(
        self, on_done: Callable[[tuple[ModelCard, ...]], None] = ignore, on_error: Failed = ignore
    ) -> Job[tuple[ModelCard, ...]]:
        """Have the worker tell which models are installed; gives all cards."""
        return self.pump.add(self._all_models(), on_done=on_done, on_error=on_error)

    def devices(self, on_done: Callable[[DevicesReply], None] = ignore, on_error: Failed = ignore) -> Job[Any]:
        """Which devices there are, each with its free memory."""
        return self.ask(DevicesRequest(), on_done=on_done, on_error=on_error)

    def diagnose(
        self, device: str = "auto", on_done: Callable[[DiagnoseReply], None] = ignore, on_error: Failed = ignore
    ) -> Job[Any]:
        """Run a tiny real computation on a device."""
        return self.ask(DiagnoseRequest(device), on_done=on_done, on_error=on_error)

    def need(
        self,
        request: RunRequest,
        geometries: Mapping[str, VolumeGeometry],
        on_done: Callable[[NeedReply], None] = ignore,
        on_error: Failed = ignore,
    ) -> Job[Any]:
        """What a run would need; ``geometries`` are those of the candidates, by channel name."""
        job = request.job(self.settings.device)
        return self.ask(NeedRequest(job, dict(geometries)), on_done=on_done, on_error=on_error)

    def install_model(
        self,
        path: Path,
        on_done: Callable[[tuple[ModelCard, ...]], None] = ignore,
        on_error: Failed = ignore,
        *,
        overwrite: bool = False,
    ) -> Job[tuple[ModelCard, ...]]:
        """Copy a model's folder or file into the store; gives all cards."""
        return self._change_models(InstallModelRequest(path, overwrite), on_done, on_error)

    def remove_model(
        self, model: str, on_done: Callable[[tuple[ModelCard, ...]], None] = ignore, on_error: Failed = ignore
    ) -> Job[tuple[ModelCard, ...]]:
        """Delete an installed model; gives all cards."""
        return self._change_models(RemoveModelRequest(model), on_done, on_error)

    def warm_up(self, model: str, on_error: Failed = ignore) -> Job[Any]:
        """Have a model loaded, so that the next run need not wait for it."""
        return self.ask(WarmUpRequest(model, self.settings.device), on_error=on_error)

    def restart_worker(self) -> None:
        """Stop the worker, as after a change of its settings; runs that are on it end as cancelled."""
        self.worker.restart()

    def _all_models(self, first: Request | None = None) -> Pieces[tuple[ModelCard, ...]]:
        if first is not None:
            yield from self.worker.ask(first)
        reply = cast("ModelsReply", (yield from self.worker.ask(ModelsRequest())))
        self._cards = reply.models
        return self.models()

    def _change_models(
        self, request: Request, on_done: Callable[[tuple[ModelCard, ...]], None], on_error: Failed
    ) -> Job[tuple[ModelCard, ...]]:
        return self.pump.add(self._all_models(request), on_done=on_done, on_error=on_error)

    def _means(self) -> Means:
        return Means(
            scene=self.scene,
            worker=self.worker,
            exchange=self.exchange,
            device=lambda: self.settings.device,
            channels=self._channels,
        )

    def _channels(self, model: str) -> Mapping[str, Channel]:
        card = next((card for card in self.models() if card.id == model), None)
        return {channel.name: channel for channel in card.channels} if card else {}

    def _volume(self, channel: str, node_id: str) -> Any:
        node = self.scene.GetNodeByID(node_id)
        if node is None:
            raise InputError(
                "the image is not in the scene.", where=f"channel {channel}", remedy="Choose another image."
            )
        if why := why_excluded(node):
            raise InputError(f"{why}.", where=node.GetName() or channel, remedy="Choose another image.")
        return node

    def _output(self, node_id: str) -> Any:
        node = self.scene.GetNodeByID(node_id) if node_id else None
        if node_id and (node is None or not node.IsA("vtkMRMLSegmentationNode")):
            raise InputError("the output is not in the scene.", remedy="Choose another segmentation, or a new one.")
        return node

    def _on_scene_closing(self, *_: object) -> None:
        message = "The scene was closed while the run went on; its result was dropped."
        self._queue.cancel_now(Notice("scene-closed", message))


_HOLDER = "_medaiseg_process"
"""A module of nobody: unlike ours it is not dropped when the module is reloaded."""


def session() -> Session:
    """The session of this process, made at the first call.

    One that was left behind by code that has been reloaded since is closed first.
    """
    holder = sys.modules.setdefault(_HOLDER, ModuleType(_HOLDER))
    current = getattr(holder, "session", None)
    if not isinstance(current, Session) or current.is_closed:
        close_session()
        current = Session()
        vars(holder)["session"] = current
    return current


def close_session() -> None:
    """Close the session of this process, whichever code has made it; where there is none nothing happens."""
    holder = sys.modules.get(_HOLDER)
    current = vars(holder).pop("session", None) if holder is not None else None
    if current is not None:
        current.close()
