"""Files of a study sorted into series, and each series into stacks of images of one size and orientation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from pydicom.uid import UID

from ..core.colours import PHOTOMETRIC, RGB
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.quantities import PADDING_VALUES
from ..core.volume import SeriesReference
from .dicom_records import ASSUMED_SPACING_MM, Frame, Instance

_SAME_ORIENTATION = 1e-3
_SAME_SPACING = 1e-3

_NO_INPUT: Mapping[str, Callable[[], str]] = {
    "RTDOSE": lambda: _("RT dose"),
    "RTSTRUCT": lambda: _("RT structure set"),
    "RTPLAN": lambda: _("RT plan"),
    "RTRECORD": lambda: _("RT treatment record"),
    "SEG": lambda: _("segmentation"),
    "SR": lambda: _("structured report"),
    "KO": lambda: _("key object selection"),
    "PR": lambda: _("presentation state"),
    "REG": lambda: _("registration"),
    "ECG": lambda: _("ECG"),
    "RWV": lambda: _("real-world value mapping"),
    "DOC": lambda: _("document"),
    "AU": lambda: _("audio"),
    "HD": lambda: _("haemodynamic waveform"),
    "SMR": lambda: _("stereometric relationship"),
    "FID": lambda: _("fiducials"),
    "PLAN": lambda: _("plan"),
    "M3D": lambda: _("3D model"),
    "SM": lambda: _("slide microscopy"),
    "OPT": lambda: _("ophthalmic tomography"),
}
"""Modalities of objects that are no input image, and what to call them."""

_WITH_AN = ("RTDOSE", "RTSTRUCT", "RTPLAN", "RTRECORD", "ECG", "AU", "OPT")
"""Those whose English names begin with a vowel to the ear."""

_VOLUMETRIC = ("CT", "MR", "PT", "NM")
_ACQUISITION = ("AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime")

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Stack:
    """Images of one series, of one size, spacing and orientation.

    Attributes:
        copies: pairs of frames of the same SOP instance in two files; only the first is among the frames.
        question: why it may be no single image, and that it is taken as one; empty where nothing speaks against it.
    """

    instances: tuple[Instance, ...]
    frames: tuple[Frame, ...]
    copies: tuple[tuple[Frame, Frame], ...] = ()
    notices: tuple[Notice, ...] = ()
    question: str = ""

    @property
    def first(self) -> Instance:
        return self.instances[0]


def by_series(instances: Iterable[Instance]) -> list[list[Instance]]:
    """Instances of each series; where its UID is empty, of each folder, study, frame of reference and modality."""

    def key(instance: Instance) -> tuple[object, ...]:
        if instance.series_instance_uid:
            return (instance.series_instance_uid,)
        place = (instance.study_instance_uid, instance.frame_of_reference_uid, instance.modality)
        return ("", instance.path.parent, *place)

    return _grouped(instances, key)


def by_refusal(series: Iterable[Instance]) -> tuple[list[Instance], list[tuple[str, str, list[Instance]]]]:
    """The images of a series, and what cannot be one: what it is, why, and its files."""
    groups = _grouped(series, refusal)
    usable = [group for group in groups if refusal(group[0]) is None]
    refused = [(found[0], found[1], group) for group in groups if (found := refusal(group[0])) is not None]
    return [instance for group in usable for instance in group], refused


def refusal(instance: Instance) -> tuple[str, str] | None:
    """What a file is and why it is no input image; None if it is one."""
    if instance.modality in _NO_INPUT:
        name = _NO_INPUT[instance.modality]()
        an, a = _("it is an {name}, not an image."), _("it is a {name}, not an image.")
        what = (an if instance.modality in _WITH_AN else a).format(name=name)
        return _("DICOM {name}").format(name=name), what
    if not (instance.rows and instance.columns):
        return _("DICOM object ({kind})").format(kind=_class_name(instance)), _("it holds no image.")
    if instance.stored_bytes is not None and instance.stored_bytes <= 0:
        return _("DICOM header"), _("it holds no pixel data.")
    if instance.is_mosaic:
        why = _("its slices are tiled into one image (a Siemens mosaic); the volume cannot be rebuilt.")
        return _("DICOM mosaic"), why
    if instance.colour_map:
        why = _("its pixels stand for colours (a supplemental palette), not for measured values.")
        return _("DICOM colour map"), why
    if any(not math.isfinite(frame.slope) or not math.isfinite(frame.intercept) for frame in instance.frames):
        return _kind(instance), _("its values cannot be computed (RescaleSlope or RescaleIntercept is not a number).")
    if is_projection(instance):
        return None
    if instance.is_coloured:
        why = _("it is a colour image ({photometric}), no scalar volume.").format(photometric=instance.photometric)
        return _("DICOM colour image"), why
    if any(frame.position_lps is None or frame.orientation is None for frame in instance.frames):
        why = (
            _("its frames do not say where they are in the patient (ImagePositionPatient is missing).")
            if instance.frame_count > 1
            else _("its slices do not say where they are in the patient (ImagePositionPatient is missing).")
        )
        return _kind(instance), why
    if any(not _is_orthonormal(frame) for frame in instance.frames):
        return _kind(instance), _("its row and column directions are not at right angles (ImageOrientationPatient).")
    return None


def is_projection(instance: Instance) -> bool:
    """Whether it is one image that has no place in the patient and needs none, like a radiograph."""
    return (
        instance.modality not in _VOLUMETRIC and instance.frame_count == 1 and instance.frames[0].position_lps is None
    )


def stacks_of(images: Sequence[Instance]) -> list[Stack]:
    """The stacks of a series; radiographs are a stack each."""
    frames, copies = _without_copies(images)
    owner = {frame: instance for instance in images for frame in instance.frames}
    stacks: list[list[Frame]] = []
    for frame in frames:
        home = next((stack for stack in stacks if _alike(owner[stack[0]], stack[0], owner[frame], frame)), None)
        if home is None:
            stacks.append([frame])
        else:
            home.append(frame)
    return [
        Stack(
            instances=tuple(dict.fromkeys(owner[frame] for frame in stack)),
            frames=tuple(stack),
            copies=tuple(pair for pair in copies if pair[0] in members),
        )
        for stack in stacks
        for members in [set(stack)]
    ]


def series_of(first: Instance, frames: Sequence[Frame]) -> SeriesReference:
    """Files and instances in the order of the slices, one for a multi-frame object."""
    files = dict.fromkeys(frame.path for frame in frames)
    uids = dict.fromkeys((frame.path, frame.sop_instance_uid) for frame in frames)
    return SeriesReference(
        study_instance_uid=first.study_instance_uid,
        series_instance_uid=first.series_instance_uid,
        frame_of_reference_uid=first.frame_of_reference_uid,
        sop_class_uid=first.sop_class_uid,
        sop_instance_uids=tuple(uid for _path, uid in uids),
        files=tuple(files),
    )


def attributes_of(stack: Stack, frames: Sequence[Frame]) -> dict[str, str]:
    """Those of a volume's first frame; the acquisition's date and time are the earliest, from which PET decays."""
    paths = {frame.path for frame in frames}
    instances = [instance for instance in stack.instances if instance.path in paths]
    attributes = dict(instances[0].attributes)
    attributes |= {mark: value for mark, value in frames[0].marks.items() if mark in attributes and value}
    earliest = min(instances, key=lambda i: tuple(i.attributes.get(keyword, "") for keyword in _ACQUISITION)).attributes
    attributes |= {keyword: earliest[keyword] for keyword in _ACQUISITION if keyword in earliest}
    if stack.first.is_coloured:
        attributes[PHOTOMETRIC] = RGB
    rescales = {(frame.slope, frame.intercept) for frame in frames}
    if stack.first.padding_stored and len(rescales) == 1:
        slope, intercept = rescales.pop()
        ends = sorted(end * slope + intercept for end in stack.first.padding_stored)
        attributes[PADDING_VALUES] = "\\".join(f"{end:g}" for end in ends)
    return attributes


def kind_of(stack: Stack) -> str:
    """What a stack is, in a user's words."""
    return _kind(stack.first)


