"""DICOM Segmentation objects (PS3.3 A.51, and A.101 for label maps) through highdicom."""

from __future__ import annotations

import warnings
from enum import Enum
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.resampling import rectilinear_segmentation
from ..core.result import JobResult, Provenance
from ..core.segmentation import Segment, Segmentation, translated
from .atomic import atomic_path
from .dicom_segments import describe_segments
from .dicom_sources import read_sources, state_slice_step
from .stopping import stoppable
from .written import Written

_LARGEST_BINARY_BYTES = 64 * 2**20
"""Beyond this, one bit for each voxel of each segment costs more than the few readers that know no label maps."""


class SegEncoding(Enum):
    """How the voxels are stored: a bit plane a segment, one label map, or what suits."""

    AUTO = "auto"
    BINARY = "binary"
    LABELMAP = "labelmap"


def write_dicom_seg(
    segmentation: Segmentation,
    result: JobResult,
    path: Path,
    *,
    overwrite: bool = False,
    encoding: SegEncoding = SegEncoding.AUTO,
    poll: Poll = never,
) -> Written:
    """One SEG object that refers to the source series; frames lie where the geometry says, whatever the files' order.

    Segments without a voxel are left out, with a notice; where none is left, no file is written. A sheared grid is
    resampled to an upright one. Overlapping segments are always stored as BINARY.

    Raises:
        InputError: if the source is no DICOM series, lacks UIDs, or cannot be referred to.
        UsageError: if the file is there and may not be overwritten.
        ResourceError: if it cannot be written.
        Cancelled: if the user stopped it.
    """
    counts = segmentation.voxel_counts(poll)
    found = tuple(s for s in segmentation.segments if counts[s.name] > 0)
    notices = _left_out([s for s in segmentation.segments if counts[s.name] == 0], anything_left=bool(found))
    if not found:
        return Written((), notices)
    upright, resampled = rectilinear_segmentation(segmentation, "DICOM SEG", poll)
    notices += resampled
    sources, left_out = read_sources(segmentation.series, poll)
    notices += left_out
    state_slice_step(sources, round(float(upright.geometry.spacing_mm[0]), 6))
    overlap = _overlap(upright.layers, poll)
    if encoding is SegEncoding.AUTO:
        encoding = _suitable_encoding(upright, found, poll, overlap=overlap)
    if overlap and encoding is SegEncoding.LABELMAP:
        encoding = SegEncoding.BINARY
        notices += (Notice("dicom-seg-overlap", "The segments overlap: the DICOM SEG is BINARY, not a label map."),)
    if encoding is SegEncoding.LABELMAP:
        # Segment numbers are the label values there, and the descriptions stand in their order.
        found = tuple(sorted(found, key=lambda s: s.label_value))
    numbers = {s.name: s.label_value if encoding is SegEncoding.LABELMAP else n + 1 for n, s in enumerate(found)}
    voxels = _masks(upright, found, poll) if overlap else _label_map(upright, found, numbers, poll)
    seg = stoppable(
        lambda: _build(sources, voxels, upright.geometry, found, numbers, encoding, result.provenance), poll
    )
    with atomic_path(path, overwrite=overwrite) as temporary:
        stoppable(lambda: seg.save_as(temporary), poll)
    return Written((path,), notices)


def _left_out(empty: list[Segment], *, anything_left: bool) -> tuple[Notice, ...]:
    if not anything_left:
        return (Notice("dicom-seg-empty", "No segment has a voxel: no DICOM SEG was written, it cannot be empty."),)
    if not empty:
        return ()
    names = ", ".join(s.name for s in empty)
    return (Notice("dicom-seg-left-out", f"Not in the DICOM SEG, for they have no voxel: {names}."),)


def _overlap(layers: NDArray[Any], poll: Poll) -> bool:
    if len(layers) == 1:
        return False
    for k in range(layers.shape[1]):
        if np.count_nonzero(layers[:, k], axis=0).max() > 1:
            return True
        poll()
    return False


def _suitable_encoding(
    segmentation: Segmentation, found: tuple[Segment, ...], poll: Poll, *, overlap: bool
) -> SegEncoding:
    """BINARY, which every reader knows, as long as the file stays of a handy size."""
    if overlap:
        return SegEncoding.BINARY
    largest = max(s.label_value for s in found)
    frames = 0
    for layer in segmentation.layers:
        for plane in layer:
            frames += int(np.count_nonzero(np.bincount(plane.ravel(), minlength=largest + 1)[1:]))
            poll()
    _, rows, columns = segmentation.geometry.shape_kji
    return SegEncoding.BINARY if frames * rows * columns / 8 <= _LARGEST_BINARY_BYTES else SegEncoding.LABELMAP


