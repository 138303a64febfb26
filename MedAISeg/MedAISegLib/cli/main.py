"""The entry point ``medaiseg``: its commands, and what happens when one fails."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..core.characters import shown
from ..core.errors import Cancelled, MedAISegError, ResourceError, UsageError
from .documents import asks_for_json, error_document, print_json, usage_document
from .interrupts import Interrupts

_COMMANDS = {
    "segment": "MedAISegLib.cli.segment",
    "classify": "MedAISegLib.cli.classify",
    "inspect": "MedAISegLib.cli.inspect",
    "models": "MedAISegLib.cli.models",
    "demo": "MedAISegLib.cli.demo",
}
"""Command to the module that holds a click command ``command``; imported when it is used."""

_AS_JSON = f"{__name__}.as_json"
"""Where a context keeps whether its command line asks for JSON."""


class _Failure(click.ClickException):
    """An error in the words of :mod:`MedAISegLib.core.errors`, with its exit code."""

    def __init__(self, error: MedAISegError) -> None:
        super().__init__(str(error))
        self.error = error
        self.exit_code = error.exit_code  # type: ignore[misc]  # click reads it from the instance


class UnexpectedFailure(click.ClickException):
    """An error that nobody foresaw: short on the screen, with what a report needs.

    Its name is the kind that JSON gives, and click's own exit code counts, 1.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(
            f"{type(error).__name__}: {shown(str(error))}\n"
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

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        as_json = asks_for_json(args)
        with _failure_told(None, as_json=as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_AS_JSON] = as_json
        return context

    def invoke(self, ctx: click.Context) -> Any:
        as_json, interrupts = ctx.meta[_AS_JSON], ctx.ensure_object(Interrupts)

        def say_cancelled() -> None:
            failure = _Failure(Cancelled())
            if as_json:
                print_json(_document(failure))
            failure.show()

        with (
            interrupts.listening(),
            interrupts.before_leaving(say_cancelled),
            _failure_told(interrupts, as_json=as_json),
            _in_words(ctx, interrupts),
        ):
            return super().invoke(ctx)


@contextmanager
def _in_words(ctx: click.Context, interrupts: Interrupts) -> Iterator[None]:
    """Every error as one of click's, which knows its text and its exit code."""
    try:
        yield
    except click.Abort as error:
        # Of a question to the user: either Ctrl-C or the end of the input.
        raise _Failure(Cancelled() if interrupts.cancel.is_cancelled else _no_answer()) from error
    except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
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
    except OSError as error:
        _show_traceback(ctx)
        raise _Failure(_refused(error)) from error
    except Exception as error:
        _show_traceback(ctx)
        raise UnexpectedFailure(error) from error


def _refused(error: OSError) -> ResourceError:
    """What the operating system did not do, where nobody has better words for it."""
    what = "what there is to say could not be written" if error.filename is None else "it cannot be used"
    return ResourceError(
        f"{what}: {error.strerror or error}.",
        where="" if error.filename is None else str(error.filename),
        remedy="'medaiseg --debug ...' shows what was being done.",
    )


@contextmanager
def _failure_told(interrupts: Interrupts | None, *, as_json: bool) -> Iterator[None]:
    """A machine that asked for JSON gets it also when there is no result; the message goes to stderr as always."""
    try:
        yield
    except click.ClickException as failure:
        if interrupts is not None:
            interrupts.settle()
        if as_json:
            # It may have been stdout that failed.
            with suppress(OSError):
                print_json(_document(failure))
        raise


def _document(failure: click.ClickException) -> dict[str, Any]:
    return error_document(failure.error) if isinstance(failure, _Failure) else usage_document(failure)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="medaiseg")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Segment medical images with AI models.

    For research; not a medical device.

    Exit codes: 0 done, 1 a fault of MedAISeg itself, 2 usage, 3 input images, 4 model, 5 memory, disk or device,
    6 cancelled.
    """


def _no_answer() -> UsageError:
    return UsageError("a question was not answered.", remedy="Answer it, or say it by an option; --help lists them.")


def _show_traceback(ctx: click.Context) -> None:
    if ctx.params["debug"]:
        traceback.print_exc()