def _kind(instance: Instance) -> str:
    if is_projection(instance):
        return _("DICOM image")
    return _("DICOM multi-frame") if instance.frame_count > 1 else _("DICOM series")


def _class_name(instance: Instance) -> str:
    if not instance.sop_class_uid:
        return _("of unknown kind")
    return UID(instance.sop_class_uid).name.removesuffix(" Storage")


def _without_copies(images: Sequence[Instance]) -> tuple[list[Frame], list[tuple[Frame, Frame]]]:
    """Frames without those of an instance that another file holds too, and the pairs to be compared when read."""
    first: dict[str, Instance] = {}
    frames: list[Frame] = []
    copies: list[tuple[Frame, Frame]] = []
    for instance in sorted(images, key=lambda image: image.path):
        original = first.setdefault(instance.sop_instance_uid or str(instance.path), instance)
        if original is instance or original.frame_count != instance.frame_count:
            frames.extend(instance.frames)
        else:
            copies.extend(zip(original.frames, instance.frames, strict=True))
    return frames, copies


def _alike(a: Instance, frame_a: Frame, b: Instance, frame_b: Frame) -> bool:
    if (a.rows, a.columns, a.is_localizer) != (b.rows, b.columns, b.is_localizer):
        return False
    if frame_a.position_lps is None or frame_b.position_lps is None:
        return False
    if (frame_a.pixel_spacing_mm is None) != (frame_b.pixel_spacing_mm is None):
        return False
    spacing = np.array([frame.pixel_spacing_mm or ASSUMED_SPACING_MM for frame in (frame_a, frame_b)])
    if np.abs(spacing[0] / spacing[1] - 1.0).max() > _SAME_SPACING:
        return False
    return bool(np.abs(np.asarray(frame_a.orientation) - np.asarray(frame_b.orientation)).max() <= _SAME_ORIENTATION)


def _is_orthonormal(frame: Frame) -> bool:
    if frame.orientation is None:
        return False
    row, column = frame.orientation[:3], frame.orientation[3:]
    lengths = np.array([np.linalg.norm(row), np.linalg.norm(column)])
    return bool(np.abs(lengths - 1.0).max() < 0.01 and abs(row @ column) < 0.01)


def _grouped(items: Iterable[T], key: Callable[[T], object]) -> list[list[T]]:
    groups: dict[object, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())
