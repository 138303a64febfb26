"""The entry point ``medaiseg``: its commands, and what happens when one fails."""

from __future__ import annotations

import traceback
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..core.errors import Cancelled, MedAISegError, ResourceError
from .interrupts import Interrupts

_COMMANDS = {
    "segment": "MedAISegLib.cli.segment",
    "classify": "MedAISegLib.cli.classify",
    "inspect": "MedAISegLib.cli.inspect",
    "models": "MedAISegLib.cli.models",
    "demo": "MedAISegLib.cli.demo",
}
"""Command to the module that holds a click command ``command``; imported when it is used."""


class _Failure(click.ClickException):
    """An error in the words of :mod:`MedAISegLib.core.errors`, with its exit code."""

    def __init__(self, error: MedAISegError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click reads it from the instance


class _UnexpectedFailure(click.ClickException):
    """An error that nobody foresaw: short on the screen, with what a report needs."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            f"{type(error).__name__}: {error}\n"
            "This is a fault of MedAISeg itself. Please run the same again as 'medaiseg --debug ...' and report the "
            "text that appears, with patient data taken out, where you got MedAISeg from."
        )


class _Commands(click.Group):
    """Imports a command's module only when that command is used, and turns errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name]).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with ctx.ensure_object(Interrupts).listening():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise _Failure(Cancelled()) from None
        except MedAISegError as error:
            _show_traceback(ctx)
            raise _Failure(error) from error
        except MemoryError as error:
            _show_traceback(ctx)
            raise _Failure(
                ResourceError("there is not enough memory.", remedy="Limit the run with --region, or close programs.")
            ) from error
        except Exception as error:
            _show_traceback(ctx)
            raise _UnexpectedFailure(error) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="medaiseg")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Segment medical images with AI models.

    For research; not a medical device.

    Exit codes: 0 done, 2 usage, 3 input images, 4 model, 5 memory, disk or device, 6 cancelled.
    """


def _show_traceback(ctx: click.Context) -> None:
    if ctx.params["debug"]:
        traceback.print_exc()
