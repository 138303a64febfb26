"""The one object that owns what the module has open in Slicer's process: worker, files, timer, observers, runs."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from ..app.client import WorkerClient
from ..app.exchange import Exchange
from ..core.errors import InputError
from ..core.language import tr as _
from ..core.notice import Notice
from .event_loop import EventLoop, application_loop, temporary_folder
from .inputs import NodeInput, why_excluded
from .model_services import ignore
from .pump import Pump
from .run_life import Means
from .run_queue import RunQueue
from .runs import Run, RunRequest
from .scene import mrml_scene, slicer_module
from .settings import Settings
from .worker_link import WorkerLink
from .worker_services import WorkerServices


class Session(WorkerServices):
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
        loop, settings, root = loop or application_loop(), settings or Settings(), exchange_root or temporary_folder()
        Exchange.sweep(root)
        worker = WorkerLink(settings, log=log)
        super().__init__(Pump(loop, drain=worker.client.drain), worker, Exchange(root), settings)
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
        # The last one first, and each although another fails, as Qt's objects may where the application is half gone.
        with ExitStack() as closing:
            closing.callback(self._unhook)
            closing.callback(self.scene.RemoveObserver, self._closing)
            closing.callback(self.exchange.close)
            closing.callback(self.client.close)
            closing.callback(self.pump.close)

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

    def _means(self) -> Means:
        return Means(
            scene=self.scene,
            worker=self.worker,
            exchange=self.exchange,
            device=lambda: self.settings.device,
            card=self.card,
        )

    def _volume(self, channel: str, node_id: str) -> Any:
        node = self.scene.GetNodeByID(node_id)
        if node is None:
            raise InputError(
                _("the image is not in the scene."),
                where=_("channel {channel}").format(channel=channel),
                remedy=_("Choose another image."),
            )
        if why := why_excluded(node, pictures=True):
            raise InputError(f"{why}.", where=node.GetName() or channel, remedy=_("Choose another image."))
        return node

    def _output(self, node_id: str) -> Any:
        node = self.scene.GetNodeByID(node_id) if node_id else None
        if node_id and (node is None or not node.IsA("vtkMRMLSegmentationNode")):
            raise InputError(
                _("the output is not in the scene."), remedy=_("Choose another segmentation, or a new one.")
            )
        return node

    def _on_scene_closing(self, *_event: object) -> None:
        message = _("The scene was closed while the run went on; its result was dropped.")
        self._queue.leave_scene(Notice("scene-closed", message))


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
