"""``medaiseg models export``: an installed model as a folder of our own layout."""

from __future__ import annotations

from pathlib import Path

import click

from ..models.store import find_model
from .interrupts import Interrupts, pass_interrupts
from .parameters import GivenName, GivenPath, as_command


@click.command("export")
@click.argument("model", metavar="M", type=GivenName())
@click.option("--output", required=True, type=GivenPath(), help="New folder; its name becomes the id.")
@pass_interrupts
def command(interrupts: Interrupts, model: str, output: Path) -> None:
    """Write the model M, an id or a path, as a folder with medaiseg.json and weights, to be shared.

    Labels, or the probabilities of classes, stay the same; each network is held against the original before it is
    written. Networks of MONAI, nnU-Net, MeshNet and torchvision become weights alone (safetensors), without any code;
    TorchScript and ONNX stay what they are. Mind the model's licence.
    """
    # Importing torch takes seconds.
    from ..formats import read_model
    from ..formats.medaiseg_bundle.writing import export_model

    path = find_model(model)
    click.echo(f"{model}: its networks are run, here and as they are written ...", err=True)
    exported = export_model(read_model(path), path, output.expanduser())
    interrupts.settle()
    for notice in exported.notices:
        click.echo(notice.message)
    install = as_command("medaiseg", "models", "install", exported.folder)
    click.echo(f"Written to {exported.folder}. Install it with: {install}")
