"""``medaiseg models export``: an installed model as a folder of our own layout."""

from __future__ import annotations

from pathlib import Path

import click

from ..models.store import find_model


@click.command("export")
@click.argument("model", metavar="M")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="New folder; its name becomes the id.")
def command(model: str, output: Path) -> None:
    """Write the model M, an id or a path, as a folder with medaiseg.json and TorchScript, to be shared.

    Labels stay the same; each network is held against the original before it is written. Mind the model's licence.
    """
    # Importing torch takes seconds.
    from ..formats import read_model
    from ..formats.medaiseg_bundle.writing import export_model

    path = find_model(model)
    folder = export_model(read_model(path), path, output.expanduser())
    click.echo(f"Written to {folder}. Install it with: medaiseg models install {folder}")
