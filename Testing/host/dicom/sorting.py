"""DICOM files in the order of their places along the normal of the first one."""

from __future__ import annotations

from typing import Any

import numpy as np

POSITION, ORIENTATION, FRAMES = "0020,0032", "0020,0037", "0028,0008"


def vector(text: str) -> Any:
    """Numbers separated by backslashes; None for an empty text."""
    return np.array([float(item) for item in text.split("\\")]) if text else None


def sorted_files(database: Any, files: list[str], epsilon: float) -> tuple[list[str], dict[str, float], str]:
    """The files, the distance of each in mm, and a warning, empty where there is none."""
    warning = ""
    if not files:
        return files, {}, warning
    if database.fileValue(files[0], FRAMES) not in ("", "1"):
        warning = "Multi-frame image. It may be shown wrongly if its slices do not stand evenly.\n"
    places = {file: vector(database.fileValue(file, POSITION)) for file in files}
    cosines = vector(database.fileValue(files[0], ORIENTATION))
    if cosines is None or any(place is None for place in places.values()):
        return files, {}, warning + "Images of the series lack geometry information.\n"
    normal = np.cross(cosines[:3], cosines[3:])
    distances = {file: float((places[file] - places[files[0]]) @ normal) for file in files}
    ordered = sorted(files, key=lambda file: distances[file])
    gaps = np.diff([distances[file] for file in ordered])
    if len(gaps) and np.abs(gaps - gaps[0]).max() > epsilon:
        warning += f"Image slices are not equally spaced ({gaps.min():g} to {gaps.max():g} mm).\n"
    return ordered, distances, warning
