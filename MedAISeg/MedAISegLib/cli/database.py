"""What ``medaiseg inspect --slicer-database`` shows: the series of 3D Slicer's DICOM database."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from ..readers.slicer_database import DatabaseSeries, list_series
from .console import stdout_console
from .documents import print_json


def show_database(path: Path, *, as_json: bool) -> None:
    """All studies and series, by what the database's index says of them.

    Raises:
        InputError: if it is no such database.
    """
    found = list_series(path)
    if as_json:
        print_json({"series": [_document(series) for series in found]})
        return
    console = stdout_console()
    if not found:
        console.print("The database is empty.")
    for n, (study, members) in enumerate(groupby(found, key=lambda series: series.study_instance_uid), start=1):
        console.print(_study_table(n, study, list(members)))


def _study_table(number: int, study: str, members: list[DatabaseSeries]) -> Table:
    first = members[0]
    words = ", ".join(word for word in (first.study_date, first.study_description) if word)
    table = Table(title=escape(f"Study {number}: {words or study}"), title_justify="left")
    for heading in ("series", "modality", "files", "remarks"):
        table.add_column(heading, overflow="fold")
    for series in members:
        label = f"{series.number}: {series.description}" if series.number else series.description
        identity = f"{escape(label)}\n[dim]{escape(series.series_instance_uid)}[/]"
        table.add_row(identity, escape(series.modality), str(len(series.files)), _remarks(series))
    return table


def _remarks(series: DatabaseSeries) -> str:
    gone = f"[red]{series.missing} files are no longer there[/]" if series.missing else ""
    remote = f"{series.remote} images are on a server only" if series.remote else ""
    return "\n".join(text for text in (gone, remote) if text)


def _document(series: DatabaseSeries) -> dict[str, Any]:
    columns = asdict(series)
    files = columns.pop("files")
    return columns | {"file_count": len(files), "missing_files": series.missing, "remote_images": columns.pop("remote")}
