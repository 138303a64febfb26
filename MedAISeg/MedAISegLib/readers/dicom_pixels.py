"""Pixels of DICOM files as real-world values: decoded, sign-extended, rescaled frame by frame.

GDCM decodes; the rescale is ours, because ITK takes one frame's slope for all of a multi-frame object and
hides the stored values that PixelPaddingValue speaks of.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from ..core.colours import luminance
from ..core.errors import InputError
from .dicom_header import BROKEN
from .dicom_plain import is_as_it_was, read_plain, stored_bits
from .dicom_records import PALETTE, Frame

Array = NDArray[Any]

_RUN_LENGTH_DECODER = "pydicom"
_DECODER = "gdcm"
"""GDCM aborts the process on some run-length frames, so those are not its work."""

_WORKERS = 4
"""Reading waits for disks and networks; GDCM computes one frame at a time, JPEG 2000 on all cores."""

_AHEAD = 2 * _WORKERS
"""Files that may be decoded before their turn: more would hold the volume twice."""

VALUES_NOT_DISPLAY = ("CT", "PT", "NM")
"""Modalities whose values mean a quantity: MONOCHROME1 is then a wish for the display only."""


def read_frames(frames: Sequence[Frame], shape: tuple[int, int], progress: Callable[[float], None]) -> Array:
    """(n, row, column), real-world values of the frames in their order.

    int16 where every value is a whole number that fits, else float32.

    Raises:
        InputError: if a file is damaged or its pixels are of a kind that is not read.
    """
    whole = all(frame.slope == 1.0 and frame.intercept.is_integer() for frame in frames)
    stack = np.empty((len(frames), *shape), dtype=np.int16 if whole else np.float32)
    with closing(_decoded(frames)) as decoded:
        for done, (number, stored) in enumerate(decoded):
            frame = frames[number]
            _check_slope(frame, stored)
            if stack.dtype == np.int16 and not _fits_int16(stored, frame.intercept):
                stack = stack.astype(np.float32)
            if stack.dtype == np.int16:
                np.add(stored, int(frame.intercept), out=stack[number], casting="unsafe", dtype=np.int32)
            else:
                stack[number] = stored * np.float64(frame.slope) + frame.intercept
            progress((done + 1) / len(frames))
    return stack


def _check_slope(frame: Frame, stored: Array) -> None:
    """Raises InputError if a slope of zero makes different pixels equal; a scanner may write it for an empty slice."""
    if frame.slope == 0.0 and stored.min() != stored.max():
        raise InputError(
            "its RescaleSlope is 0, while other images of the series have a true one: its values are lost.",
            where=frame.path.name,
            remedy="Export the series again from its source.",
        )


def _decoded(frames: Sequence[Frame]) -> Generator[tuple[int, Array], None, None]:
    """Frame number and stored values, file by file, read and decoded ahead by a few threads."""
    by_file: dict[Path, list[int]] = {}
    for number, frame in enumerate(frames):
        by_file.setdefault(frame.path, []).append(number)

    def decode(numbers: Sequence[int]) -> Iterator[tuple[int, Array]]:
        return zip(numbers, values_of([frames[n] for n in numbers]), strict=True)

    if len(by_file) == 1:
        # All frames of a large file at once would take twice the memory, and could not be stopped.
        for numbers in by_file.values():
            yield from decode(numbers)
        return
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[list[tuple[int, Array]]]] = deque()
        try:
            for numbers in by_file.values():
                waiting.append(pool.submit(lambda wanted: list(decode(wanted)), numbers))
                if len(waiting) > _AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            # A cancelled run must not wait for the files that are still in the queue.
            pool.shutdown(cancel_futures=True)


def values_of(frames: Sequence[Frame]) -> Iterator[Array]:
    """(row, column) stored values of frames of one file, straight from their place where they are plain.

    Raises:
        InputError: if the file is damaged, or encoded in a way that is not read.
    """
    path, plain = frames[0].path, frames[0].plain
    if plain is None or not is_as_it_was(path, plain):
        # Also what has changed or gone since the header was read: that is for pydicom to say.
        yield from stored_values(path, [frame.index for frame in frames])
        return
    for frame in frames:
        with _damage_explained(path):
            values = read_plain(path, plain, frame.index)
        yield values


def stored_values(path: Path, indices: Sequence[int]) -> Iterator[Array]:
    """(row, column) stored values of a file's frames: signed, without overlay bits, colour as its luminance.

    Raises:
        InputError: if the file is damaged, or encoded in a way that is not read.
    """
    with _damage_explained(path):
        dataset = dcmread(path, force=True)
    for index in indices:
        with _damage_explained(path):
            values = _grey(dataset, _frame_pixels(dataset, index))
        yield values


def read_colours(frame: Frame) -> Array:
    """(row, column, 3) red, green and blue of a coloured frame: YBR converted, a palette looked up.

    Raises:
        InputError: if the file is damaged, or encoded in a way that is not read.
    """
    with _damage_explained(frame.path):
        dataset = dcmread(frame.path, force=True)
        return _colours(dataset, _frame_pixels(dataset, frame.index))


@contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (*BROKEN, RuntimeError) as error:
        raise InputError(
            "its pixels cannot be decoded: the file is damaged or cut short, or its encoding is not known.",
            where=path.name,
            remedy="Copy it again from its source, or export it uncompressed.",
        ) from error


def _frame_pixels(dataset: FileDataset, index: int) -> Array:
    syntax = dataset.file_meta.get("TransferSyntaxUID") or _guessed_syntax(dataset)
    plugin = "" if not syntax.is_encapsulated else _RUN_LENGTH_DECODER if syntax == RLELossless else _DECODER
    colour = int(dataset.get("SamplesPerPixel") or 1) > 1
    options: Any = {"raw": not colour, "decoding_plugin": plugin, "correct_unused_bits": False}
    frame, _ = get_decoder(syntax).as_array(dataset, index=index, **options)
    return np.asarray(frame)


def _guessed_syntax(dataset: FileDataset) -> UID:
    """The transfer syntax of a file that has no meta header, as it was found while parsing."""
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _colours(dataset: FileDataset, pixels: Array) -> Array:
    """As they are where there is one sample a pixel that stands for itself."""
    if dataset.get("PhotometricInterpretation") == PALETTE:
        pixels = apply_color_lut(pixels, dataset)
    return np.asarray(pixels[..., :3]) if pixels.ndim == 3 else pixels


def _grey(dataset: FileDataset, pixels: Array) -> Array:
    photometric = str(dataset.get("PhotometricInterpretation"))
    pixels = _colours(dataset, pixels)
    if pixels.ndim == 3:
        return luminance(pixels)
    pixels = _without_unused_bits(dataset, pixels)
    if photometric == "MONOCHROME1" and dataset.get("Modality") not in VALUES_NOT_DISPLAY:
        pixels = _inverted(dataset, pixels)
    return apply_modality_lut(pixels, dataset) if "ModalityLUTSequence" in dataset else pixels


def _without_unused_bits(dataset: FileDataset, pixels: Array) -> Array:
    """Decoders of compressed pixels give values whose lowest bit is the first."""
    if pixels.dtype.kind not in "iu":
        return pixels
    stored, high = int(dataset.get("BitsStored") or 0), int(dataset.get("HighBit") or 0)
    is_compressed = dataset.file_meta.get("TransferSyntaxUID", UID("")).is_compressed
    return stored_bits(pixels, stored, 0 if is_compressed else high + 1 - stored)


def _inverted(dataset: FileDataset, pixels: Array) -> Array:
    """Bright where the display would be bright."""
    if pixels.dtype.kind == "i":
        return np.asarray(~pixels)
    return np.asarray(((1 << int(dataset.BitsStored)) - 1) - pixels)


def _fits_int16(stored: Array, intercept: float) -> bool:
    if stored.dtype.kind not in "iu":
        return False
    limits = np.iinfo(np.int16)
    return bool(int(stored.min()) + intercept >= limits.min and int(stored.max()) + intercept <= limits.max)
