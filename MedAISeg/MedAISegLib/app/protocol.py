"""What Slicer's process and the worker say to each other, as JSON lines.

::

    to the worker      {"id": 3, "request": {"kind": "SegmentRequest", …}}      {"cancel": 3}
    from the worker    {"hello": {"kind": "Hello", …}}
                       {"id": 3, "progress": {"kind": "ProgressEvent", …}}
                       {"id": 3, "reply": {"kind": "SegmentReply", …}}
                       {"id": 3, "error": {"kind": "ErrorRecord", …}}

Every request gets exactly one reply or error. Voxels do not pass through the pipe: they lie as raw arrays in files of a
folder that belongs to the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core.classification import ClassificationResult
from ..core.geometry import VolumeGeometry
from ..core.node_description import NodeDescription
from ..core.notice import Notice
from ..core.result import JobResult, SegmentResult
from ..core.segmentation import Segment
from ..core.volume import SeriesReference
from .job import SegmentationJob
from .store_protocol import (
    ExportModelReply,
    ExportModelRequest,
    InstallModelRequest,
    InstallReply,
    ModelsReply,
    ModelsRequest,
    PackModelsRequest,
    RemoveModelRequest,
    TrustRequest,
    VerifyReply,
    VerifyRequest,
)

PROTOCOL_VERSION = 1


@dataclass(frozen=True)
class ArrayFile:
    """A raw C-ordered array in a file of the request's folder; ``dtype`` is numpy's name with its byte order."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class VolumeRecord:
    """A :class:`~MedAISegLib.core.volume.Volume` whose voxels (k, j, i) lie in a file; geometry in LPS mm."""

    voxels: ArrayFile
    geometry: VolumeGeometry
    modality: str = ""
    description: str = ""
    series: SeriesReference | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class SegmentationRecord:
    """A :class:`~MedAISegLib.core.segmentation.Segmentation` whose layers (layer, k, j, i) lie in a file."""

    layers: ArrayFile
    geometry: VolumeGeometry
    segments: tuple[Segment, ...]
    series: SeriesReference | None = None
    node: NodeDescription | None = None


@dataclass(frozen=True)
class DeviceRecord:
    """A device that networks can run on.

    Attributes:
        name: as a job names it: ``cpu``, ``cuda:0``, ``mps``.
        label: for a user, e.g. the GPU's product name.
        free_bytes: memory that is free now; total_bytes: that it has. 0 where unknown.
        problem: why it cannot be used, empty where it can.
    """

    name: str
    label: str
    free_bytes: int = 0
    total_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True)
class WarmUpRequest:
    """Load a model, so that the next run need not wait for it."""

    model: str
    device: str = "auto"


@dataclass(frozen=True)
class DevicesRequest:
    """Which devices are there?"""


@dataclass(frozen=True)
class DevicesReply:
    """The first is what ``auto`` takes."""

    devices: tuple[DeviceRecord, ...]


@dataclass(frozen=True)
class DiagnoseRequest:
    """Run a tiny real computation on a device, and say what is installed."""

    device: str = "auto"


@dataclass(frozen=True)
class DiagnoseReply:
    """Lines for a user; ``works`` is False where the computation failed."""

    works: bool
    lines: tuple[str, ...]


@dataclass(frozen=True)
class NeedRequest:
    """What would a run need? Only headers: channel name to shape (k, j, i) and spacing mm of its image."""

    job: SegmentationJob
    geometries: Mapping[str, VolumeGeometry]


@dataclass(frozen=True)
class NeedReply:
    """Estimates of memory in bytes and of time; ``seconds`` is None before a first run on this device."""

    host_bytes: int
    host_free_bytes: int
    device_bytes: int
    device_free_bytes: int
    seconds: float | None = None


@dataclass(frozen=True)
class ModelRunRequest:
    """Run a model on the channels, whose voxels lie in ``folder``."""

    folder: Path
    job: SegmentationJob
    channels: Mapping[str, VolumeRecord]


class SegmentRequest(ModelRunRequest):
    """By a segmentation model; ``folder`` gets the labels."""


@dataclass(frozen=True)
class SegmentReply:
    """The labels on the first channel's grid.

    Attributes:
        checksums: of each segment's voxels by name (core.checksums), to know later whether a user has edited it.
    """

    segmentation: SegmentationRecord
    result: JobResult
    checksums: Mapping[str, str] = field(default_factory=dict)


class ClassifyRequest(ModelRunRequest):
    """By a classification model."""


@dataclass(frozen=True)
class ClassifyReply:
    """Its images have no names: they are the slices of the first channel, or the one image."""

    result: ClassificationResult


@dataclass(frozen=True)
class MeasureRequest:
    """Volume, statistics and checksum of segments as they are now; ``volume`` lies on the same grid."""

    folder: Path
    segmentation: SegmentationRecord
    volume: VolumeRecord | None = None


@dataclass(frozen=True)
class MeasureReply:
    """In the order of the request's segments."""

    segments: tuple[SegmentResult, ...]
    checksums: Mapping[str, str]


@dataclass(frozen=True)
class ExportRequest:
    """Write files of the exporters (Slicer's own, DICOM SEG, NIfTI, tables) into ``output``, atomically.

    Attributes:
        edited: names of the segments that a person has changed or made: SEMIAUTOMATIC or MANUAL in DICOM SEG.
        whole: what Slicer's own file takes instead, where the segmentation's grid does not hold all of the node.
    """

    folder: Path
    segmentation: SegmentationRecord
    result: JobResult
    formats: tuple[str, ...]
    output: Path
    overwrite: bool = False
    edited: tuple[str, ...] = ()
    whole: SegmentationRecord | None = None


@dataclass(frozen=True)
class ExportReply:
    """What was written, by format."""

    files: Mapping[str, tuple[Path, ...]]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Done:
    """The reply to a request that has nothing to tell."""


@dataclass(frozen=True)
class Hello:
    """The worker's first words."""

    pid: int
    protocol: int
    python: str
    software_version: str


@dataclass(frozen=True)
class ErrorRecord:
    """An error of core.errors, or ``InternalError`` for a fault of the program.

    Attributes:
        details: for the log.
        contents: of a NotTrustedError.
    """

    error: str
    what: str
    where: str = ""
    remedy: str = ""
    details: str = ""
    contents: tuple[str, ...] = ()


Request = (
    ModelsRequest
    | InstallModelRequest
    | RemoveModelRequest
    | VerifyRequest
    | PackModelsRequest
    | ExportModelRequest
    | TrustRequest
    | WarmUpRequest
    | DevicesRequest
    | DiagnoseRequest
    | NeedRequest
    | SegmentRequest
    | ClassifyRequest
    | MeasureRequest
    | ExportRequest
)
Reply = (
    ModelsReply
    | InstallReply
    | VerifyReply
    | ExportModelReply
    | DevicesReply
    | DiagnoseReply
    | NeedReply
    | SegmentReply
    | ClassifyReply
    | MeasureReply
    | ExportReply
    | Done
)
