"""``medaiseg models``: what there is and what is installed, and how models come and go."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from ..core.errors import Cancelled, MedAISegError, ModelError, ResourceError, UsageError
from ..core.progress import Poll
from ..models.card import ModelCard
from ..models.spec import ModelSpec
from ..models.store import InstalledModel, find_model, installed_model, installed_models, models_home, size_bytes
from . import models_export, models_init, models_trust
from .console import show_notices, shown_bytes, stdout_console
from .interrupts import Interrupts
from .models_receipts import receipt_texts
from .parameters import GivenName, GivenPath, as_command, not_empty

_CARDS = ("docs/README.md", "README.md")
"""Where publishers put what is to be known of a model."""


@click.group("models", invoke_without_command=True, short_help="Search, install, show, check and remove models.")
@click.pass_context
def command(context: click.Context) -> None:
    """List the models that are installed; the subcommands search the catalogue, install, check and remove.

    The folder of installed models is MEDAISEG_HOME/models, or where the operating system keeps a program's data; those
    of MEDAISEG_MODELS_PATH are searched as well.
    """
    context.with_resource(context.ensure_object(Interrupts).abandonable())
    if context.invoked_subcommand is None:
        context.invoke(list_models)


command.add_command(models_init.command)
command.add_command(models_export.command)
command.add_command(models_trust.trust)
command.add_command(models_trust.distrust)


@command.command("list")
def list_models() -> None:
    """List the models that are installed."""
    table = Table(title_justify="left")
    for heading in ("model", "what it is", "channels", "labels", "licence", "size"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "size" else "left")
    for model in installed_models():
        for row in _rows(model):
            table.add_row(*(escape(text) for text in row))
    console = stdout_console()
    console.print(table)
    console.print(f"Installed models lie in {escape(str(models_home()))}", soft_wrap=True)


@command.command("show")
@click.argument("model", metavar="M", type=GivenName())
def show_model(model: str) -> None:
    """Show everything that is known about the model M, an id or a path."""
    from ..formats import read_model

    path = find_model(model)
    spec = read_model(path).spec
    console = stdout_console()
    for name, text in _facts(spec, path).items():
        if text:
            console.print(f"[bold]{name}[/]: {escape(text)}", soft_wrap=True)
    for name, text in receipt_texts(next((m for m in installed_models() if m.path == path), None)):
        console.print(f"[bold]{name}[/]: {escape(text)}", soft_wrap=True)
    if spec.segments:
        console.print(_segments_table(spec))
    show_notices(spec.notices)


def _segments_table(spec: ModelSpec) -> Table:
    table = Table(title="segments", title_justify="left")
    for heading in ("label", "name", "code", "modifier"):
        table.add_column(heading, overflow="fold")
    for segment in spec.segments:
        code, modifier = segment.terminology.type, segment.terminology.modifier
        shown = f"{code.meaning} ({code.scheme} {code.value})"
        table.add_row(
            str(segment.label_value), escape(segment.name), escape(shown), escape(modifier.meaning if modifier else "")
        )
    return table


@command.command("search")
@click.argument("words", nargs=-1, type=GivenName())
def search_models(words: tuple[str, ...]) -> None:
    """Search the catalogue for models that mention all WORDS: an organ, CT or MR, a publisher."""
    from ..models.published import search_published

    found = search_published(" ".join(words))
    if not found:
        raise ModelError("the catalogue has no such model.", where=" ".join(words))
    table = Table(title_justify="left")
    for heading in ("model", "what it is", "channels", "labels", "licence", "publisher", "size"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "size" else "left")
    for model in found:
        card = model.card
        size = f"{card.size_bytes / 1e6:.1f} MB" if card.size_bytes else "" if model.restricted else "unknown"
        what = f"{card.name}: {card.description}" if card.description else card.name
        state = f"{card.id} (not to be downloaded)" if model.restricted else card.id
        licence = (card.license or "not stated") + (" (no commercial use)" if card.commercial_use is False else "")
        row = (state, what, _channels_text(card), _labels_text(card), licence, model.publisher, size)
        table.add_row(*(escape(text) for text in row))
    stdout_console().print(table)
    click.echo("Install one with: medaiseg models install MODEL", err=True)


@command.command("install")
@click.argument("source", type=GivenName())
@click.option(
    "--name", default="", callback=not_empty, help="The model's id, instead of the name of the folder or archive."
)
@click.option("--overwrite", is_flag=True, help="Replace an installed model of the same name.")
@click.option("--trust", is_flag=True, help="Let this model run code of its own, as it is now.")
@click.option("--accept-licence", is_flag=True, help="Acknowledge that the licence allows no commercial use.")
@click.option("--accept-changed", is_flag=True, help="The file at the address may differ from its first download.")
@click.option("--offline", is_flag=True, help="Download nothing, as with MEDAISEG_OFFLINE=1.")
@click.option(
    "--mirror", default="", callback=not_empty, metavar="URL", help="Where copies lie: URL/HOST/PATH. [MEDAISEG_MIRROR]"
)
@click.pass_context
def install_model(
    context: click.Context,
    source: str,
    name: str,
    overwrite: bool,
    trust: bool,
    accept_licence: bool,
    accept_changed: bool,
    offline: bool,
    mirror: str,
) -> None:
    """Bring a model into the store, once it has been read and its weights fit.

    SOURCE is a folder, an archive (zip, tar, tar.gz), a TorchScript file with its description inside, the https address
    of an archive, or a model of the catalogue (medaiseg models search). Its name becomes its id.
    """
    from ..app import model_sources
    from ..models.download import network_of

    network = network_of(offline=offline, mirror=mirror)
    options = model_sources.InstallOptions(name, overwrite, trust, accept_licence, accept_changed, network)
    try:
        with shown_bytes() as tell:
            model, notices = model_sources.install_model(source, options, tell=tell, poll=_poll(context))
    except Cancelled:
        click.echo("What was downloaded is kept; the next try goes on from there.", err=True)
        raise
    context.ensure_object(Interrupts).settle()
    show_notices(notices)
    click.echo(f"Installed as {model.id}. Run it with: {_how_to_run(model)}")


def _how_to_run(model: InstalledModel) -> str:
    from ..formats import read_model

    if read_model(model.path).spec.classes:
        return as_command("medaiseg", "classify", "INPUT", "--model", model.id)
    return as_command("medaiseg", "segment", "INPUT", "--model", model.id, "--output", "DIR")


@command.command("verify")
@click.argument("model", metavar="[M]", required=False, type=GivenName())
@click.pass_context
def verify_models(context: click.Context, model: str | None) -> None:
    """Check that the model M, or each of them, is as it was installed, can be read, and that its weights fit."""
    from ..formats.checking import check_networks
    from ..models.receipts import require_unchanged

    failed: dict[str, MedAISegError] = {}
    for installed in [installed_model(model)] if model else installed_models():
        click.echo(f"{installed.id}: it is read and its networks are built, or run ...", err=True)
        try:
            known = require_unchanged(installed)
            check_networks(installed.path, _poll(context))
        except (ModelError, ResourceError) as error:
            failed[installed.id] = error
            click.echo(f"{installed.id}: {error}", err=True)
        else:
            click.echo(f"{installed.id}: fits{', unchanged since it was installed' if known else ''}.")
            for name, text in receipt_texts(installed):
                click.echo(f"  {name}: {text}")
    if failed:
        broken = any(isinstance(error, ModelError) for error in failed.values())
        kind, what = (ModelError, "cannot be used as it is.") if broken else (ResourceError, "could not be checked.")
        raise kind(what, where=", ".join(failed))


@command.command("remove")
@click.argument("model", metavar="[M]", required=False, type=GivenName())
@click.option("--unused", type=click.IntRange(min=1), metavar="DAYS", help="Delete those not used for so many days.")
def remove_installed_model(model: str | None, unused: int | None) -> None:
    """Delete the installed model M, or those that nobody has used for some time."""
    from ..app.model_removal import remove_installed
    from ..models.receipts import days_unused

    if (model is None) == (unused is None):
        raise UsageError("name either a model or --unused DAYS.")
    names = [model] if model else []
    if unused is not None:
        own = (installed for installed in installed_models() if installed.is_own)
        names = [installed.id for installed in own if (days_unused(installed) or 0) >= unused]
    for name in names:
        size = _size_text(installed_model(name).path)
        remove_installed(name)
        click.echo(f"Removed {name} ({size}).")
    if not names:
        click.echo(f"No model was unused for {unused} days.")


@command.command("pack")
@click.argument("models", metavar="[M]...", nargs=-1, type=GivenName())
@click.option("--output", "-o", type=GivenPath(), required=True, metavar="FILE.zip")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
@click.pass_context
def pack_models(context: click.Context, models: tuple[str, ...], output: Path, overwrite: bool) -> None:
    """Write the models M, or all that were installed here, into one file for machines without internet."""
    from ..app import model_sources

    chosen = [installed_model(name) for name in dict.fromkeys(models)] or [m for m in installed_models() if m.is_own]
    with shown_bytes() as tell:
        model_sources.pack_models(chosen, output, overwrite=overwrite, tell=tell, poll=_poll(context))
    context.ensure_object(Interrupts).settle()
    elsewhere = as_command("medaiseg", "models", "unpack", output.name)
    click.echo(f"Packed {', '.join(m.id for m in chosen)}. Elsewhere: {elsewhere}")


@command.command("unpack")
@click.argument("pack", type=GivenPath())
@click.option("--overwrite", is_flag=True, help="Replace installed models of the same names.")
@click.option("--trust", is_flag=True, help="Let these models run code of their own, as they are now.")
@click.option("--accept-licence", is_flag=True, help="Acknowledge licences that allow no commercial use.")
@click.pass_context
def unpack_pack(context: click.Context, pack: Path, overwrite: bool, trust: bool, accept_licence: bool) -> None:
    """Install all models of a file that medaiseg models pack wrote."""
    from ..app.model_sources import InstallOptions, unpack_models

    options = InstallOptions(overwrite=overwrite, trust=trust, accept_licence=accept_licence)
    with shown_bytes() as tell:
        models = unpack_models(pack, options, tell=tell, poll=_poll(context))
    context.ensure_object(Interrupts).settle()
    click.echo(f"Installed {', '.join(model.id for model in models)}.")


def _poll(context: click.Context) -> Poll:
    return context.ensure_object(Interrupts).cancel.raise_if_cancelled


def _rows(model: InstalledModel) -> list[tuple[str, ...]]:
    """Of a model, and of the configurations that may be chosen in it."""
    from ..formats import read_model

    size = _size_text(model.path)
    name = model.id
    if model.embedded or model.shared:
        name += " (comes with the program)" if model.embedded else " (shared)"
    try:
        spec = read_model(model.path).spec
    except (ModelError, ResourceError) as error:
        return [(name, f"cannot be used: {error}", "", "", "", size)]
    row = (name, spec.name, _channels_text(spec), _labels_text(spec), spec.license or "not stated", size)
    return [row, *((f"{model.id}/{variant}", "", "", "", "", "") for variant in spec.variants)]


def _facts(spec: ModelSpec, path: Path) -> dict[str, str]:
    commercial = {True: "allowed", False: "not allowed", None: "not stated"}[spec.commercial_use]
    return {
        "model": spec.id,
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "anatomy": spec.anatomy,
        "channels": _channels_text(spec),
        "classes": ", ".join(spec.classes),
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


def _channels_text(spec: ModelSpec | ModelCard) -> str:
    return ", ".join(" ".join(filter(None, (c.name, f"({c.modality})" if c.modality else ""))) for c in spec.channels)


def _labels_text(spec: ModelSpec | ModelCard) -> str:
    names = [*(segment.name for segment in spec.segments), *spec.classes]
    return ", ".join(names) if len(names) <= 6 else f"{len(names)}: {', '.join(names[:5])} ..."


def _size_text(path: Path) -> str:
    return f"{size_bytes(path) / 1e6:.1f} MB"
