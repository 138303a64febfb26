"""What machines read on stdout: one JSON document, also where there is no result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..core.errors import MedAISegError

OPTION = "--json"


def print_json(document: Mapping[str, Any]) -> None:
    """One document on stdout, in ASCII: names of files need not be of any encoding."""
    print(json.dumps(document, indent=2))


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether a command line does, even one that makes no sense."""
    return OPTION in arguments[: arguments.index("--")] if "--" in arguments else OPTION in arguments


def error_document(error: MedAISegError) -> dict[str, Any]:
    """Why there is no result, JSON-ready."""
    return _failed(type(error).__name__, error.exit_code, error.what, error.where, error.remedy)


def usage_document(error: click.ClickException) -> dict[str, Any]:
    """What is wrong with the command line itself, or with the program, JSON-ready."""
    what = error.format_message()
    if not isinstance(error, click.UsageError):
        return _failed(type(error).__name__, error.exit_code, what, "", "")
    where = error.ctx.command_path if error.ctx else "medaiseg"
    return _failed("UsageError", error.exit_code, what, where, f"'{where} --help' says what there is.")


def _failed(kind: str, exit_code: int, what: str, where: str, remedy: str) -> dict[str, Any]:
    error = {"kind": kind, "exit_code": exit_code, "what": what, "where": where, "remedy": remedy}
    return {"status": "failed", "error": error}
