"""``medaiseg classify``: images in, a table of classes and probabilities out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from ..core.characters import as_cell
from ..core.classification import ClassificationResult
from ..core.device_name import check_device_name
from ..core.disk import written_whole
from ..core.errors import UsageError
from ..core.records import to_json
from .console import show_notices, shown_progress, stdout_console
from .documents import OPTION, print_json
from .interrupts import Interrupts, pass_interrupts
from .parameters import GivenPath, not_empty


@click.command("classify", short_help="Say what images show as a whole.")
@click.argument("sources", metavar="INPUT...", nargs=-1, required=True, type=GivenPath())
@click.option("--model", "-m", required=True, callback=not_empty, help="Id of an installed model, or its path.")
@click.option("--output", "-o", type=GivenPath(), help="Write the table into this CSV file.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda:N or mps.")
@click.option("--accept", is_flag=True, help="Go on where the images raise a question, under the assumption named.")
@click.option("--overwrite", is_flag=True, help="Replace the CSV file.")
@click.option(OPTION, "as_json", is_flag=True, help="One JSON document on stdout instead of a table.")
@pass_interrupts
def command(
    interrupts: Interrupts,
    sources: tuple[Path, ...],
    model: str,
    output: Path | None,
    device: str,
    accept: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Say how probable each class of a classification model is for each INPUT, a file or a folder with one series.

    Of a volume, a model of flat images sees each slice by itself.
    """
    from ..app.classify import classify

    check_device_name(device)
    if output is not None and output.exists() and not overwrite:
        raise UsageError("it exists.", where=str(output), remedy="Use --overwrite.")
    with interrupts.abandonable(), shown_progress(interrupts) as progress:
        result = classify(model, sources, device=device, accept=accept, progress=progress)
    interrupts.settle()
    show_notices(result.notices)
    if output is not None:
        _write_csv(result, output)
    if as_json:
        print_json(_document(result))
    else:
        stdout_console().print(_table(result))


def _document(result: ClassificationResult) -> dict[str, object]:
    provenance = to_json(result.provenance)
    provenance.pop("kind")
    return {
        "status": "done",
        "images": [
            {
                "image": image.image,
                "best": image.best.name,
                "probabilities": {found.name: found.probability for found in image.classes},
            }
            for image in result.images
        ],
        "notices": [{"code": notice.code, "message": notice.message} for notice in result.notices],
        "provenance": provenance,
    }


def _rows(result: ClassificationResult, digits: str) -> list[list[str]]:
    heading = ["image", "best", *(found.name for found in result.images[0].classes)]
    rows = [
        [image.image, image.best.name, *(format(found.probability, digits) for found in image.classes)]
        for image in result.images
    ]
    return [heading, *rows]


def _table(result: ClassificationResult) -> Table:
    heading, *rows = _rows(result, ".3f")
    table = Table(title=escape(result.provenance.model_name), title_justify="left")
    for name in heading:
        table.add_column(escape(name), overflow="fold")
    for row in rows:
        table.add_row(*(escape(text) for text in row))
    return table


def _write_csv(result: ClassificationResult, path: Path) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(map(as_cell, row) for row in _rows(result, ".6g"))
    with written_whole(path) as stream:
        stream.write(text.getvalue().encode())
