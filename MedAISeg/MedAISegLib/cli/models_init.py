"""``medaiseg models init``: describes a network's file, asking what the file cannot say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..core.disk import written_whole
from ..core.errors import UsageError
from ..formats.own_description import FILE_NAME
from .interrupts import Interrupts, pass_interrupts
from .models_answers import (
    INTENSITIES,
    Answers,
    parse_activation,
    parse_channels,
    parse_intensity,
    parse_labels,
    parse_orientation,
    parse_spacing,
    parse_window,
)
from .parameters import as_command

if TYPE_CHECKING:
    from ..formats.medaiseg_bundle.probing import Probe

_Read = TypeVar("_Read")

_CHANNELS = (
    "Name and modality of each channel in the network's order, such as T1 MR, FLAIR MR "
    "(CT, MR, PT, ...; none where any will do)"
)


@click.command("init")
@click.argument("path", metavar="FOLDER|FILE", type=click.Path(exists=True, path_type=Path))
@click.option("--dimensions", type=click.Choice(["2", "3"]), help="Of the network, where trying does not tell.")
@click.option("--channels", help='Name and DICOM modality of each input, e.g. "T1 MR, FLAIR MR".')
@click.option("--orientation", help="Patient sides that the array axes run to, e.g. RAS; keep.")
@click.option("--spacing", help="mm along each array axis, e.g. 1.5,1.5,2; 0 keeps an axis; keep.")
@click.option("--intensity", help=f"{INTENSITIES}.")
@click.option("--window", help="Voxels along each array axis, e.g. 96,96,96; whole.")
@click.option("--activation", help="What the scores still lack: softmax, sigmoid or none.")
@click.option("--labels", help='Names of the classes, e.g. "background, liver, tumour".')
@click.option("--name", help="Of the model.")
@click.option("--license", "licence", help="Of the model, e.g. Apache-2.0.")
@click.option("--overwrite", is_flag=True, help="Replace a medaiseg.json that is there.")
@pass_interrupts
def command(
    interrupts: Interrupts, /, path: Path, dimensions: str | None, overwrite: bool, **given: str | None
) -> None:
    """Describe a network in a TorchScript or ONNX file, so that it can be run: writes medaiseg.json beside it.

    What no option says is asked for. The network is tried with each answer before the file is written.
    """
    from ..formats.medaiseg_bundle.probing import network_file_in, probe

    file = network_file_in(path.expanduser().resolve())
    _require_free(file.parent / FILE_NAME, overwrite=overwrite)
    channels = _said("channels", given["channels"], parse_channels) if given["channels"] is not None else None
    click.echo(f"{file.name}: its network is run with images of several sizes ...", err=True)
    known = (int(dimensions) if dimensions else None, len(channels) if channels else None)
    probed = probe(file, *known, poll=interrupts.cancel.raise_if_cancelled)
    click.echo(_found(probed))
    write(file, _answers(file, probed, given, interrupts), interrupts)
    try_it = as_command("medaiseg", "segment", "INPUT", "--model", file.parent, "--output", "DIR")
    click.echo(f"Wrote {file.parent / FILE_NAME}. Try it: {try_it}")


def write(file: Path, answers: Answers, interrupts: Interrupts) -> None:
    """Write the description and read it back, network and all; an unusable one is taken away again.

    Raises:
        ResourceError: if it cannot be written.
    """
    from ..formats.checking import check_networks
    from ..formats.medaiseg_bundle.description import as_json

    place = file.parent / FILE_NAME
    before = place.read_bytes() if place.exists() else None

    def take_back() -> None:
        if before is None:
            place.unlink(missing_ok=True)
        else:
            _put(before, place)

    with interrupts.before_leaving(take_back):
        try:
            _put(as_json(answers.description()).encode(), place)
            click.echo(f"{file.name}: its network is run as it is described ...", err=True)
            check_networks(file.parent, interrupts.cancel.raise_if_cancelled)
            interrupts.settle()
        except BaseException:
            take_back()
            raise


def _require_free(place: Path, *, overwrite: bool) -> None:
    """Raises UsageError if something is there that is not to be replaced."""
    if place.is_symlink():
        raise UsageError(
            "it is a link, and may lead out of the model's folder.",
            where=str(place),
            remedy="Remove the link, or put the file that it leads to in its place.",
        )
    if place.exists() and not overwrite:
        raise UsageError(f"it has a {FILE_NAME}.", where=str(place.parent), remedy="--overwrite replaces it.")


def _put(content: bytes, place: Path) -> None:
    with written_whole(place) as stream:
        stream.write(content)


def _found(probed: Probe) -> str:
    size = " x ".join(str(n) for n in probed.size)
    rule = {0: f"windows of {size}", 1: "windows of any size"}.get(
        probed.divisor, f"windows whose lengths are multiples of {probed.divisor}"
    )
    return (
        f"{probed.file.file}: a {probed.dimensions}-D network, {probed.channels} channel(s) in, "
        f"{probed.classes} class(es) out, {rule} (tried with {size})."
    )


def _answers(file: Path, probed: Probe, given: dict[str, str | None], interrupts: Interrupts) -> Answers:
    from ..formats.medaiseg_bundle.probing import takes

    two = probed.dimensions == 2
    flat = Answers(probed)

    def channels(text: str) -> Answers:
        found = parse_channels(text)
        if len(found) != probed.channels:
            raise ValueError(f"the network takes {probed.channels} channel(s), not {len(found)}")
        return replace(flat, channels=found)

    def window(text: str) -> Answers:
        size = parse_window(text, probed)
        lengths = tuple(n or m for n, m in zip(size or probed.size, probed.size, strict=True))
        poll = interrupts.cancel.raise_if_cancelled
        reason = takes(file, probed, (lengths[0], lengths[1], lengths[2]), poll=poll)
        if reason:
            raise ValueError(reason.rstrip("."))
        return replace(flat, window=size)

    questions: tuple[tuple[str, str, str | None, Callable[[str], Answers]], ...] = (
        ("channels", _CHANNELS, None, channels),
        (
            "orientation",
            "Patient sides that the array axes run to (or keep)",
            "SPL" if two else "RAS",
            lambda text: replace(flat, orientation=parse_orientation(text)),
        ),
        (
            "spacing",
            "Spacing in mm along each array axis (0 keeps an axis; or keep)",
            "keep",
            lambda text: replace(flat, spacing=parse_spacing(text)),
        ),
        ("intensity", f"Intensities: {INTENSITIES}", None, lambda text: replace(flat, intensity=parse_intensity(text))),
        ("window", "Window in voxels along each array axis (or whole)", _usual_window(probed), window),
        (
            "activation",
            "What the network's scores still lack: softmax, sigmoid or none",
            "softmax" if probed.classes > 1 else "sigmoid",
            lambda text: replace(flat, activation=parse_activation(text)),
        ),
        (
            "labels",
            f"Names of the {probed.classes} class(es) in the network's order, such as background, liver, tumour",
            None,
            lambda text: replace(flat, labels=parse_labels(text, probed.classes)),
        ),
    )
    for key, question, usual, read in questions:
        flat = _asked(key, question, usual, given[key], read)
    name = given["name"] if given["name"] is not None else _prompted("Name of the model", file.parent.name, given)
    licence = given["licence"] if given["licence"] is not None else _prompted("Licence (empty if unknown)", "", given)
    return replace(flat, name=name, licence=licence)


def _asked(key: str, question: str, usual: str | None, given: str | None, read: Callable[[str], Answers]) -> Answers:
    """The answer of an option, which must do, or of the user, who is asked until it does."""
    if given is not None:
        return _said(key, given, read)
    while True:
        try:
            return read(click.prompt(question, default=usual, type=str))
        except ValueError as error:
            click.echo(f"That does not do: {error}.", err=True)


def _said(key: str, given: str, read: Callable[[str], _Read]) -> _Read:
    try:
        return read(given)
    except ValueError as error:
        raise UsageError(f"{error}.", where=f"--{key}") from error


def _prompted(question: str, usual: str, given: dict[str, Any]) -> str:
    """A text that may stay as it is; not asked for where every question that matters was answered by an option."""
    needed = ("channels", "intensity", "labels")
    if all(given[key] is not None for key in needed):
        return usual
    answer: str = click.prompt(question, default=usual, show_default=bool(usual), type=str)
    return answer


def _usual_window(probed: Probe) -> str:
    if probed.divisor == 0:
        return ",".join(str(n) for n in probed.size)
    return "whole" if probed.dimensions == 2 else "96,96,96"
