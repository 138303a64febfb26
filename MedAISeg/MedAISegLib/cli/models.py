"""``medaiseg models``: what is installed, and installing and removing."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from ..core.errors import ModelError
from ..models.spec import ModelSpec
from ..models.installing import install_folder, remove_model
from ..models.store import InstalledModel, find_model, installed_models, models_home
from .console import show_notices, stdout_console

_CARDS = ("docs/README.md", "README.md")
"""Where publishers put what is to be known of a model."""


@click.group("models", invoke_without_command=True, short_help="List, show, install and remove models.")
@click.pass_context
def command(context: click.Context) -> None:
    """List the models that are installed; with a subcommand show, install or remove one.

    The folder of installed models is MEDAISEG_HOME/models, or where the operating system keeps a program's data.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_models)


@command.command("list")
def list_models() -> None:
    """List the models that are installed."""
    table = Table(title_justify="left")
    for heading in ("model", "what it is", "channels", "labels", "licence", "size"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "size" else "left")
    for model in installed_models():
        table.add_row(*(escape(text) for text in _row(model)))
    console = stdout_console()
    console.print(table)
    console.print(f"Installed models lie in {models_home()}", soft_wrap=True)


@command.command("show")
@click.argument("model", metavar="M")
def show_model(model: str) -> None:
    """Show everything that is known about the model M, an id or a path."""
    from ..formats import read_model

    path = find_model(model)
    spec = read_model(path).spec
    console = stdout_console()
    for name, text in _facts(spec, path).items():
        if text:
            console.print(f"[bold]{name}[/]: {escape(text)}", soft_wrap=True)
    table = Table(title="segments", title_justify="left")
    for heading in ("label", "name", "code", "modifier"):
        table.add_column(heading, overflow="fold")
    for segment in spec.segments:
        code, modifier = segment.terminology.type, segment.terminology.modifier
        shown = f"{code.meaning} ({code.scheme} {code.value})"
        table.add_row(
            str(segment.label_value), escape(segment.name), escape(shown), escape(modifier.meaning if modifier else "")
        )
    console.print(table)
    show_notices(spec.notices)


@command.command("install")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace an installed model of the same name.")
def install_model(folder: Path, overwrite: bool) -> None:
    """Copy the model in FOLDER into the store, once it has been read and its weights fit; its name becomes its id."""
    model = install_folder(folder, overwrite=overwrite, verify=_verify)
    click.echo(f"Installed as {model.id}. Run it with: medaiseg segment INPUT --model {model.id} --output DIR")


@command.command("remove")
@click.argument("model", metavar="M")
def remove_installed_model(model: str) -> None:
    """Delete the installed model M."""
    remove_model(model)
    click.echo(f"Removed {model}.")


def _verify(folder: Path) -> None:
    from ..formats import read_model

    read_model(folder).build_networks()


def _row(model: InstalledModel) -> tuple[str, ...]:
    from ..formats import read_model

    size = _size_text(model.path)
    name = f"{model.id} (comes with the program)" if model.embedded else model.id
    try:
        spec = read_model(model.path).spec
    except ModelError as error:
        return name, f"cannot be used: {error}", "", "", "", size
    return name, spec.name, _channels_text(spec), _labels_text(spec), spec.license or "not stated", size


def _facts(spec: ModelSpec, path: Path) -> dict[str, str]:
    commercial = {True: "allowed", False: "not allowed", None: "not stated"}[spec.commercial_use]
    return {
        "model": spec.id,
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "anatomy": spec.anatomy,
        "channels": _channels_text(spec),
        "region": "it wants a region around the structure (--region) on a larger scan" if spec.wants_region else "",
        "licence": spec.license or "not stated",
        "commercial use": commercial,
        "intended use": spec.intended_use,
        "citation": spec.citation,
        "format": spec.format,
        "SHA-256": spec.sha256,
        "size": _size_text(path),
        "folder": str(path),
        "model card": next((str(card) for card in (path / name for name in _CARDS) if card.is_file()), ""),
    }


def _channels_text(spec: ModelSpec) -> str:
    return ", ".join(" ".join(filter(None, (c.name, f"({c.modality})" if c.modality else ""))) for c in spec.channels)


def _labels_text(spec: ModelSpec) -> str:
    names = [segment.name for segment in spec.segments]
    return ", ".join(names) if len(names) <= 6 else f"{len(names)}: {', '.join(names[:5])} ..."


def _size_text(path: Path) -> str:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"
