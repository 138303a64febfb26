"""What a network's file takes and gives, found by trying it in another process, which it may end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import ModelError, UsageError
from ...core.progress import Poll, never
from ...core.records import from_json, to_json
from ..checking import ask_apart
from . import SUFFIXES
from .description import NetworkFile

_TRYING = "MedAISegLib.formats.medaiseg_bundle.trying"


@dataclass(frozen=True)
class Probe:
    """A network that has been tried.

    Attributes:
        dimensions: 2 or 3.
        channels: it takes.
        classes: it gives.
        divisor: the lengths of its windows are multiples of this; 0 where it takes one size alone.
        size: a window that it takes.
    """

    file: NetworkFile
    dimensions: int
    channels: int
    classes: int
    divisor: int
    size: tuple[int, int, int]


def network_file_in(path: Path) -> Path:
    """The file itself, or the only network in a folder.

    Raises:
        UsageError: if there is none or there are several.
    """
    if path.is_file():
        found = [path]
    else:
        found = sorted(file for file in path.glob("*") if file.suffix in SUFFIXES[:-1] and file.is_file())
    remedy = f"Name one file of {', '.join(SUFFIXES[:-1])}."
    if not found or found[0].suffix not in SUFFIXES[:-1]:
        raise UsageError("there is no network of TorchScript or ONNX.", where=str(path), remedy=remedy)
    if len(found) > 1:
        several = f"{len(found)} networks are there: {', '.join(file.name for file in found[:5])}."
        raise UsageError(several, where=str(path), remedy=remedy)
    return found[0]


def probe(path: Path, dimensions: int | None = None, channels: int | None = None, *, poll: Poll = never) -> Probe:
    """Try a network's file with images of several sizes.

    Args:
        dimensions: 2 or 3, where it is known.
        channels: that it takes, where they are known.
        poll: may raise Cancelled, which ends it within a second.

    Raises:
        NotTrustedError: if the file asks for more than to compute.
        ModelError: if it takes no image that was tried, or cannot be tried to the end.
        ResourceError: if the package that runs ONNX is missing, or no process can be started.
    """
    return from_json(Probe, ask_apart(f"{_TRYING}:probe", (str(path), dimensions, channels), [path], poll))


def takes(path: Path, probed: Probe, size: tuple[int, int, int], *, poll: Poll = never) -> str:
    """Why the network does not take windows of that size; empty where it does."""
    try:
        ask_apart(f"{_TRYING}:run_window", (str(path), to_json(probed), size), [path], poll)
    except ModelError as error:
        return error.what
    return ""
