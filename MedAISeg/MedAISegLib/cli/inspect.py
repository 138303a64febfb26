"""``medaiseg inspect``: what a folder or file holds, and what is odd about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from ..core.errors import InputError, MedAISegError, UsageError
from ..core.notice import Notice
from ..core.quantities import AIR_HU, check_finite
from ..core.volume import Volume
from ..readers import FILES_PASSED_OVER, IMAGES_PASSED_OVER, list_files, list_images, read_listing
from ..readers.listing import ImageListing
from ..readers.slicer_database import series_files
from .console import stdout_console
from .database import show_database
from .documents import OPTION, print_json
from .interrupts import Interrupts, pass_interrupts
from .parameters import GivenPath, not_empty

_ABOUT_THE_FOLDER = (FILES_PASSED_OVER, IMAGES_PASSED_OVER)
"""Every listing of a folder carries them; they are said once."""


@dataclass(frozen=True)
class InspectedImage:
    """A listing, its smallest and largest value where it can be read, and what is to be said about it."""

    listing: ImageListing
    value_range: tuple[float, float] | None
    remarks: tuple[Notice, ...]
    problem: MedAISegError | None


@click.command("inspect", short_help="List studies and series, and what is odd about their geometry.")
@click.argument("source", metavar="[INPUT]", required=False, type=GivenPath())
@click.option(
    "--slicer-database",
    "database",
    metavar="PATH",
    type=GivenPath(),
    help="List 3D Slicer's DICOM database (its folder) and not INPUT; only its index is read.",
)
@click.option("--series", default="", callback=not_empty, metavar="UID", help="Of the database, read this series.")
@click.option("--accept", is_flag=True, help="Read also what would raise a question, under the assumption named.")
@click.option(OPTION, "as_json", is_flag=True, help="One JSON document on stdout instead of tables.")
@pass_interrupts
def command(
    interrupts: Interrupts, source: Path | None, database: Path | None, series: str, accept: bool, as_json: bool
) -> None:
    """List the images of INPUT, a folder or file, by study: modality, grid, values, and what is odd about them.

    Names and numbers of patients are not shown.
    """
    if database is not None and source is None and not series:
        show_database(database, as_json=as_json)
        return
    with interrupts.abandonable():
        images = [_inspect(listing, accept=accept) for listing in _listings(source, database, series, accept=accept)]
    interrupts.settle()
    if as_json:
        print_json({"images": [_document(image) for image in images]})
        return
    console = stdout_console()
    by_study = groupby(sorted(images, key=_study), key=_study)
    for n, (study, members) in enumerate(by_study, start=1):
        console.print(_study_table(f"Study {n}: {escape(study)}" if study else f"{n}: of no study", list(members)))
    for message in dict.fromkeys(n.message for image in images for n in image.remarks if n.code in _ABOUT_THE_FOLDER):
        console.print(escape(message))


def _listings(source: Path | None, database: Path | None, series: str, *, accept: bool) -> tuple[ImageListing, ...]:
    """Raises UsageError unless there is one place to look at."""
    if source is not None and database is None and not series:
        return list_images(source, accept=accept)
    if database is not None and source is None:
        return list_files(series_files(database, series), accept=accept)
    raise UsageError("give either INPUT, or --slicer-database PATH with or without --series UID.")


def _inspect(listing: ImageListing, *, accept: bool) -> InspectedImage:
    if listing.problem is not None:
        return InspectedImage(listing, None, listing.notices, listing.problem)
    try:
        volumes = read_listing(listing, accept=accept)
    except MedAISegError as error:
        return InspectedImage(listing, None, listing.notices, error)
    value_range = _range(volumes)
    notices = [*listing.notices, *(notice for volume in volumes for notice in volume.notices)]
    notices += _without_numbers(volumes)
    if listing.modality == "CT" and value_range is not None and value_range[0] < AIR_HU:
        message = "Values below -1024 HU are padding outside the scanner's circle; a model gets them as air."
        notices.append(Notice("padding", message))
    return InspectedImage(listing, value_range, tuple(dict.fromkeys(notices)), None)


def _range(volumes: Sequence[Volume]) -> tuple[float, float] | None:
    ranges = [found for volume in volumes if (found := volume.value_range) is not None]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def _without_numbers(volumes: Sequence[Volume]) -> list[Notice]:
    notices = []
    for volume in volumes:
        try:
            check_finite(volume)
        except InputError as error:
            notices.append(Notice("not-finite", f"No model takes it: {error.what} {error.remedy}"))
    return notices


def _study(image: InspectedImage) -> str:
    return image.listing.study_instance_uid


def _study_table(title: str, images: Sequence[InspectedImage]) -> Table:
    table = Table(title=title, title_justify="left", show_lines=True)
    for heading in ("series", "modality", "size", "spacing mm", "runs to", "values", "remarks"):
        table.add_column(heading, overflow="fold")
    for image in images:
        listing = image.listing
        label = f"{listing.series_number + ': ' if listing.series_number else ''}{listing.description or listing.kind}"
        identity = f"{escape(label)}\n[dim]{escape(_name(listing))}[/]"
        remarks = [escape(notice.message) for notice in image.remarks if notice.code not in _ABOUT_THE_FOLDER]
        if image.problem is not None:
            remarks.append(f"[red]Not readable:[/] {escape(str(image.problem))}")
        values = "" if image.value_range is None else " to ".join(f"{value:.4g}" for value in image.value_range)
        table.add_row(
            identity,
            escape(listing.modality),
            _size(listing),
            _spacing(listing),
            listing.orientation,
            values,
            "\n".join(remarks),
        )
    return table


def _name(listing: ImageListing) -> str:
    """What ``--series`` takes, where it is in a series."""
    first, *others = listing.names or (listing.series_instance_uid or listing.kind,)
    return f"{first} to {others[-1]}" if others else first or listing.kind


def _size(listing: ImageListing) -> str:
    if listing.size_ijk is None:
        return ""
    size = " x ".join(str(n) for n in listing.size_ijk)
    return f"{size}, {listing.volume_count} volumes" if listing.volume_count > 1 else size


def _spacing(listing: ImageListing) -> str:
    return "" if listing.spacing_ijk_mm is None else " x ".join(f"{mm:.4g}" for mm in listing.spacing_ijk_mm)


def _document(image: InspectedImage) -> dict[str, Any]:
    listing = image.listing
    return {
        "kind": listing.kind,
        "study_instance_uid": listing.study_instance_uid,
        "series_instance_uid": listing.series_instance_uid,
        "names": listing.names,
        "series_number": listing.series_number,
        "modality": listing.modality,
        "description": listing.description,
        "size_ijk": listing.size_ijk,
        "spacing_ijk_mm": listing.spacing_ijk_mm,
        "orientation": listing.orientation,
        "volume_count": listing.volume_count,
        "value_range": image.value_range,
        "notices": [{"code": notice.code, "message": notice.message} for notice in image.remarks],
        "problem": None if image.problem is None else str(image.problem),
        "file_count": len(listing.paths),
    }
