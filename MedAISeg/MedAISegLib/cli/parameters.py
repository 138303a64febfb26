"""What options and arguments take: an empty text, such as a script's unset variable leaves, never means something."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.types import StringParamType


class GivenPath(click.Path):
    """A path, there or not; pathlib would take an empty one for the current folder."""

    def __init__(self) -> None:
        super().__init__(readable=False, path_type=Path)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if not os.fspath(value).strip():
            self.fail("it is empty.", param, ctx)
        try:
            Path(value).exists()
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                self.fail("the name is too long.", param, ctx)
        return super().convert(value, param, ctx)


class GivenName(StringParamType):
    """A name of something, never an empty one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        name: str = super().convert(value, param, ctx)
        if not name.strip():
            self.fail("it is empty.", param, ctx)
        return name


def as_command(*words: str | os.PathLike[str]) -> str:
    """A command to be typed or copied, whatever its words are made of."""
    return shlex.join(os.fspath(word) for word in words)


def not_empty(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """The text or list of an option, whose default may well be empty.

    Raises:
        click.BadParameter: if it was given and names nothing.
    """
    given = ctx.get_parameter_source(param.name or "") is not ParameterSource.DEFAULT
    if given and not value.replace(",", " ").strip():
        raise click.BadParameter("it is empty.")
    return value
