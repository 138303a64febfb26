"""What can be asked of the worker beside runs; every answer comes on the main thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ..app.exchange import Exchange
from ..app.protocol import (
    DevicesReply,
    DevicesRequest,
    DiagnoseReply,
    DiagnoseRequest,
    ExportReply,
    NeedReply,
    NeedRequest,
    WarmUpRequest,
)
from ..core.geometry import VolumeGeometry
from ..core.result import SegmentResult
from .dicom_origin import origin_of
from .dicom_storing import insert_segmentation, reading_notice
from .event_loop import wait_cursor
from .export import DICOM_SEG, export_node
from .model_services import Failed, ModelServices, ignore
from .node_statistics import measure_node
from .pump import Job, Pieces, Pump
from .runs import RunRequest
from .settings import Settings
from .worker_link import WorkerLink

T = TypeVar("T")


class WorkerServices(ModelServices):
    """Each method returns at once; the job that it gives can be cancelled or waited for."""

    def __init__(self, pump: Pump, worker: WorkerLink, exchange: Exchange, settings: Settings) -> None:
        super().__init__(pump, worker)
        self.exchange, self.settings = exchange, settings

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

    def warm_up(self, model: str, on_error: Failed = ignore) -> Job[Any]:
        """Have a model loaded, so that the next run need not wait for it."""
        return self.ask(WarmUpRequest(model, self.settings.device), on_error=on_error)

    def restart_worker(self) -> None:
        """Stop the worker, as after a change of its settings; runs that are on it end as cancelled."""
        self.worker.restart()

    def measure(
        self, node: Any, on_done: Callable[[Mapping[str, SegmentResult]], None] = ignore, on_error: Failed = ignore
    ) -> Job[Mapping[str, SegmentResult]]:
        """Volume and statistics of a segmentation node's segments as they are now, by segment ID."""

        def measured(folder: Path) -> Pieces[Mapping[str, SegmentResult]]:
            found = yield from measure_node(node, folder, self.worker.ask)
            return found.results

        return self.pump.add(self._in_folder(measured), on_done=on_done, on_error=on_error)

    def export(
        self,
        node: Any,
        formats: str | Sequence[str],
        output: Path,
        on_done: Callable[[ExportReply], None] = ignore,
        on_error: Failed = ignore,
        *,
        overwrite: bool = False,
    ) -> Job[ExportReply]:
        """Write a segmentation node as it is now into files of a folder; the formats are those of ``export_node``."""
        names = (formats,) if isinstance(formats, str) else tuple(formats)

        def exported(folder: Path) -> Pieces[ExportReply]:
            return export_node(node, names, output, folder=folder, ask=self.worker.ask, overwrite=overwrite)

        return self.pump.add(self._in_folder(exported), on_done=on_done, on_error=on_error)

    def export_to_database(
        self, node: Any, on_done: Callable[[ExportReply], None] = ignore, on_error: Failed = ignore
    ) -> Job[ExportReply]:
        """Put a segmentation node as it is now into Slicer's DICOM database, under the study of its image."""

        def stored(folder: Path) -> Pieces[ExportReply]:
            # Asked first: the image may be deleted meanwhile.
            study_uid = _study_of(node)
            reply = yield from export_node(node, (DICOM_SEG,), folder / "written", folder=folder, ask=self.worker.ask)
            yield None
            with wait_cursor():
                for path in reply.files[DICOM_SEG]:
                    insert_segmentation(path, study_uid)
            notice = reading_notice()
            return replace(reply, files={}, notices=(*reply.notices, *((notice,) if notice else ())))

        return self.pump.add(self._in_folder(stored), on_done=on_done, on_error=on_error)

    def _in_folder(self, work: Callable[[Path], Pieces[T]]) -> Pieces[T]:
        folder = self.exchange.new_folder()
        try:
            return (yield from work(folder))
        finally:
            self.exchange.remove(folder)


def _study_of(node: Any) -> str:
    image = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    series = origin_of(image).series if image is not None else None
    return series.study_instance_uid if series is not None else ""