def _label_map(
    segmentation: Segmentation, found: tuple[Segment, ...], numbers: dict[str, int], poll: Poll
) -> NDArray[Any]:
    """(k, j, i), the number of the segment at each voxel; the layers must not overlap."""
    dtype = np.uint8 if max(numbers.values()) < 256 else np.uint16
    merged = np.zeros(segmentation.geometry.shape_kji, dtype=dtype)
    largest = int(segmentation.layers.max())
    for n, layer in enumerate(segmentation.layers):
        number_of = np.zeros(largest + 1, dtype=dtype)
        for segment in found:
            if segment.layer == n and segment.label_value <= largest:
                number_of[segment.label_value] = numbers[segment.name]
        merged |= translated(layer, number_of, poll)
    return merged


def _masks(segmentation: Segmentation, found: tuple[Segment, ...], poll: Poll) -> NDArray[np.bool_]:
    """(k, j, i, segment), where each segment is."""
    masks = np.empty((*segmentation.geometry.shape_kji, len(found)), dtype=bool)
    for k, plane in enumerate(masks):
        for n, segment in enumerate(found):
            plane[..., n] = segmentation.layers[segment.layer, k] == segment.label_value
        poll()
    return masks


def _build(
    sources: list[Dataset],
    voxels: NDArray[Any],
    geometry: VolumeGeometry,
    found: tuple[Segment, ...],
    numbers: dict[str, int],
    encoding: SegEncoding,
    provenance: Provenance,
) -> hd.seg.Segmentation:
    labelmap = encoding is SegEncoding.LABELMAP
    if labelmap and "gdcm" in RLELosslessEncoder.available_plugins:
        # python-gdcm 3.2 aborts the whole process on 8-bit frames of odd size.
        RLELosslessEncoder.remove_plugin("gdcm")
    try:
        # highdicom warns about unusual names and quotes them: a patient's name does not belong on a console.
        with warnings.catch_warnings(action="ignore"):
            return hd.seg.Segmentation(
                source_images=sources,
                pixel_array=voxels,
                segmentation_type=hd.seg.SegmentationTypeValues[encoding.name],
                segment_descriptions=describe_segments(found, numbers, provenance),
                series_instance_uid=hd.UID(),
                series_number=_series_number(sources[0]),
                sop_instance_uid=hd.UID(),
                instance_number=1,
                manufacturer="MedAISeg",
                manufacturer_model_name="MedAISeg",
                software_versions=provenance.software_version,
                device_serial_number=provenance.software_version,
                transfer_syntax_uid=RLELossless if labelmap else ExplicitVRLittleEndian,
                series_description="Segmentation by MedAISeg",
                # The source's own character set may lack the letters of a segment's name.
                specific_character_set="ISO_IR 192",
                **_place(geometry, sources),
            )
    except (AttributeError, KeyError, ValueError) as error:
        # The library's own words may quote the patient's data.
        raise InputError(
            "a DICOM SEG cannot refer to this series: its headers are not as the standard asks.",
            remedy="Write another format, such as NIfTI or .seg.nrrd.",
        ) from error


def _place(geometry: VolumeGeometry, sources: list[Dataset]) -> dict[str, Any]:
    """Where the frames lie, by which highdicom finds the source image of each: each slice has its own position.

    ``highdicom.Volume`` is not used, for it refuses grids that are at right angles only to real series' precision.
    A plain radiograph has no frame of reference: its mask is taken to lie on the image itself.
    """
    if not sources[0].get("FrameOfReferenceUID"):
        return {}
    step_mm, row_mm, column_mm = (round(float(spacing), 6) for spacing in geometry.spacing_mm)
    _, down, across = geometry.directions_lps.T
    down = down - across * (down @ across)
    down /= np.linalg.norm(down)
    origins = geometry.index_to_lps([(k, 0, 0) for k in range(geometry.shape_kji[0])])
    return {
        "plane_positions": [hd.PlanePositionSequence("PATIENT", origin.tolist()) for origin in origins],
        "plane_orientation": hd.PlaneOrientationSequence("PATIENT", [*across.tolist(), *down.tolist()]),
        "pixel_measures": hd.PixelMeasuresSequence(
            pixel_spacing=[row_mm, column_mm], slice_thickness=step_mm, spacing_between_slices=step_mm
        ),
    }


def _series_number(source: Dataset) -> int:
    """Beside the source's own in a list of series."""
    return 1000 + abs(int(source.get("SeriesNumber") or 0)) % 1_000_000
