"""``medaiseg models trust`` and ``distrust``: whether a model may run code of its own."""

from __future__ import annotations

import click

from ..core.errors import NotTrustedError, UsageError
from ..models.store import find_model
from ..models.trust import trust_content, trusted_for_now, withdraw_trust
from .parameters import GivenName, as_command


@click.command("trust")
@click.argument("model", metavar="M", type=GivenName())
def trust(model: str) -> None:
    """Let the model M, an id or a path, run code of its own, as it is now.

    Do so only if you know who made it: code can do whatever you can. What it would run is said first. When one of its
    files changes, the trust ends.
    """
    from ..formats import read_model

    path = find_model(model)
    try:
        own_code = read_model(path).spec.own_code
    except NotTrustedError as error:
        click.echo(f"{model}: {error.what}", err=True)
    else:
        raise UsageError(
            "it is trusted already." if own_code else "it needs no trust: it runs without code of its own.", where=model
        )
    with trusted_for_now(path) as sha256:
        read_model(path)
    trust_content(sha256, path.name)
    take_back = as_command("medaiseg", "models", "distrust", model)
    click.echo(f"Trusted {model} as it is now. To take that back: {take_back}")


@click.command("distrust")
@click.argument("model", metavar="M", type=GivenName())
def distrust(model: str) -> None:
    """Let the model M run no code of its own any more, nor any copy of it, whatever its name."""
    if not withdraw_trust(find_model(model)):
        raise UsageError("it is not trusted.", where=model)
    click.echo(f"{model} is not trusted any more, nor is any copy of it.")
